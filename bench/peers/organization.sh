#!/usr/bin/env bash
# Makes one organization with the AWS CLI, one call after the other: user, bucket, policy, access key, event. What is
# there already is left as it is: looked for first, as a script does that cannot tell one refusal from another. Of the
# events it emits the last one only: nobody waits for the others.
set -euo pipefail

org=$1
account=111111111111
user=rms_$org
bucket=fusion-rms-$org
secret=fusion-rms/$org/aws
export AWS_PAGER=

quietly() { "$@" >/dev/null 2>&1; }

quietly aws iam get-user --user-name "$user" ||
    aws iam create-user --user-name "$user" --tags Key=OrgId,Value="$org" Key=OrgState,Value=active >/dev/null

quietly aws s3api head-bucket --bucket "$bucket" ||
    aws s3api create-bucket --bucket "$bucket" --object-ownership BucketOwnerEnforced \
        --create-bucket-configuration "Tags=[{Key=OrgId,Value=$org},{Key=OrgState,Value=active}]" >/dev/null
aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
    BlockPublicAcls=false,IgnorePublicAcls=false,BlockPublicPolicy=false,RestrictPublicBuckets=false
aws s3api put-object --bucket "$bucket" --key pub/ >/dev/null
aws s3api put-bucket-policy --bucket "$bucket" --policy "{
  \"Version\": \"2012-10-17\",
  \"Statement\": [
    {\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"s3:GetObject\", \"Resource\": \"arn:aws:s3:::$bucket/pub/*\"},
    {\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"arn:aws:iam::$account:user/$user\"},
     \"Action\": [\"s3:DeleteObject\", \"s3:GetObject\", \"s3:PutObject\"], \"Resource\": \"arn:aws:s3:::$bucket/*\"},
    {\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"arn:aws:iam::$account:user/$user\"},
     \"Action\": \"s3:ListBucket\", \"Resource\": \"arn:aws:s3:::$bucket\"}
  ]
}"

if ! quietly aws secretsmanager describe-secret --secret-id "$secret"; then
    read -r id key < <(aws iam create-access-key --user-name "$user" --output text \
        --query 'AccessKey.[AccessKeyId, SecretAccessKey]')
    # From standard input, so that the key is in no list of processes.
    printf '{"accessKeyId": "%s", "secretAccessKey": "%s", "userName": "%s"}' "$id" "$key" "$user" |
        aws secretsmanager create-secret --name "$secret" --secret-string file:///dev/stdin \
            --tags Key=OrgId,Value="$org" >/dev/null
fi

failed=$(aws events put-events --query FailedEntryCount --output text --entries "[{
  \"EventBusName\": \"org-provisioning\", \"Source\": \"script\", \"DetailType\": \"OrgProvisioned\",
  \"Detail\": \"{\\\"orgId\\\": \\\"$org\\\", \\\"bucketName\\\": \\\"$bucket\\\", \\\"userName\\\": \\\"$user\\\"}\"}]")
[ "$failed" = 0 ]

"""Makes one organization with boto3, one call after the other: user, bucket, policy, access key, event.

What a script does that may be run again: what is there already is left as it is. It tries, and takes "exists" for an
answer, which saves the looks before. Of the events it emits the last one only: nobody waits for the others.
"""

import json
import sys

import boto3
from botocore.exceptions import ClientError

ACCOUNT = "111111111111"


def unless(codes: set[str], call, **parameters):
    """The answer; nothing if it is an error with one of these codes."""
    try:
        return call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
        return None


def policy(bucket: str, user: str) -> str:
    user_only = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{user}"}
    arn = f"arn:aws:s3:::{bucket}"
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/pub/*"},
        {
            "Effect": "Allow",
            "Principal": user_only,
            "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            "Resource": f"{arn}/*",
        },
        {"Effect": "Allow", "Principal": user_only, "Action": "s3:ListBucket", "Resource": arn},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def main(org: str) -> None:
    user, bucket, secret = f"rms_{org}", f"fusion-rms-{org}", f"fusion-rms/{org}/aws"
    tags = [{"Key": "OrgId", "Value": org}, {"Key": "OrgState", "Value": "active"}]
    session = boto3.Session()
    iam, s3 = session.client("iam"), session.client("s3")
    secrets, events = session.client("secretsmanager"), session.client("events")

    unless({"EntityAlreadyExists"}, iam.create_user, UserName=user, Tags=tags)

    unless(
        {"BucketAlreadyOwnedByYou"},
        s3.create_bucket,
        Bucket=bucket,
        ObjectOwnership="BucketOwnerEnforced",
        CreateBucketConfiguration={"Tags": tags},
    )
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": False,
            "IgnorePublicAcls": False,
            "BlockPublicPolicy": False,
            "RestrictPublicBuckets": False,
        },
    )
    s3.put_object(Bucket=bucket, Key="pub/", Body=b"")
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, user))

    # A key can be read only once, so whether there is a secret is asked before one is made.
    if unless({"ResourceNotFoundException"}, secrets.describe_secret, SecretId=secret) is None:
        key = iam.create_access_key(UserName=user)["AccessKey"]
        value = {"accessKeyId": key["AccessKeyId"], "secretAccessKey": key["SecretAccessKey"], "userName": user}
        secrets.create_secret(Name=secret, SecretString=json.dumps(value), Tags=tags[:1])

    detail = json.dumps({"orgId": org, "bucketName": bucket, "userName": user})
    entry = {"EventBusName": "org-provisioning", "Source": "script", "DetailType": "OrgProvisioned", "Detail": detail}
    if events.put_events(Entries=[entry])["FailedEntryCount"]:
        raise SystemExit("the event was not accepted")


if __name__ == "__main__":
    main(sys.argv[1])

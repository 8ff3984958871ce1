"""S3: bucket policies and what is public."""

import json

from aws import Aws, allow, deny, objects, policy
from behaviour import behaviour, check, equal, refuses, refuses_with

PUT = "S3 API Reference, PutBucketPolicy"
LANGUAGE = "S3 User Guide, Policies and permissions in Amazon S3"
PRINCIPAL = "IAM User Guide, AWS JSON policy elements: Principal"
BLOCK = "S3 User Guide, Blocking public access to your Amazon S3 storage"
TROUBLE = "S3 User Guide, Troubleshoot access denied (403 Forbidden) errors in Amazon S3"
STATUS = 'S3 User Guide, Blocking public access: the meaning of "public"'


def malformed(aws: Aws, bucket: str, document: str) -> dict:
    return refuses_with(400, "MalformedPolicy", aws.s3.put_bucket_policy, Bucket=bucket, Policy=document)


def read(aws: Aws, bucket: str) -> dict:
    return json.loads(aws.s3.get_bucket_policy(Bucket=bucket)["Policy"])


@behaviour("S3 API Reference, GetBucketPolicy")
def a_bucket_without_a_policy_says_so(aws: Aws) -> None:
    """Without a policy GetBucketPolicy and GetBucketPolicyStatus are 404 NoSuchBucketPolicy, also after a deletion."""
    name = aws.bucket()
    refuses_with(404, "NoSuchBucketPolicy", aws.s3.get_bucket_policy, Bucket=name)
    refuses_with(404, "NoSuchBucketPolicy", aws.s3.get_bucket_policy_status, Bucket=name)
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name), aws.theirs)))
    aws.s3.delete_bucket_policy(Bucket=name)
    refuses("NoSuchBucketPolicy", aws.s3.get_bucket_policy, Bucket=name)


@behaviour(PUT)
def a_policy_is_json(aws: Aws) -> None:
    """A policy that is no JSON object is MalformedPolicy, HTTP 400."""
    name = aws.bucket()
    for document in ("not json", "{", "[]"):
        malformed(aws, name, document)


@behaviour(LANGUAGE)
def a_policy_needs_its_elements(aws: Aws) -> None:
    """Effect, Principal, Action and Resource must be there, and nothing unknown."""
    name = aws.bucket()
    good = allow("s3:GetObject", objects(name), aws.theirs)
    for missing in ("Effect", "Principal", "Action", "Resource"):
        malformed(aws, name, policy({key: value for key, value in good.items() if key != missing}))
    malformed(aws, name, policy(good | {"Colour": "red"}))
    malformed(aws, name, policy(good | {"Effect": "Maybe"}))
    malformed(aws, name, policy())


@behaviour(LANGUAGE)
def the_resources_of_a_policy_are_the_buckets_own(aws: Aws) -> None:
    """A policy that names resources of another bucket is MalformedPolicy."""
    name = aws.bucket()
    for resource in (objects(aws.bucket()), "*", "arn:aws:sqs:us-east-1:111111111111:q"):
        malformed(aws, name, policy(allow("s3:GetObject", resource, aws.theirs)))


@behaviour("Service Authorization Reference, Actions, resources, and condition keys for Amazon S3")
def the_actions_of_a_policy_are_s3s(aws: Aws) -> None:
    """A policy that names an action that S3 has not is MalformedPolicy."""
    name = aws.bucket()
    for action in ("s3:GetObjekt", "iam:GetUser"):
        malformed(aws, name, policy(allow(action, objects(name), aws.theirs)))


@behaviour("Service Authorization Reference, Actions, resources, and condition keys for Amazon S3")
def actions_fit_their_resources(aws: Aws) -> None:
    """An action on objects needs a resource in the bucket, one on buckets the bucket itself."""
    name = aws.bucket()
    malformed(aws, name, policy(allow("s3:GetObject", f"arn:aws:s3:::{name}", aws.theirs)))
    malformed(aws, name, policy(allow("s3:ListBucket", objects(name), aws.theirs)))


@behaviour(PRINCIPAL)
def principals_must_exist(aws: Aws) -> None:
    """A user who does not exist is 400 MalformedPolicy, "Invalid principal in policy"."""
    name = aws.bucket()
    nobody = f"arn:aws:iam::{aws.mine}:user/{aws.name('nobody')}"
    error = malformed(aws, name, policy(allow("s3:GetObject", objects(name), nobody)))
    equal(error["Message"], "Invalid principal in policy", "the message")


@behaviour(PRINCIPAL)
def principals_are_spelt_to_the_letter(aws: Aws) -> None:
    """User names in a Principal are case-sensitive, and the path belongs to them."""
    name, arn = aws.bucket(), aws.user(Path="/orgs/")["Arn"]
    for wrong in (arn.replace("rms", "RMS"), arn.replace("/orgs/", "/"), arn.replace(":user/", ":role/")):
        malformed(aws, name, policy(allow("s3:GetObject", objects(name), wrong)))
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name), arn)))


@behaviour("S3 User Guide, Managing access to resources: bucket policies are limited to 20 KB in size")
def a_policy_has_20_kilobytes_at_most(aws: Aws) -> None:
    """A policy has at most 20 KB."""
    name = aws.bucket()

    def of_size(length: int) -> str:
        return policy(allow("s3:GetObject", objects(name, "x" * length), aws.theirs))

    aws.s3.put_bucket_policy(Bucket=name, Policy=of_size(15_000))
    refuses(400, aws.s3.put_bucket_policy, Bucket=name, Policy=of_size(21_000))


@behaviour(PRINCIPAL)
def accounts_are_read_back_as_their_root_users(aws: Aws) -> None:
    """An account id as principal is read back as the ARN of that account's root."""
    name = aws.bucket()
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name), aws.theirs)))
    statement = read(aws, name)["Statement"][0]
    equal(statement["Principal"], {"AWS": f"arn:aws:iam::{aws.theirs}:root"}, "the principal")


@behaviour(PUT)
def putting_a_policy_replaces_it(aws: Aws) -> None:
    """PutBucketPolicy answers 204 and replaces the whole policy."""
    name = aws.bucket()
    for action in ("s3:GetObject", "s3:PutObject"):
        answer = aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow(action, objects(name), aws.theirs)))
        equal(answer["ResponseMetadata"]["HTTPStatusCode"], 204, "the status")
    equal([statement["Action"] for statement in read(aws, name)["Statement"]], ["s3:PutObject"], "the policy")


@behaviour(BLOCK)
def a_public_policy_is_blocked_by_default(aws: Aws) -> None:
    """While BlockPublicPolicy is on a public policy is 403 AccessDenied; the message says why."""
    name = aws.bucket()
    public = policy(allow("s3:GetObject", objects(name, "pub/*"), "*"))
    error = refuses_with(403, "AccessDenied", aws.s3.put_bucket_policy, Bucket=name, Policy=public)
    reason = "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access"
    check(error["Message"].endswith(reason), "the message does not say why")
    refuses("NoSuchBucketPolicy", aws.s3.get_bucket_policy, Bucket=name)


@behaviour(BLOCK)
def only_two_of_the_four_settings_are_about_policies(aws: Aws) -> None:
    """With BlockPublicPolicy and RestrictPublicBuckets off a public policy works; the ACL settings may stay on."""
    name = aws.bucket()
    settings = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    aws.s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=settings)
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name, "pub/*"), "*")))
    aws.s3.put_object(Bucket=name, Key="pub/a", Body=b"x")
    equal(aws.anonymous().get_object(Bucket=name, Key="pub/a")["Body"].read(), b"x", "what anybody reads")


@behaviour(STATUS)
def a_grant_to_everyone_is_public(aws: Aws) -> None:
    """GetBucketPolicyStatus: a grant to `*` is public, even of some keys only."""
    check(aws.s3.get_bucket_policy_status(Bucket=aws.public_bucket())["PolicyStatus"]["IsPublic"], "it is not public")


@behaviour(STATUS)
def a_grant_to_a_user_is_not_public(aws: Aws) -> None:
    """A grant to a fixed principal is not public, and BlockPublicPolicy lets it pass."""
    name, arn = aws.bucket(), aws.user()["Arn"]
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name), arn)))
    equal(aws.s3.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"], False, "whether it is public")


@behaviour(STATUS)
def a_grant_to_everyone_at_fixed_addresses_is_not_public(aws: Aws) -> None:
    """A grant to `*` that a condition limits to a fixed address range is not public; a very broad range is."""
    name = aws.bucket()

    def limited(network: str) -> str:
        condition = {"IpAddress": {"aws:SourceIp": network}}
        return policy(allow("s3:GetObject", objects(name), "*", Condition=condition))

    aws.s3.put_bucket_policy(Bucket=name, Policy=limited("203.0.113.0/24"))
    equal(aws.s3.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"], False, "whether it is public")
    refuses("AccessDenied", aws.s3.put_bucket_policy, Bucket=name, Policy=limited("0.0.0.0/1"))


@behaviour(STATUS)
def a_denial_to_everyone_is_not_public(aws: Aws) -> None:
    """Only Allow statements make a policy public."""
    name = aws.bucket()
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(deny("s3:PutObject", objects(name), "*")))
    equal(aws.s3.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"], False, "whether it is public")


@behaviour(PRINCIPAL)
def a_deleted_user_is_read_back_as_its_id(aws: Aws) -> None:
    """The principal of a deleted user is read back as its AIDA id."""
    name, user = aws.bucket(), aws.user()
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name), user["Arn"])))
    equal(read(aws, name)["Statement"][0]["Principal"], {"AWS": user["Arn"]}, "the principal before")
    aws.iam.delete_user(UserName=user["UserName"])
    equal(read(aws, name)["Statement"][0]["Principal"], {"AWS": user["UserId"]}, "the principal after")


@behaviour(PRINCIPAL)
def a_user_made_again_is_not_who_the_policy_names(aws: Aws) -> None:
    """A grant to a user who was deleted and made again is without effect until the policy is put again."""
    name, user = aws.bucket(), aws.user()
    granted = policy(allow("s3:GetObject", objects(name), user["Arn"]))
    aws.s3.put_object(Bucket=name, Key="k", Body=b"x")
    aws.s3.put_bucket_policy(Bucket=name, Policy=granted)
    aws.iam.delete_user(UserName=user["UserName"])
    key = aws.key(aws.user(UserName=user["UserName"]))
    refuses_with(403, "AccessDenied", aws.as_key("s3", key).get_object, Bucket=name, Key="k")
    aws.s3.put_bucket_policy(Bucket=name, Policy=granted)
    equal(aws.as_key("s3", key).get_object(Bucket=name, Key="k")["Body"].read(), b"x", "the object")


@behaviour("S3 API Reference, GetBucketPolicy")
def only_the_owners_account_reads_a_policy(aws: Aws) -> None:
    """Another account is refused with 403, and with 405 MethodNotAllowed if the policy would let it."""
    name, theirs = aws.bucket(), aws.client("s3", aws.theirs)
    refuses_with(403, "AccessDenied", theirs.get_bucket_policy, Bucket=name)
    granted = policy(allow("s3:GetBucketPolicy", f"arn:aws:s3:::{name}", aws.theirs))
    aws.s3.put_bucket_policy(Bucket=name, Policy=granted)
    refuses_with(405, "MethodNotAllowed", theirs.get_bucket_policy, Bucket=name)


@behaviour(BLOCK)
def a_public_bucket_can_be_restricted(aws: Aws) -> None:
    """RestrictPublicBuckets leaves a public policy's grants to the owner's account and AWS services only."""
    name = aws.public_bucket()
    aws.anonymous().get_object(Bucket=name, Key="pub/a")
    aws.s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    refuses(403, aws.anonymous().get_object, Bucket=name, Key="pub/a")
    refuses(403, aws.client("s3", aws.theirs).get_object, Bucket=name, Key="pub/a")
    _, key = aws.user_with()
    aws.as_key("s3", key).get_object(Bucket=name, Key="pub/a")


@behaviour(TROUBLE)
def the_public_reads_what_is_public_only(aws: Aws) -> None:
    """Without credentials an object under `pub/` is read, and nothing else; nothing is listed, written or deleted."""
    name, anybody = aws.public_bucket(), aws.anonymous()
    equal(anybody.get_object(Bucket=name, Key="pub/a")["Body"].read(), b"content", "the public object")
    anybody.head_object(Bucket=name, Key="pub/a")
    refuses_with(403, "AccessDenied", anybody.get_object, Bucket=name, Key="private/a")
    refuses_with(403, "AccessDenied", anybody.list_objects_v2, Bucket=name)
    refuses_with(403, "AccessDenied", anybody.put_object, Bucket=name, Key="pub/b", Body=b"x")
    refuses_with(403, "AccessDenied", anybody.delete_object, Bucket=name, Key="pub/a")


@behaviour("S3 API Reference, GetObject: permissions")
def a_missing_key_is_forbidden_to_those_who_may_not_list(aws: Aws) -> None:
    """A key that does not exist is 403 to callers without s3:ListBucket, and 404 NoSuchKey to those with it."""
    name = aws.public_bucket()
    user, key = aws.user_with()
    refuses_with(404, "NoSuchKey", aws.s3.get_object, Bucket=name, Key="pub/none")
    refuses_with(403, "AccessDenied", aws.anonymous().get_object, Bucket=name, Key="pub/none")
    mine = aws.as_key("s3", key)
    refuses_with(403, "AccessDenied", mine.get_object, Bucket=name, Key="pub/none")
    refuses(403, mine.head_object, Bucket=name, Key="pub/none")
    read, listing = (
        allow("s3:GetObject", objects(name), user["Arn"]),
        allow("s3:ListBucket", f"arn:aws:s3:::{name}", user["Arn"]),
    )
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(read, listing))
    refuses_with(404, "NoSuchKey", mine.get_object, Bucket=name, Key="pub/none")

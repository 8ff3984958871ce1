"""Who may do what: identity policies, resource policies, keys and anonymous callers."""

from collections.abc import Callable
from typing import Any

from aws import Aws, allow, deny, objects, policy
from behaviour import behaviour, check, equal, refuses, refuses_with

LOGIC = "IAM User Guide, Policy evaluation logic"
CROSS = "IAM User Guide, Cross-account policy evaluation logic"
KEYS = "IAM User Guide, Manage access keys for IAM users"
S3_ERRORS = "S3 API Reference, Error responses"
COMMON = "AWS API References, Common errors"
DENIED = ("AccessDenied", "AccessDeniedException")


def with_object(aws: Aws) -> str:
    """A bucket with the object `k`."""
    name = aws.bucket()
    aws.s3.put_object(Bucket=name, Key="k", Body=b"x")
    return name


def denied(call: Callable[..., Any], **parameters: Any) -> None:
    refuses(DENIED, call, **parameters)


@behaviour(LOGIC)
def a_new_user_may_do_nothing_in_s3(aws: Aws) -> None:
    """Everything is denied by default: S3 answers 403 AccessDenied."""
    name, (_, key) = with_object(aws), aws.user_with()
    s3 = aws.as_key("s3", key)
    for call in (s3.list_objects_v2, s3.get_bucket_policy, s3.get_bucket_tagging, s3.delete_bucket):
        refuses_with(403, "AccessDenied", call, Bucket=name)
    refuses_with(403, "AccessDenied", s3.get_object, Bucket=name, Key="k")
    refuses_with(403, "AccessDenied", s3.put_object, Bucket=name, Key="k", Body=b"y")
    refuses_with(403, "AccessDenied", s3.create_bucket, Bucket=aws.name("b"))
    refuses_with(403, "AccessDenied", s3.list_buckets)


@behaviour(LOGIC)
def a_new_user_may_do_nothing_in_iam(aws: Aws) -> None:
    """Everything is denied by default: IAM answers 403 AccessDenied, for the user's own keys too."""
    user, key = aws.user_with()
    iam = aws.as_key("iam", key)
    for call in (iam.get_user, iam.list_access_keys, iam.create_access_key):
        refuses_with(403, "AccessDenied", call, UserName=user["UserName"])
    refuses_with(403, "AccessDenied", iam.list_users)


@behaviour(LOGIC)
def a_new_user_may_do_nothing_in_secrets_manager(aws: Aws) -> None:
    """Everything is denied by default: Secrets Manager answers 400 AccessDeniedException."""
    name, (_, key) = aws.secret(), aws.user_with()
    secrets = aws.as_key("secretsmanager", key)
    refuses_with(400, "AccessDeniedException", secrets.get_secret_value, SecretId=name)
    refuses_with(400, "AccessDeniedException", secrets.create_secret, Name=aws.name("s"), SecretString="x")
    refuses_with(400, "AccessDeniedException", secrets.list_secrets)


@behaviour(LOGIC)
def a_new_user_may_do_nothing_in_sqs_and_eventbridge(aws: Aws) -> None:
    """Everything is denied by default, in SQS and EventBridge as well."""
    url, (_, key) = aws.queue(), aws.user_with()
    denied(aws.as_key("sqs", key).send_message, QueueUrl=url, MessageBody="x")
    denied(aws.as_key("sqs", key).list_queues)
    entry = {"Source": "s", "DetailType": "t", "Detail": "{}"}
    denied(aws.as_key("events", key).put_events, Entries=[entry])


@behaviour(LOGIC)
def a_refusal_says_who_and_what(aws: Aws) -> None:
    """The message of a refusal has the caller's ARN and the action."""
    name, (user, key) = with_object(aws), aws.user_with()
    error = refuses("AccessDenied", aws.as_key("s3", key).get_object, Bucket=name, Key="k")
    check(user["Arn"] in error["Message"] and "s3:GetObject" in error["Message"], "the message says less")


@behaviour(LOGIC)
def an_inline_policy_allows(aws: Aws) -> None:
    """An identity policy allows its actions on its resources, and nothing else."""
    name, other = with_object(aws), with_object(aws)
    _, key = aws.user_with(allow(["s3:GetObject", "s3:PutObject"], objects(name)))
    s3 = aws.as_key("s3", key)
    s3.put_object(Bucket=name, Key="k", Body=b"y")
    equal(s3.get_object(Bucket=name, Key="k")["Body"].read(), b"y", "the object")
    refuses_with(403, "AccessDenied", s3.delete_object, Bucket=name, Key="k")
    refuses_with(403, "AccessDenied", s3.get_object, Bucket=other, Key="k")


@behaviour("IAM User Guide, IAM JSON policy elements: Resource")
def a_policy_may_be_about_a_prefix(aws: Aws) -> None:
    """`*` in a resource stands for any characters, slashes too."""
    name = aws.bucket()
    _, key = aws.user_with(allow("s3:PutObject", objects(name, "pub/*")))
    s3 = aws.as_key("s3", key)
    s3.put_object(Bucket=name, Key="pub/a/b", Body=b"x")
    refuses_with(403, "AccessDenied", s3.put_object, Bucket=name, Key="private/a", Body=b"x")


@behaviour("IAM User Guide, Managed policies and inline policies")
def an_attached_policy_allows(aws: Aws) -> None:
    """A managed policy counts while it is attached."""
    name, (user, key) = with_object(aws), aws.user_with()
    document = policy(allow("s3:GetObject", objects(name)))
    arn = aws.iam.create_policy(PolicyName=aws.name("p"), PolicyDocument=document)["Policy"]["Arn"]
    to = {"UserName": user["UserName"], "PolicyArn": arn}
    aws.iam.attach_user_policy(**to)
    aws.as_key("s3", key).get_object(Bucket=name, Key="k")
    aws.iam.detach_user_policy(**to)
    refuses_with(403, "AccessDenied", aws.as_key("s3", key).get_object, Bucket=name, Key="k")


@behaviour("AWS Managed Policy Reference Guide, AdministratorAccess and AmazonS3ReadOnlyAccess")
def the_managed_policies_of_aws_can_be_attached(aws: Aws) -> None:
    """AdministratorAccess allows everything, AmazonS3ReadOnlyAccess reading S3."""
    name, (user, key) = with_object(aws), aws.user_with()
    attach = lambda managed: aws.iam.attach_user_policy(
        UserName=user["UserName"], PolicyArn=f"arn:aws:iam::aws:policy/{managed}"
    )
    attach("AmazonS3ReadOnlyAccess")
    s3 = aws.as_key("s3", key)
    s3.get_object(Bucket=name, Key="k"), s3.list_buckets()
    refuses_with(403, "AccessDenied", s3.put_object, Bucket=name, Key="k", Body=b"y")
    attach("AdministratorAccess")
    s3.put_object(Bucket=name, Key="k", Body=b"y")
    aws.as_key("iam", key).list_users()


@behaviour("IAM User Guide, IAM user groups")
def a_groups_policies_are_its_users(aws: Aws) -> None:
    """The inline and attached policies of a group count for its users, while they are in it."""
    name, (user, key), group = with_object(aws), aws.user_with(), aws.name("group")
    aws.iam.create_group(GroupName=group)
    document = policy(allow("s3:GetObject", objects(name)))
    aws.iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=document)
    member = {"GroupName": group, "UserName": user["UserName"]}
    aws.iam.add_user_to_group(**member)
    aws.as_key("s3", key).get_object(Bucket=name, Key="k")
    aws.iam.remove_user_from_group(**member)
    refuses_with(403, "AccessDenied", aws.as_key("s3", key).get_object, Bucket=name, Key="k")


@behaviour(LOGIC)
def identity_policies_are_about_secrets(aws: Aws) -> None:
    """An identity policy may allow reading the secrets whose names begin in a way, and no others."""
    prefix = aws.name("app")
    mine, other = f"{prefix}/mine", aws.secret()
    aws.secrets.create_secret(Name=mine, SecretString="one")
    arn = f"arn:aws:secretsmanager:us-east-1:{aws.mine}:secret:{prefix}/*"
    _, key = aws.user_with(allow("secretsmanager:GetSecretValue", arn))
    secrets = aws.as_key("secretsmanager", key)
    equal(secrets.get_secret_value(SecretId=mine)["SecretString"], "one", "the value")
    refuses_with(400, "AccessDeniedException", secrets.get_secret_value, SecretId=other)
    refuses_with(400, "AccessDeniedException", secrets.put_secret_value, SecretId=mine, SecretString="two")


@behaviour(LOGIC)
def identity_policies_are_about_users(aws: Aws) -> None:
    """An identity policy may allow an action of IAM on one user, and no others."""
    user = aws.user()
    _, key = aws.user_with(allow(["iam:GetUser", "iam:ListAccessKeys"], user["Arn"]))
    iam = aws.as_key("iam", key)
    iam.get_user(UserName=user["UserName"]), iam.list_access_keys(UserName=user["UserName"])
    refuses_with(403, "AccessDenied", iam.get_user, UserName=aws.user()["UserName"])
    refuses_with(403, "AccessDenied", iam.delete_user, UserName=user["UserName"])


@behaviour(LOGIC)
def identity_policies_are_about_queues_and_buses(aws: Aws) -> None:
    """An identity policy may allow sending to a queue and putting events on a bus."""
    url, bus = aws.queue(), aws.name("bus")
    queue_arn = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus_arn = aws.events.create_event_bus(Name=bus)["EventBusArn"]
    _, key = aws.user_with(allow("sqs:SendMessage", queue_arn), allow("events:PutEvents", bus_arn))
    aws.as_key("sqs", key).send_message(QueueUrl=url, MessageBody="x")
    denied(aws.as_key("sqs", key).receive_message, QueueUrl=url)
    entry = {"Source": "s", "DetailType": "t", "Detail": "{}"}
    events = aws.as_key("events", key)
    equal(events.put_events(Entries=[entry | {"EventBusName": bus}])["FailedEntryCount"], 0, "the failed entries")
    denied(events.put_events, Entries=[entry])


@behaviour(LOGIC)
def a_bucket_policy_is_enough_in_its_account(aws: Aws) -> None:
    """A user whom the bucket policy of its own account names needs no identity policy; nobody else gains."""
    name, (user, key), (_, other) = with_object(aws), aws.user_with(), aws.user_with()
    listing = allow("s3:ListBucket", f"arn:aws:s3:::{name}", user["Arn"])
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name), user["Arn"]), listing))
    s3 = aws.as_key("s3", key)
    equal(s3.get_object(Bucket=name, Key="k")["Body"].read(), b"x", "the object")
    equal([entry["Key"] for entry in s3.list_objects_v2(Bucket=name)["Contents"]], ["k"], "the list")
    refuses_with(403, "AccessDenied", s3.put_object, Bucket=name, Key="k", Body=b"y")
    refuses_with(403, "AccessDenied", aws.as_key("s3", other).get_object, Bucket=name, Key="k")


@behaviour("IAM User Guide, AWS JSON policy elements: Principal")
def a_grant_to_the_own_account_is_for_its_policies_to_use(aws: Aws) -> None:
    """A bucket policy that names the account delegates: its users need an identity policy as well."""
    name, (_, key) = with_object(aws), aws.user_with()
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name), aws.mine)))
    refuses_with(403, "AccessDenied", aws.as_key("s3", key).get_object, Bucket=name, Key="k")


@behaviour(CROSS)
def across_accounts_both_sides_must_allow(aws: Aws) -> None:
    """A user of another account needs the bucket policy and an identity policy of its own account."""
    name, theirs = with_object(aws), aws.client("iam", aws.theirs)
    user = theirs.create_user(UserName=aws.name("rms"))["User"]
    key = theirs.create_access_key(UserName=user["UserName"])["AccessKey"]
    get = {"Bucket": name, "Key": "k"}
    refuses_with(403, "AccessDenied", aws.as_key("s3", key).get_object, **get)
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name), user["Arn"])))
    refuses_with(403, "AccessDenied", aws.as_key("s3", key).get_object, **get)
    document = policy(allow("s3:GetObject", objects(name)))
    theirs.put_user_policy(UserName=user["UserName"], PolicyName="p", PolicyDocument=document)
    equal(aws.as_key("s3", key).get_object(**get)["Body"].read(), b"x", "the object")
    aws.s3.delete_bucket_policy(Bucket=name)
    refuses_with(403, "AccessDenied", aws.as_key("s3", key).get_object, **get)


@behaviour(CROSS)
def another_accounts_administrator_is_a_stranger(aws: Aws) -> None:
    """An administrator may do in another account's bucket what the bucket policy says."""
    name, theirs = with_object(aws), aws.client("s3", aws.theirs)
    refuses_with(403, "AccessDenied", theirs.get_object, Bucket=name, Key="k")
    refuses_with(403, "AccessDenied", theirs.put_bucket_tagging, Bucket=name, Tagging={"TagSet": []})
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name), aws.theirs)))
    theirs.get_object(Bucket=name, Key="k")
    refuses_with(403, "AccessDenied", theirs.put_object, Bucket=name, Key="k", Body=b"y")


@behaviour(LOGIC)
def a_deny_in_an_identity_policy_wins(aws: Aws) -> None:
    """An explicit deny in an identity policy beats the bucket policy's allow."""
    name = with_object(aws)
    user, key = aws.user_with(deny("s3:GetObject", "*"))
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name), user["Arn"])))
    refuses_with(403, "AccessDenied", aws.as_key("s3", key).get_object, Bucket=name, Key="k")


@behaviour(LOGIC)
def a_deny_in_a_bucket_policy_wins(aws: Aws) -> None:
    """An explicit deny in a bucket policy beats an identity policy's allow, for administrators as well."""
    name = with_object(aws)
    _, key = aws.user_with(allow("s3:*", "*"))
    aws.as_key("s3", key).get_object(Bucket=name, Key="k")
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(deny("s3:GetObject", objects(name), "*")))
    for s3 in (aws.as_key("s3", key), aws.s3):
        refuses_with(403, "AccessDenied", s3.get_object, Bucket=name, Key="k")


@behaviour("Service Authorization Reference, Actions, resources, and condition keys for Amazon S3")
def a_condition_may_limit_what_is_listed(aws: Aws) -> None:
    """s3:prefix in a condition is the prefix that is asked for."""
    name, (user, key) = with_object(aws), aws.user_with()
    condition = {"StringLike": {"s3:prefix": "pub/*"}}
    listing = allow("s3:ListBucket", f"arn:aws:s3:::{name}", user["Arn"], Condition=condition)
    aws.s3.put_bucket_policy(Bucket=name, Policy=policy(listing))
    s3 = aws.as_key("s3", key)
    s3.list_objects_v2(Bucket=name, Prefix="pub/")
    refuses_with(403, "AccessDenied", s3.list_objects_v2, Bucket=name)
    refuses_with(403, "AccessDenied", s3.list_objects_v2, Bucket=name, Prefix="private/")


@behaviour("IAM User Guide, IAM JSON policy elements: NotAction and NotResource")
def a_statement_may_say_what_it_is_not_about(aws: Aws) -> None:
    """NotAction and NotResource are all others."""
    name = with_object(aws)
    statement = {"Effect": "Allow", "NotAction": "s3:DeleteObject", "NotResource": objects(name, "private/*")}
    _, key = aws.user_with(statement)
    s3 = aws.as_key("s3", key)
    s3.get_object(Bucket=name, Key="k")
    refuses_with(403, "AccessDenied", s3.delete_object, Bucket=name, Key="k")
    refuses_with(403, "AccessDenied", s3.put_object, Bucket=name, Key="private/a", Body=b"x")


def s3_refuses(aws: Aws, code: str, key: dict[str, Any]) -> None:
    refuses_with(403, code, aws.as_key("s3", key).list_buckets)


@behaviour(S3_ERRORS)
def s3_refuses_an_unknown_key(aws: Aws) -> None:
    """An access key id that nobody has is 403 InvalidAccessKeyId."""
    s3_refuses(aws, "InvalidAccessKeyId", {"AccessKeyId": "AKIAQQQQQQQQQQQQQQQQ", "SecretAccessKey": "x" * 40})


@behaviour(S3_ERRORS)
def s3_refuses_a_wrong_secret(aws: Aws) -> None:
    """A signature with another secret is 403 SignatureDoesNotMatch, whatever the policies allow."""
    _, key = aws.user_with(allow("s3:*", "*"))
    aws.as_key("s3", key).list_buckets()
    s3_refuses(aws, "SignatureDoesNotMatch", key | {"SecretAccessKey": key["SecretAccessKey"][::-1]})


@behaviour(KEYS)
def s3_refuses_an_inactive_key(aws: Aws) -> None:
    """An inactive access key is 403 InvalidAccessKeyId, and works again when it is active."""
    user, key = aws.user_with(allow("s3:*", "*"))
    switch = {"UserName": user["UserName"], "AccessKeyId": key["AccessKeyId"]}
    aws.iam.update_access_key(**switch, Status="Inactive")
    s3_refuses(aws, "InvalidAccessKeyId", key)
    aws.iam.update_access_key(**switch, Status="Active")
    aws.as_key("s3", key).list_buckets()


@behaviour(KEYS)
def s3_refuses_a_deleted_key(aws: Aws) -> None:
    """A deleted access key is 403 InvalidAccessKeyId; the user's other key still works."""
    user, first = aws.user_with(allow("s3:*", "*"))
    second = aws.key(user)
    aws.iam.delete_access_key(UserName=user["UserName"], AccessKeyId=first["AccessKeyId"])
    s3_refuses(aws, "InvalidAccessKeyId", first)
    aws.as_key("s3", second).list_buckets()


@behaviour(S3_ERRORS)
def a_bad_key_is_refused_for_public_objects_too(aws: Aws) -> None:
    """A request with a bad key is refused even where an anonymous one is answered."""
    name = aws.public_bucket()
    aws.anonymous().get_object(Bucket=name, Key="pub/a")
    key = {"AccessKeyId": "AKIAQQQQQQQQQQQQQQQQ", "SecretAccessKey": "x" * 40}
    refuses_with(403, "InvalidAccessKeyId", aws.as_key("s3", key).get_object, Bucket=name, Key="pub/a")


@behaviour(COMMON)
def secrets_manager_refuses_bad_keys(aws: Aws) -> None:
    """Unknown and inactive keys are 400 UnrecognizedClientException, a wrong secret 400 InvalidSignatureException."""
    name = aws.secret()
    user, key = aws.user_with(allow("secretsmanager:*", "*"))
    get = lambda which: aws.as_key("secretsmanager", which).get_secret_value
    get(key)(SecretId=name)
    wrong = key | {"SecretAccessKey": key["SecretAccessKey"][::-1]}
    refuses_with(400, "InvalidSignatureException", get(wrong), SecretId=name)
    unknown = {"AccessKeyId": "AKIAQQQQQQQQQQQQQQQQ", "SecretAccessKey": "x" * 40}
    refuses_with(400, "UnrecognizedClientException", get(unknown), SecretId=name)
    aws.iam.update_access_key(UserName=user["UserName"], AccessKeyId=key["AccessKeyId"], Status="Inactive")
    refuses_with(400, "UnrecognizedClientException", get(key), SecretId=name)


@behaviour(COMMON)
def iam_refuses_bad_keys(aws: Aws) -> None:
    """Unknown and deleted keys are 403 InvalidClientTokenId, a wrong secret is 403 SignatureDoesNotMatch."""
    user, key = aws.user_with(allow("iam:*", "*"))
    call = lambda which: aws.as_key("iam", which).list_users
    call(key)()
    refuses_with(403, "SignatureDoesNotMatch", call(key | {"SecretAccessKey": key["SecretAccessKey"][::-1]}))
    aws.iam.delete_access_key(UserName=user["UserName"], AccessKeyId=key["AccessKeyId"])
    refuses_with(403, "InvalidClientTokenId", call(key))


@behaviour(COMMON)
def anonymous_callers_of_other_services_are_refused(aws: Aws) -> None:
    """IAM and Secrets Manager refuse a request without a signature: MissingAuthenticationToken."""
    codes = ("MissingAuthenticationToken", "MissingAuthenticationTokenException")
    refuses(codes, aws.anonymous("iam").list_users)
    refuses(codes, aws.anonymous("secretsmanager").list_secrets)


@behaviour(S3_ERRORS)
def anonymous_callers_make_and_configure_no_buckets(aws: Aws) -> None:
    """Without credentials buckets are neither made nor configured: 403 AccessDenied."""
    refuses_with(403, "AccessDenied", aws.anonymous().create_bucket, Bucket=aws.name("b"))
    refuses_with(403, "AccessDenied", aws.anonymous().put_bucket_policy, Bucket=aws.bucket(), Policy="{}")


@behaviour("IAM User Guide, How IAM works: endpoints and regions")
def every_region_knows_every_key(aws: Aws) -> None:
    """Access keys are good in all regions."""
    _, key = aws.user_with(allow("secretsmanager:ListSecrets", "*"))
    for region in ("us-east-1", "eu-west-1", "ap-southeast-2"):
        aws.as_key("secretsmanager", key, region).list_secrets()

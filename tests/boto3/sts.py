"""STS: who calls, and what a caller is refused for."""

from aws import Aws, deny
from behaviour import behaviour, check, equal, refuses_with

IDENTITY = "STS API Reference, GetCallerIdentity"
ERRORS = "IAM API Reference, Common errors; IAM User Guide, Troubleshoot Signature Version 4"


@behaviour(IDENTITY)
def the_administrators_arn_is_a_users(aws: Aws) -> None:
    """The caller's own ARN and account are told; an administrator is not the root user."""
    told = aws.sts.get_caller_identity()
    equal(told["Account"], aws.mine, "the account")
    check(told["Arn"].startswith(f"arn:aws:iam::{aws.mine}:user/"), "the ARN is not a user's")


@behaviour(IDENTITY)
def a_user_is_told_its_arn_and_id(aws: Aws) -> None:
    """The owner of an access key is told the user's ARN, which includes the path, and its unique id."""
    user, key = aws.user_with(Path="/orgs/")
    told = aws.as_key("sts", key).get_caller_identity()
    equal((told["Arn"], told["UserId"], told["Account"]), (user["Arn"], user["UserId"], aws.mine), "the identity")


@behaviour(IDENTITY)
def asking_who_one_is_needs_no_permission(aws: Aws) -> None:
    """GetCallerIdentity works even for a user whose policies deny it explicitly."""
    user, key = aws.user_with(deny("sts:GetCallerIdentity", "*"))
    equal(aws.as_key("sts", key).get_caller_identity()["Arn"], user["Arn"], "the ARN")


@behaviour(ERRORS)
def sts_refuses_an_unknown_key(aws: Aws) -> None:
    """An access key id that nobody has is InvalidClientTokenId, HTTP 403."""
    key = {"AccessKeyId": "AKIAQQQQQQQQQQQQQQQQ", "SecretAccessKey": "x" * 40}
    refuses_with(403, "InvalidClientTokenId", aws.as_key("sts", key).get_caller_identity)


@behaviour(ERRORS)
def sts_refuses_a_wrong_secret(aws: Aws) -> None:
    """A signature with another secret is SignatureDoesNotMatch, HTTP 403."""
    _, key = aws.user_with()
    wrong = key | {"SecretAccessKey": key["SecretAccessKey"][::-1]}
    refuses_with(403, "SignatureDoesNotMatch", aws.as_key("sts", wrong).get_caller_identity)


@behaviour(ERRORS)
def sts_refuses_an_inactive_key(aws: Aws) -> None:
    """An inactive access key is refused with InvalidClientTokenId, and works again when it is active."""
    user, key = aws.user_with()
    switch = {"UserName": user["UserName"], "AccessKeyId": key["AccessKeyId"]}
    aws.iam.update_access_key(**switch, Status="Inactive")
    refuses_with(403, "InvalidClientTokenId", aws.as_key("sts", key).get_caller_identity)
    aws.iam.update_access_key(**switch, Status="Active")
    aws.as_key("sts", key).get_caller_identity()


@behaviour(ERRORS)
def sts_refuses_a_deleted_key(aws: Aws) -> None:
    """A deleted access key is refused with InvalidClientTokenId."""
    user, key = aws.user_with()
    aws.iam.delete_access_key(UserName=user["UserName"], AccessKeyId=key["AccessKeyId"])
    refuses_with(403, "InvalidClientTokenId", aws.as_key("sts", key).get_caller_identity)


@behaviour(ERRORS)
def sts_refuses_anonymous_callers(aws: Aws) -> None:
    """A request without a signature is MissingAuthenticationToken, HTTP 403."""
    refuses_with(403, "MissingAuthenticationToken", aws.anonymous("sts").get_caller_identity)

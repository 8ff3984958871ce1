"""Secrets Manager: setting up a rotation, and taking it off."""

from aws import Aws
from behaviour import behaviour, check, equal, refuses_with
from secret_versions import put, stages, token

ROTATE = "Secrets Manager API Reference, RotateSecret"
CANCEL = "Secrets Manager API Reference, CancelRotateSecret"
DESCRIBE = "Secrets Manager API Reference, DescribeSecret"


def secret(aws: Aws) -> str:
    name = aws.name("secret")
    aws.secrets.create_secret(Name=name, SecretString="one", ClientRequestToken=token())
    return name


@behaviour(ROTATE)
def a_rotation_needs_a_function(aws: Aws) -> None:
    """RotateSecret for a secret that has no rotation function, without naming one, is InvalidRequestException."""
    rules = {"AutomaticallyAfterDays": 30}
    asked = {"SecretId": secret(aws), "RotationRules": rules}
    refuses_with(400, "InvalidRequestException", aws.secrets.rotate_secret, **asked)


@behaviour(ROTATE)
def a_thousand_days_between_rotations_are_the_most(aws: Aws) -> None:
    """AutomaticallyAfterDays is 1,000 at most."""
    function = f"arn:aws:lambda:us-east-1:{aws.mine}:function:rotate"
    rules = {"AutomaticallyAfterDays": 1001}
    asked = {"SecretId": secret(aws), "RotationLambdaARN": function, "RotationRules": rules}
    refuses_with(400, ("InvalidParameterException", "ValidationException"), aws.secrets.rotate_secret, **asked)


@behaviour(ROTATE)
def a_secret_that_is_not_there_or_going_is_not_rotated(aws: Aws) -> None:
    """RotateSecret is ResourceNotFoundException without the secret, InvalidRequestException once it is scheduled."""
    asked = {
        "RotationLambdaARN": f"arn:aws:lambda:us-east-1:{aws.mine}:function:rotate",
        "RotationRules": {"AutomaticallyAfterDays": 30},
    }
    absent = aws.name("absent")
    refuses_with(400, "ResourceNotFoundException", aws.secrets.rotate_secret, SecretId=absent, **asked)
    name = secret(aws)
    aws.secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    refuses_with(400, "InvalidRequestException", aws.secrets.rotate_secret, SecretId=name, **asked)


@behaviour(DESCRIBE)
def a_secret_tells_no_rotation_until_it_is_set_up(aws: Aws) -> None:
    """DescribeSecret has RotationEnabled only once rotation was turned on."""
    check(not aws.secrets.describe_secret(SecretId=secret(aws)).get("RotationEnabled"), "rotation is on")


@behaviour(CANCEL)
def cancelling_keeps_what_the_secret_holds(aws: Aws) -> None:
    """CancelRotateSecret changes neither versions nor labels, AWSPENDING among them."""
    name = secret(aws)
    put(aws, name, "two", VersionStages=["AWSPENDING"])
    before = stages(aws, name)
    aws.secrets.cancel_rotate_secret(SecretId=name)
    equal(stages(aws, name), before, "the labels")

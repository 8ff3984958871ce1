"""Secrets Manager: making, finding, deleting and restoring secrets."""

import re
from datetime import UTC, datetime, timedelta

from aws import Aws
from behaviour import behaviour, check, equal, refuses, refuses_with
from secret_versions import put, stages, token, two_versions, value

CREATE = "Secrets Manager API Reference, CreateSecret"
UPDATE = "Secrets Manager API Reference, UpdateSecret"
GET = "Secrets Manager API Reference, GetSecretValue"
DELETE = "Secrets Manager API Reference, DeleteSecret"
LIST = "Secrets Manager API Reference, ListSecrets"
QUOTAS = "Secrets Manager User Guide, AWS Secrets Manager quotas"


@behaviour(CREATE)
def names_of_secrets_are_of_a_character_set(aws: Aws) -> None:
    """A name has letters, digits and `/_+=.@-`, 512 characters at most."""
    aws.secrets.create_secret(Name=aws.name("a/_+=.@"), SecretString="x")
    for name in ("a b", "a*b", "a:b", "x" * 513):
        refuses("ValidationException", aws.secrets.create_secret, Name=name, SecretString="x")


@behaviour(CREATE)
def an_arn_ends_with_six_random_characters(aws: Aws) -> None:
    """The ARN is the name, a hyphen and six random characters."""
    name = aws.name("app/secret")
    arn = aws.secrets.create_secret(Name=name, SecretString="x")["ARN"]
    form = f"arn:aws:secretsmanager:us-east-1:{aws.mine}:secret:{re.escape(name)}-[A-Za-z0-9]{{6}}"
    check(re.fullmatch(form, arn), "the ARN has another form")


@behaviour(GET)
def a_secret_is_found_by_name_and_by_arn(aws: Aws) -> None:
    """SecretId is a name, an ARN, or an ARN without its last seven characters."""
    name = aws.secret()
    arn = aws.secrets.describe_secret(SecretId=name)["ARN"]
    equal([value(aws, each) for each in (name, arn, arn[:-7])], ["one"] * 3, "the value")


@behaviour(GET)
def what_is_not_there_is_not_found(aws: Aws) -> None:
    """A secret, a version or a label that is not there is ResourceNotFoundException, HTTP 400."""
    name, get = aws.secret(), aws.secrets.get_secret_value
    refuses_with(400, "ResourceNotFoundException", get, SecretId=aws.name("none"))
    refuses_with(400, "ResourceNotFoundException", get, SecretId=name, VersionStage="AWSPREVIOUS")
    refuses_with(400, "ResourceNotFoundException", get, SecretId=name, VersionId=token())
    for call in (aws.secrets.describe_secret, aws.secrets.delete_secret, aws.secrets.list_secret_version_ids):
        refuses_with(400, "ResourceNotFoundException", call, SecretId=aws.name("none"))


@behaviour(CREATE)
def a_secret_may_have_no_value(aws: Aws) -> None:
    """A secret made without a value has no version, and reading it is ResourceNotFoundException."""
    name = aws.name("secret")
    check("VersionId" not in aws.secrets.create_secret(Name=name), "there is a version")
    refuses_with(400, "ResourceNotFoundException", aws.secrets.get_secret_value, SecretId=name)
    first = put(aws, name, "one")
    equal(stages(aws, name), {first: ["AWSCURRENT"]}, "the labels of the first value")


@behaviour(CREATE)
def a_value_is_text_or_binary(aws: Aws) -> None:
    """A value is SecretString or SecretBinary, not both; binary values come back as they were."""
    name, request = aws.name("secret"), {"SecretBinary": b"\0\1\xff"}
    aws.secrets.create_secret(Name=name, **request)
    got = aws.secrets.get_secret_value(SecretId=name)
    equal((got.get("SecretBinary"), "SecretString" in got), (b"\0\1\xff", False), "the value")
    both = {"SecretId": name, "SecretString": "x", **request}
    refuses_with(400, "InvalidParameterException", aws.secrets.put_secret_value, **both)


@behaviour(QUOTAS)
def a_value_has_65536_bytes_at_most(aws: Aws) -> None:
    """A value has at most 65,536 bytes."""
    name = aws.secret("x" * 65_536)
    refuses(400, aws.secrets.put_secret_value, SecretId=name, SecretString="x" * 65_537)


@behaviour(UPDATE)
def a_description_alone_makes_no_version(aws: Aws) -> None:
    """UpdateSecret without a value changes the description and makes no version."""
    name = aws.secret()
    before = stages(aws, name)
    answer = aws.secrets.update_secret(SecretId=name, Description="what it is for")
    check("VersionId" not in answer, "there is a version id in the answer")
    told = aws.secrets.describe_secret(SecretId=name)
    equal((told.get("Description"), stages(aws, name)), ("what it is for", before), "the secret")


@behaviour("Secrets Manager API Reference, TagResource and UntagResource")
def tags_of_secrets_are_merged(aws: Aws) -> None:
    """Tags can be given at creation; TagResource adds and replaces, UntagResource removes."""
    name = aws.secret(Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    aws.secrets.tag_resource(SecretId=name, Tags=[{"Key": "b", "Value": "3"}, {"Key": "B", "Value": "4"}])
    aws.secrets.untag_resource(SecretId=name, TagKeys=["a", "none"])
    tags = {tag["Key"]: tag["Value"] for tag in aws.secrets.describe_secret(SecretId=name)["Tags"]}
    equal(tags, {"b": "3", "B": "4"}, "the set of tags")


@behaviour(DELETE)
def the_recovery_window_is_7_to_30_days(aws: Aws) -> None:
    """RecoveryWindowInDays is 7 to 30, and not together with ForceDeleteWithoutRecovery."""
    name = aws.secret()
    for wrong in ({"RecoveryWindowInDays": 6}, {"RecoveryWindowInDays": 31}):
        refuses_with(400, "InvalidParameterException", aws.secrets.delete_secret, SecretId=name, **wrong)
    both = {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True}
    refuses_with(400, "InvalidParameterException", aws.secrets.delete_secret, SecretId=name, **both)
    equal(value(aws, name), "one", "the value")


@behaviour(DELETE)
def the_default_window_is_30_days(aws: Aws) -> None:
    """Without a window a secret is deleted after 30 days, with one after that; DescribeSecret tells DeletedDate."""
    for days, asked in ((30, {}), (7, {"RecoveryWindowInDays": 7})):
        name = aws.secret()
        date = aws.secrets.delete_secret(SecretId=name, **asked)["DeletionDate"]
        off = date - datetime.now(UTC) - timedelta(days=days)
        check(abs(off) < timedelta(hours=1), f"it is not deleted in {days} days")
        check(aws.secrets.describe_secret(SecretId=name).get("DeletedDate"), "DescribeSecret does not tell")


@behaviour(DELETE)
def a_scheduled_secret_is_not_read(aws: Aws) -> None:
    """GetSecretValue of a secret that is scheduled for deletion is InvalidRequestException."""
    name = aws.secret()
    aws.secrets.delete_secret(SecretId=name)
    refuses_with(400, "InvalidRequestException", aws.secrets.get_secret_value, SecretId=name)


@behaviour(DELETE)
def a_scheduled_secret_is_not_written(aws: Aws) -> None:
    """PutSecretValue and UpdateSecret of a secret that is scheduled for deletion are InvalidRequestException."""
    name = aws.secret()
    aws.secrets.delete_secret(SecretId=name)
    for call in (aws.secrets.put_secret_value, aws.secrets.update_secret):
        refuses_with(
            400, "InvalidRequestException", call, SecretId=name, SecretString="two", ClientRequestToken=token()
        )


@behaviour(DELETE)
def the_labels_of_a_scheduled_secret_do_not_move(aws: Aws) -> None:
    """UpdateSecretVersionStage of a secret that is scheduled for deletion is InvalidRequestException."""
    name, first, second = two_versions(aws)
    aws.secrets.delete_secret(SecretId=name)
    move = {"SecretId": name, "VersionStage": "AWSCURRENT", "MoveToVersionId": first, "RemoveFromVersionId": second}
    refuses_with(400, "InvalidRequestException", aws.secrets.update_secret_version_stage, **move)


@behaviour("Secrets Manager User Guide, Delete an AWS Secrets Manager secret")
def a_scheduled_secret_keeps_its_name(aws: Aws) -> None:
    """CreateSecret with the name of a secret that is scheduled for deletion is InvalidRequestException."""
    name = aws.secret()
    aws.secrets.delete_secret(SecretId=name)
    refuses_with(400, "InvalidRequestException", aws.secrets.create_secret, Name=name, SecretString="two")


@behaviour("Secrets Manager API Reference, RestoreSecret")
def a_scheduled_secret_can_be_restored(aws: Aws) -> None:
    """RestoreSecret takes the deletion back: the value is there, and DeletedDate is gone."""
    name = aws.secret()
    aws.secrets.delete_secret(SecretId=name)
    aws.secrets.restore_secret(SecretId=name)
    equal(value(aws, name), "one", "the value")
    check(not aws.secrets.describe_secret(SecretId=name).get("DeletedDate"), "it is still scheduled")


@behaviour(LIST)
def scheduled_secrets_are_listed_on_request(aws: Aws) -> None:
    """ListSecrets leaves out what is scheduled for deletion, unless IncludePlannedDeletion."""
    name = aws.secret()
    aws.secrets.delete_secret(SecretId=name)
    chosen = {"Filters": [{"Key": "name", "Values": [name]}]}
    equal(aws.secrets.list_secrets(**chosen)["SecretList"], [], "the list")
    listed = aws.secrets.list_secrets(**chosen, IncludePlannedDeletion=True)["SecretList"]
    equal([entry["Name"] for entry in listed], [name], "the whole list")


@behaviour(LIST)
def secrets_are_listed_in_pages(aws: Aws) -> None:
    """ListSecrets gives MaxResults at most, and a NextToken; a filter on the name is by prefix."""
    prefix = aws.name("page")
    names = [f"{prefix}-{number}" for number in range(3)]
    for name in names:
        aws.secrets.create_secret(Name=name, SecretString="x")
    aws.secret()
    chosen = {"Filters": [{"Key": "name", "Values": [prefix]}], "MaxResults": 2}
    first = aws.secrets.list_secrets(**chosen)
    equal(len(first["SecretList"]), 2, "the size of the first page")
    second = aws.secrets.list_secrets(**chosen, NextToken=first["NextToken"])
    equal(sorted(entry["Name"] for entry in first["SecretList"] + second["SecretList"]), names, "the list")
    check("NextToken" not in second, "the last page has a token")


@behaviour("Secrets Manager User Guide, What is AWS Secrets Manager?")
def secrets_are_of_an_account_and_a_region(aws: Aws) -> None:
    """A secret is in its account and region only."""
    name = aws.secret()
    for client in (aws.client("secretsmanager", aws.theirs), aws.client("secretsmanager", region="eu-west-1")):
        refuses_with(400, "ResourceNotFoundException", client.get_secret_value, SecretId=name)
        client.create_secret(Name=name, SecretString="other")
    equal(value(aws, name), "one", "the value")


@behaviour(DELETE)
def a_forced_deletion_has_no_window(aws: Aws) -> None:
    """ForceDeleteWithoutRecovery makes a secret unreadable at once, and does not fail for one that is not there."""
    name = aws.secret()
    aws.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    refuses(("ResourceNotFoundException", "InvalidRequestException"), aws.secrets.get_secret_value, SecretId=name)
    aws.secrets.delete_secret(SecretId=aws.name("none"), ForceDeleteWithoutRecovery=True)

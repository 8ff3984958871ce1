"""Secrets Manager: tokens, versions and their staging labels."""

import uuid

from aws import Aws
from behaviour import behaviour, equal, refuses, refuses_with

CREATE = "Secrets Manager API Reference, CreateSecret"
PUT = "Secrets Manager API Reference, PutSecretValue"
UPDATE = "Secrets Manager API Reference, UpdateSecret"
GET = "Secrets Manager API Reference, GetSecretValue"
STAGE = "Secrets Manager API Reference, UpdateSecretVersionStage"
QUOTAS = "Secrets Manager User Guide, AWS Secrets Manager quotas"


def token() -> str:
    return str(uuid.uuid4())


def stages(aws: Aws, name: str) -> dict[str, list[str]]:
    """Which version has which labels."""
    versions = aws.secrets.describe_secret(SecretId=name).get("VersionIdsToStages", {})
    return {version: sorted(labels) for version, labels in versions.items()}


def put(aws: Aws, name: str, value: str, **more: object) -> str:
    """Puts a value as a new version, whose id is answered."""
    return aws.secrets.put_secret_value(SecretId=name, SecretString=value, ClientRequestToken=token(), **more)[
        "VersionId"
    ]


def value(aws: Aws, name: str, **more: object) -> str:
    return aws.secrets.get_secret_value(SecretId=name, **more)["SecretString"]


def two_versions(aws: Aws) -> tuple[str, str, str]:
    """A secret with a previous and a current version, and their ids."""
    name, first = aws.name("secret"), token()
    aws.secrets.create_secret(Name=name, SecretString="one", ClientRequestToken=first)
    return name, first, put(aws, name, "two")


@behaviour(CREATE)
def the_token_is_the_version_id(aws: Aws) -> None:
    """ClientRequestToken becomes the id of the new version, in CreateSecret, PutSecretValue and UpdateSecret."""
    name, tokens = aws.name("secret"), [token() for _ in range(3)]
    told = [
        aws.secrets.create_secret(Name=name, SecretString="1", ClientRequestToken=tokens[0]),
        aws.secrets.put_secret_value(SecretId=name, SecretString="2", ClientRequestToken=tokens[1]),
        aws.secrets.update_secret(SecretId=name, SecretString="3", ClientRequestToken=tokens[2]),
    ]
    equal([answer["VersionId"] for answer in told], tokens, "the version ids")
    equal(aws.secrets.get_secret_value(SecretId=name)["VersionId"], tokens[2], "the current version")


@behaviour(CREATE)
def a_token_has_64_characters_at_most(aws: Aws) -> None:
    """ClientRequestToken has 32 to 64 characters."""
    aws.secrets.create_secret(Name=aws.name("s"), SecretString="x", ClientRequestToken="t" * 64)
    too_long = {"Name": aws.name("s"), "SecretString": "x", "ClientRequestToken": "t" * 65}
    refuses(("ValidationException", "InvalidParameterException"), aws.secrets.create_secret, **too_long)


@behaviour(CREATE)
def creating_again_with_token_and_value_is_a_no_op(aws: Aws) -> None:
    """CreateSecret with the same token and value is answered again and makes nothing."""
    request = {"Name": aws.name("secret"), "SecretString": "one", "ClientRequestToken": token()}
    first, second = aws.secrets.create_secret(**request), aws.secrets.create_secret(**request)
    equal((second["ARN"], second["VersionId"]), (first["ARN"], first["VersionId"]), "the answer")
    equal(len(stages(aws, request["Name"])), 1, "the number of versions")


@behaviour(CREATE)
def creating_again_otherwise_fails(aws: Aws) -> None:
    """CreateSecret for a name that is taken, with another token or another value, is ResourceExistsException."""
    request = {"Name": aws.name("secret"), "SecretString": "one", "ClientRequestToken": token()}
    aws.secrets.create_secret(**request)
    for change in ({"SecretString": "two"}, {"ClientRequestToken": token()}):
        refuses_with(400, "ResourceExistsException", aws.secrets.create_secret, **request | change)


@behaviour(PUT)
def putting_again_with_token_and_value_is_a_no_op(aws: Aws) -> None:
    """PutSecretValue with the same token and value is ignored, and succeeds: labels stay where they are."""
    name, first, _ = two_versions(aws)
    request = {"SecretId": name, "SecretString": "three", "ClientRequestToken": token()}
    aws.secrets.put_secret_value(**request)
    newest = put(aws, name, "four")
    equal(aws.secrets.put_secret_value(**request)["VersionId"], request["ClientRequestToken"], "the version id")
    equal(stages(aws, name).get(newest), ["AWSCURRENT"], "the labels of the newest version")


@behaviour(PUT)
def putting_another_value_under_a_token_fails(aws: Aws) -> None:
    """PutSecretValue with a version's token and another value is ResourceExistsException: versions do not change."""
    name, first, second = two_versions(aws)
    for used in (first, second):
        request = {"SecretId": name, "SecretString": "other", "ClientRequestToken": used}
        refuses_with(400, "ResourceExistsException", aws.secrets.put_secret_value, **request)
    equal(value(aws, name), "two", "the current value")


@behaviour(UPDATE)
def updating_another_value_under_a_token_fails(aws: Aws) -> None:
    """UpdateSecret has the same rules of tokens as PutSecretValue."""
    name, first, second = two_versions(aws)
    aws.secrets.update_secret(SecretId=name, SecretString="two", ClientRequestToken=second)
    request = {"SecretId": name, "SecretString": "other", "ClientRequestToken": first}
    refuses_with(400, "ResourceExistsException", aws.secrets.update_secret, **request)


@behaviour(PUT)
def putting_moves_current_and_previous(aws: Aws) -> None:
    """A put value becomes AWSCURRENT, and the version that was it becomes AWSPREVIOUS."""
    name, first, second = two_versions(aws)
    equal(stages(aws, name), {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]}, "the labels")
    equal((value(aws, name), value(aws, name, VersionStage="AWSPREVIOUS")), ("two", "one"), "the values")
    third = put(aws, name, "three")
    equal(stages(aws, name), {second: ["AWSPREVIOUS"], third: ["AWSCURRENT"]}, "the labels after the third")


@behaviour(PUT)
def a_pending_version_leaves_the_current_one(aws: Aws) -> None:
    """PutSecretValue with VersionStages attaches these labels only; AWSCURRENT stays."""
    name, first, second = two_versions(aws)
    third = put(aws, name, "three", VersionStages=["AWSPENDING"])
    expected = {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"], third: ["AWSPENDING"]}
    equal(stages(aws, name), expected, "the labels")
    equal((value(aws, name), value(aws, name, VersionStage="AWSPENDING")), ("two", "three"), "the values")


@behaviour(PUT)
def a_label_is_on_one_version(aws: Aws) -> None:
    """A label that is put on a new version is taken off the one that had it."""
    name, _, _ = two_versions(aws)
    old = put(aws, name, "three", VersionStages=["AWSPENDING", "blue"])
    new = put(aws, name, "four", VersionStages=["AWSPENDING"])
    equal((stages(aws, name).get(old), stages(aws, name).get(new)), (["blue"], ["AWSPENDING"]), "the labels")


@behaviour("Secrets Manager API Reference, ListSecretVersionIds")
def versions_without_labels_are_deprecated(aws: Aws) -> None:
    """A version without labels is not listed, unless IncludeDeprecated; its value is still read by its id."""
    name, first, second = two_versions(aws)
    third = put(aws, name, "three")
    listed = {entry["VersionId"] for entry in aws.secrets.list_secret_version_ids(SecretId=name)["Versions"]}
    equal(listed, {second, third}, "the list")
    every = aws.secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]
    equal({entry["VersionId"] for entry in every}, {first, second, third}, "the whole list")
    equal(value(aws, name, VersionId=first), "one", "the deprecated value")


@behaviour(STAGE)
def previous_follows_current(aws: Aws) -> None:
    """When AWSCURRENT is moved, AWSPREVIOUS goes to the version that it was taken from."""
    name, first, second = two_versions(aws)
    move = {"SecretId": name, "VersionStage": "AWSCURRENT", "MoveToVersionId": first, "RemoveFromVersionId": second}
    aws.secrets.update_secret_version_stage(**move)
    equal(stages(aws, name), {first: ["AWSCURRENT"], second: ["AWSPREVIOUS"]}, "the labels")
    equal(value(aws, name), "one", "the current value")


@behaviour(STAGE)
def a_label_moves_only_from_its_holder(aws: Aws) -> None:
    """A label that is on another version than RemoveFromVersionId names, or without naming one, does not move."""
    name, first, second = two_versions(aws)
    third = put(aws, name, "three", VersionStages=["AWSPENDING"])
    move = {"SecretId": name, "VersionStage": "AWSCURRENT", "MoveToVersionId": third}
    for wrong in ({}, {"RemoveFromVersionId": first}):
        refuses_with(400, "InvalidParameterException", aws.secrets.update_secret_version_stage, **move, **wrong)
    equal(stages(aws, name).get(second), ["AWSCURRENT"], "the labels")


@behaviour(STAGE)
def of_two_swaps_of_a_label_one_wins(aws: Aws) -> None:
    """UpdateSecretVersionStage compares and swaps: a second one that starts from the same holder fails."""
    name, _, second = two_versions(aws)
    rivals = [put(aws, name, each, VersionStages=[each]) for each in ("red", "blue")]
    move = {"SecretId": name, "VersionStage": "AWSCURRENT", "RemoveFromVersionId": second}
    aws.secrets.update_secret_version_stage(**move, MoveToVersionId=rivals[0])
    refuses_with(
        400, "InvalidParameterException", aws.secrets.update_secret_version_stage, **move, MoveToVersionId=rivals[1]
    )
    equal(value(aws, name), "red", "the current value")


@behaviour(STAGE)
def current_cannot_be_taken_off(aws: Aws) -> None:
    """AWSCURRENT can be moved and not removed; other labels can be removed."""
    name, first, second = two_versions(aws)
    off = {"SecretId": name, "VersionStage": "AWSCURRENT", "RemoveFromVersionId": second}
    refuses_with(400, "InvalidParameterException", aws.secrets.update_secret_version_stage, **off)
    aws.secrets.update_secret_version_stage(SecretId=name, VersionStage="blue", MoveToVersionId=first)
    equal(stages(aws, name).get(first), ["AWSPREVIOUS", "blue"], "the labels with the new one")
    aws.secrets.update_secret_version_stage(SecretId=name, VersionStage="blue", RemoveFromVersionId=first)
    equal(stages(aws, name).get(first), ["AWSPREVIOUS"], "the labels without it")


@behaviour(STAGE)
def labels_move_to_versions_that_exist(aws: Aws) -> None:
    """Moving a label to a version that is not there is ResourceNotFoundException."""
    name, _, second = two_versions(aws)
    move = {"SecretId": name, "VersionStage": "AWSCURRENT", "RemoveFromVersionId": second, "MoveToVersionId": token()}
    refuses_with(400, "ResourceNotFoundException", aws.secrets.update_secret_version_stage, **move)


@behaviour(QUOTAS)
def a_secret_has_20_labels_at_most(aws: Aws) -> None:
    """A secret has 20 labels on all its versions together; one more is LimitExceededException."""
    name, first, _ = two_versions(aws)
    for number in range(18):
        aws.secrets.update_secret_version_stage(SecretId=name, VersionStage=f"label-{number}", MoveToVersionId=first)
    more = {"SecretId": name, "VersionStage": "one-more", "MoveToVersionId": first}
    refuses_with(400, "LimitExceededException", aws.secrets.update_secret_version_stage, **more)


@behaviour(GET)
def version_and_label_must_agree(aws: Aws) -> None:
    """VersionId and VersionStage together must be about the same version."""
    name, first, second = two_versions(aws)
    equal(value(aws, name, VersionId=second, VersionStage="AWSCURRENT"), "two", "the value")
    wrong = {"SecretId": name, "VersionId": first, "VersionStage": "AWSCURRENT"}
    refuses(("InvalidRequestException", "ResourceNotFoundException"), aws.secrets.get_secret_value, **wrong)

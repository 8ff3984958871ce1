"""One organization's whole life in the deployed stack: suspended, resumed, offboarded, and brought back."""

import json
import time
from typing import Any

from checks import SECRETS, key_of
from stack import Stack, check, equal, eventually, refused

ORG = "phoenix"
USER, BUCKET, SECRET = f"rms_{ORG}", f"fusion-rms-{ORG}", f"fusion-rms/{ORG}/aws"
COMMAND = {"orgId": ORG, "environment": "production"}
SECOND_LOOK = 190
"""Seconds after an offboarding until it can be undone: KEY_GRACE_SECONDS and a minute, and some."""

offboarded: list[float] = []


def keys(stack: Stack) -> list[str]:
    listed = stack.client("iam").list_access_keys(UserName=USER)["AccessKeyMetadata"]
    return [key["Status"] for key in listed]


def blocks(stack: Stack) -> set[bool]:
    answer = stack.client("s3").get_public_access_block(Bucket=BUCKET)
    return set(answer["PublicAccessBlockConfiguration"].values())


def states(stack: Stack) -> tuple[str | None, str | None]:
    """What the user and the bucket say; nothing, if they are not there."""
    iam, s3 = stack.client("iam"), stack.client("s3")
    try:
        user = {tag["Key"]: tag["Value"] for tag in iam.list_user_tags(UserName=USER)["Tags"]}
    except iam.exceptions.NoSuchEntityException:
        user = {}
    bucket = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"]}
    return user.get("OrgState"), bucket.get("OrgState")


def done(stack: Stack, request: str, kind: str, **more: Any) -> str:
    """Puts a command on the bus; the outcome that its completion tells.

    What other requests tell meanwhile is not this one's: the first of a sign-up's two messages to `verify` may come too early,
    wait, and find an organization that was suspended or offboarded since.
    """
    completion = {
        "OrgSuspended": "OrgSuspensionCompleted",
        "OrgResumed": "OrgResumptionCompleted",
        "OrgDeleted": "OrgOffboardingCompleted",
        "OrgCreated": "OrgProvisioned",
    }[kind]
    stack.put(COMMAND | {"correlationId": request} | more, kind=kind)
    return str(stack.await_event(completion, ORG, request=request)["detail"]["outcome"])


def suspended(stack: Stack) -> None:
    """The key is off and the bucket closed; the data stay."""
    done(stack, "sign-up", "OrgCreated")
    stack.client("s3").put_object(Bucket=BUCKET, Key="pub/menu.txt", Body=b"menu")
    equal(done(stack, "suspend", "OrgSuspended"), "updated", "the outcome")
    equal((keys(stack), blocks(stack)), (["Inactive"], {True}), "the keys and the blocks")
    equal(states(stack), ("suspended", "suspended"), "the states")
    equal(stack.client("s3").get_object(Bucket=BUCKET, Key="pub/menu.txt")["Body"].read(), b"menu", "the object")


def refused_while_suspended(stack: Stack) -> None:
    """A sign-up that comes late changes nothing, and says why."""
    equal(refusals(stack, "late"), {("bucket", "org-not-active"), ("iam-user", "org-not-active")}, "the failures")
    equal((keys(stack), blocks(stack)), (["Inactive"], {True}), "the keys and the blocks")


def resumed(stack: Stack) -> None:
    """The same key works again, and the bucket is as open as before."""
    before = key_of(stack, ORG)
    equal(done(stack, "resume", "OrgResumed"), "updated", "the outcome")
    equal((keys(stack), blocks(stack), key_of(stack, ORG)), (["Active"], {False}, before), "keys, blocks, secret")
    equal(states(stack), ("active", "active"), "the states")
    equal(done(stack, "resume-again", "OrgResumed"), "unchanged", "the outcome of the same once more")


def retired(stack: Stack) -> None:
    """The rotation function answers under its role: there is no old key to retire."""
    described = stack.client("secretsmanager").describe_secret(SecretId=SECRET)
    current = [version for version, labels in described["VersionIdsToStages"].items() if "AWSCURRENT" in labels]
    payload = json.dumps({"orgId": ORG, "action": "retireKey", "token": current[0], "correlationId": "retire"})
    answer = stack.client("lambda").invoke(FunctionName="org-provisioning-rotate", Payload=payload)
    check("FunctionError" not in answer, "the function failed")
    event = stack.await_event("OrgKeyRetired", ORG, request="retire")
    equal(event["detail"]["outcome"], "unchanged", "the outcome")
    equal(keys(stack), ["Active"], "the keys")


def offboarded_for_good(stack: Stack) -> None:
    """Without confirmation nothing happens; with it, user and keys go, the secret is scheduled, the bucket kept empty."""
    stack.put(COMMAND | {"correlationId": "unconfirmed"}, kind="OrgDeleted")
    failure = stack.await_event("OrgProvisioningFailed", ORG, request="unconfirmed")["detail"]
    equal(failure["step"], "offboard", "the step that refuses")
    equal(keys(stack), ["Active"], "the keys")
    SECRETS.append(key_of(stack, ORG)["secretAccessKey"])
    equal(done(stack, "offboard", "OrgDeleted", confirmOrgId=ORG, emptyBucket=True), "updated", "the outcome")
    offboarded.append(time.monotonic())
    refused("NoSuchEntity", stack.client("iam").get_user, UserName=USER)
    check(stack.client("secretsmanager").describe_secret(SecretId=SECRET).get("DeletedDate"), "the secret is kept")
    versions = stack.client("s3").list_object_versions(Bucket=BUCKET)
    equal((versions.get("Versions"), versions.get("DeleteMarkers")), (None, None), "what the bucket holds")
    equal((states(stack), blocks(stack)), ((None, "offboarded"), {True}), "the states and the blocks")


def brought_back(stack: Stack) -> None:
    """A late sign-up is refused; one that says so brings the organization back, with another key."""
    equal(refusals(stack, "too-late"), {("bucket", "org-not-active"), ("iam-user", "org-not-active")}, "the failures")
    eventually(lambda: time.monotonic() - offboarded[0] > SECOND_LOOK, "the end of the second look", SECOND_LOOK + 10)
    done(stack, "back", "OrgCreated", reonboard=True)
    equal((keys(stack), blocks(stack), states(stack)), (["Active"], {False}, ("active", "active")), "what is there")
    stored = key_of(stack, ORG)
    stack.client("s3", stored["accessKeyId"], stored["secretAccessKey"]).put_object(Bucket=BUCKET, Key="x", Body=b"x")


def refusals(stack: Stack, request: str) -> set[tuple[str, str]]:
    """Sends a sign-up. Both steps that begin it refuse it, and its messages are dead letters: who, and why."""
    stack.put(COMMAND | {"correlationId": request})

    def both() -> set[tuple[str, str]] | None:
        failed = [event["detail"] for event in stack.events("OrgProvisioningFailed", ORG, request)]
        told = {(detail["step"], detail["error"]["code"]) for detail in failed}
        return told if len(told) == 2 else None

    told: set[tuple[str, str]] = eventually(both, "two steps' failure events")
    # Dead letters are sent before the events, so all of them are there.
    for step in ("iam-user", "bucket"):
        letters = stack.take(stack.queue_url(f"org-provisioning-{step}-dlq"))
        requests = {letter["MessageAttributes"]["RequestId"]["StringValue"] for letter in letters}
        equal(requests, {request}, f"{step}: the requests of its dead letters")
    return told


CHECKS = [
    ("OrgSuspended switches the key off and closes the bucket", suspended),
    ("a suspended organization's sign-up is refused", refused_while_suspended),
    ("OrgResumed undoes it, and nothing else", resumed),
    ("the rotation function has nothing to retire", retired),
    ("OrgDeleted needs its confirmation, and leaves a closed, empty bucket", offboarded_for_good),
]

LATER = [("OrgCreated with reonboard brings the organization back", brought_back)]

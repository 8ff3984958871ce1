"""What is checked of the state machine: success, duplicates, and failures that each are told once."""

import contextlib
import hashlib
import io
import json
import urllib.request
import zipfile
from collections.abc import Iterator
from typing import Any

from checks import key_of
from stack import Failed, Stack, check, equal, eventually, execution_name, refused


def succeeds(stack: Stack) -> None:
    """One execution provisions an organization, with references only in its data."""
    detail = {"orgId": "umbrella", "environment": "production"}
    ended = stack.ended(stack.execute(detail))
    equal(ended["status"], "SUCCEEDED", f"the execution ({ended.get('error')}: {ended.get('cause')})")
    output = json.loads(ended["output"])
    equal(output["step"], "verify", "the last step")
    equal(output["requestId"], execution_name(detail), "the request's id")
    equal(len(output["resources"]), 4, "the number of resources")
    secret = key_of(stack, "umbrella")["secretAccessKey"]
    check(secret not in stack.history(ended["executionArn"]), "the execution's history has the secret access key")
    stack.await_event("OrgProvisioned", "umbrella")


def as_the_page_says(stack: Stack) -> None:
    """docs/deploy.md's commands start an execution, and start it once."""
    started = json.loads(stack.pages.run("deploy", "org=acme"))
    ended = stack.ended(started["executionArn"])
    equal(ended["status"], "SUCCEEDED", f"the execution ({ended.get('error')}: {ended.get('cause')})")
    equal(json.loads(ended["output"])["requestId"], "order-4711", "the request's id")
    try:
        stack.pages.run("deploy", "org=acme")
    except Failed as error:
        check("ExecutionAlreadyExists" in str(error), f"the second start failed otherwise: {error}")
        return
    raise Failed("the same request was started twice")


def duplicates(stack: Stack) -> None:
    """The same request cannot be started twice, neither under its name nor under another one."""
    detail = {"orgId": "umbrella", "environment": "production"}
    changed = detail | {"note": "other input"}
    refused("ExecutionAlreadyExists", stack.execute, detail=changed, name=execution_name(detail))
    ended = stack.ended(stack.execute(detail, name="some-other-name"))
    equal((ended["status"], ended["error"]), ("FAILED", "invalid-field"), "the execution with another name")
    check(execution_name(detail) in ended["cause"], f"the cause does not say the right name: {ended['cause']}")
    # A deliberate repetition has a correlation id of its own.
    repeated = stack.ended(stack.execute(detail | {"correlationId": "again-1"}))
    equal(repeated["status"], "SUCCEEDED", "the repetition")
    equal(json.loads(repeated["output"])["requestId"], "again-1", "the repetition's request id")


def failures(stack: Stack, org: str, step: str) -> list[dict[str, Any]]:
    """The details of a step's failure events, once there is one."""

    def look() -> list[dict[str, Any]]:
        details = [event["detail"] for event in stack.events("OrgProvisioningFailed", org)]
        return [detail for detail in details if detail["step"] == step]

    return list(eventually(look, f"a failure of {step} for {org}"))


def conflict(stack: Stack) -> None:
    """What the function tells itself, the state machine does not tell again."""
    stack.client("iam").create_user(UserName="rms_vandelay", Tags=[{"Key": "OrgId", "Value": "kramerica"}])
    ended = stack.ended(stack.execute({"orgId": "vandelay", "environment": "production"}))
    equal((ended["status"], ended["error"]), ("FAILED", "not-ours"), "the execution")
    # The branch that did not fail was let finish.
    eventually(lambda: stack.events("BucketProvisioned", "vandelay"), "the bucket")
    # That event starts bucket-policy from its queue, which has a failure of its own to tell.
    told = failures(stack, "vandelay", "iam-user")
    equal(len(told), 1, "the number of failure events")
    equal((told[0]["error"]["class"], told[0]["error"]["code"]), ("conflict", "not-ours"), "the failure event")


def crash(stack: Stack) -> None:
    """A function that cannot answer is told of by the state machine, once, with an id that can be foretold."""
    with broken_function(stack, "org-provisioning-iam-user"):
        detail = {"orgId": "wonka", "environment": "production", "correlationId": "golden-ticket"}
        ended = stack.ended(stack.execute(detail), within=240)
        equal(ended["status"], "FAILED", "the execution")
        told, *more = failures(stack, "wonka", "iam-user")
        equal((told["request"], more), (detail, []), "the failure event")
        equal(told["requestId"], "golden-ticket", "the request's id")
        check(ended["error"] in told["error"]["message"], f"the event does not name {ended['error']}: {told['error']}")
        equal(told["eventId"], foretold("wonka", "iam-user", "golden-ticket"), "the event id")
    # Repaired, the repetition succeeds.
    ended = stack.ended(stack.execute(detail | {"correlationId": "golden-ticket-2"}))
    equal(ended["status"], "SUCCEEDED", f"the repetition ({ended.get('error')}: {ended.get('cause')})")


@contextlib.contextmanager
def broken_function(stack: Stack, name: str) -> Iterator[None]:
    """A function whose process ends at once, until it gets its code back."""
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, "#!/bin/sh\nexit 1\n")
    functions = stack.client("lambda")
    with urllib.request.urlopen(functions.get_function(FunctionName=name)["Code"]["Location"], timeout=30) as answer:
        whole = answer.read()
    functions.update_function_code(FunctionName=name, ZipFile=broken.getvalue())
    try:
        yield
    finally:
        functions.update_function_code(FunctionName=name, ZipFile=whole)


def foretold(org: str, step: str, request: str) -> str:
    digest = hashlib.sha256("\n".join([org, step, request, "OrgProvisioningFailed"]).encode()).hexdigest()
    return "-".join([digest[:8], digest[8:12], "8" + digest[13:16], "8" + digest[17:20], digest[20:32]])


def used_up(stack: Stack) -> None:
    """What could have ended well and did not in twelve retries is told by the state machine."""
    # A user this young may only not show its tag yet, so the step says `propagating` and not `not-ours`.
    stack.client("iam").create_user(UserName="rms_stark")
    ended = stack.ended(stack.execute({"orgId": "stark", "environment": "production"}))
    equal((ended["status"], ended["error"]), ("FAILED", "propagating"), "the execution")
    told, *more = failures(stack, "stark", "iam-user")
    equal((told["error"]["class"], told["error"]["code"], more), ("retryable", "propagating", []), "the failure event")
    check("no tag OrgId" in told["error"]["message"], f"the message is not the function's: {told['error']['message']}")


CHECKS = [
    ("the state machine provisions an organization", succeeds),
    ("docs/deploy.md's execution is started once", as_the_page_says),
    ("a duplicate start is refused", duplicates),
    ("a conflict fails the execution and is told once, by the function", conflict),
    ("a crash fails the execution and is told once, by the state machine", crash),
    ("tries that are used up are told of by the state machine", used_up),
]

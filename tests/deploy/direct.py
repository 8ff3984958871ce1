"""What is checked after the switch to direct targets: the same events, without queues between."""

import json

from machine import broken_function
from stack import BUS, STEPS, Stack, equal, eventually


def wired(stack: Stack) -> None:
    for step in STEPS:
        targets = stack.client("events").list_targets_by_rule(Rule=f"org-provisioning-{step}", EventBusName=BUS)
        equal([target["Arn"].split(":")[2] for target in targets["Targets"]], ["lambda"], f"{step}: its rule's targets")


def provisions(stack: Stack) -> None:
    stack.put({"orgId": "direct1", "environment": "production"})
    stack.await_event("OrgProvisioned", "direct1")


def dead_letters(stack: Stack) -> None:
    """What a function refuses for good is in its dead-letter queue, as with queues."""
    stack.put({"orgId": "direct2", "environment": "demo"})
    eventually(lambda: len(stack.events("OrgProvisioningFailed", "direct2")) == 2, "two failure events")
    for step in ("iam-user", "bucket"):
        url = stack.queue_url(f"org-provisioning-{step}-dlq")
        found = eventually(lambda url=url: stack.take(url), f"{step}: a dead letter")
        equal(json.loads(found[0]["Body"])["detail"]["orgId"], "direct2", f"{step}: the dead letter")


def failed_invocation(stack: Stack) -> None:
    """What fails three times without an answer is in the queue of failed invocations."""
    detail = {"orgId": "direct3", "environment": "production"}
    event = {"source": "org-signup", "detail-type": "OrgCreated", "detail": detail}
    with broken_function(stack, "org-provisioning-bucket"):
        # As a rule does it.
        asked = {"FunctionName": "org-provisioning-bucket", "InvocationType": "Event", "Payload": json.dumps(event)}
        stack.client("lambda").invoke(**asked)
        url = stack.queue_url("org-provisioning-failed-invocations")
        found = eventually(lambda: stack.take(url), "the failed invocation")
    record = json.loads(found[0]["Body"])
    equal(record["requestPayload"], event, "the failed invocation's event")
    equal(record["requestContext"]["condition"], "RetriesExhausted", "the failed invocation's reason")


CHECKS = [
    ("every rule targets its function", wired),
    ("OrgCreated on the bus leads to OrgProvisioned, without queues", provisions),
    ("what is refused for good is in the dead-letter queue", dead_letters),
    ("an invocation that fails three times is in the on-failure queue", failed_invocation),
]

"""The deployed stack, as its tests see it."""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.config
import botocore.exceptions
import jsonschema
from botocore import UNSIGNED

if TYPE_CHECKING:
    from pages import Pages

ACCOUNT = "111111111111"
REGION = "us-east-1"
NAME = "org-provisioner"
BUS = "org-provisioning"
SBT_BUS = "sbt-control-plane"
STEPS = ["iam-user", "bucket", "bucket-policy", "secret", "verify", "suspend", "resume", "offboard", "adopt"]
FUNCTIONS = [*STEPS, "rotate", "reconcile", "sweep"]
ROOT = Path(__file__).resolve().parent.parent.parent

Event = dict[str, Any]


class Failed(AssertionError):
    """A check does not hold."""


def check(holds: object, otherwise: str) -> None:
    if not holds:
        raise Failed(otherwise)


def equal(actual: object, expected: object, what: str) -> None:
    check(actual == expected, f"{what} is {actual!r}, not {expected!r}")


def refused(code: str, call: Callable[..., Any], **parameters: Any) -> None:
    """Expects that AWS refuses a call with this code."""
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as error:
        equal(error.response["Error"]["Code"], code, "the refusal")
        return
    raise Failed(f"{call.__name__} is allowed, not refused with {code}")


def eventually(look: Callable[[], Any], what: str, within: float = 90) -> Any:
    """Looks until there is something, with a bound."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.2)
    raise Failed(f"{what}: not within {within:.0f} s")


class Stack:
    """A client's view of everything, and the events that went over the buses."""

    def __init__(self, endpoint: str, pages: "Pages") -> None:
        self.endpoint = endpoint
        self.pages = pages
        self.seen: list[Event] = []
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, key: str | None = ACCOUNT, secret: str = "any") -> Any:
        """A client of the account's administrator, of another key, or of nobody."""
        known = (service, key or "")
        if known not in self._clients:
            config = botocore.config.Config(
                signature_version=None if key else UNSIGNED, retries={"total_max_attempts": 1}, read_timeout=30
            )
            self._clients[known] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id=key,
                aws_secret_access_key=secret if key else None,
                config=config,
            )
        return self._clients[known]

    def physical(self, logical: str) -> str:
        """The name of a resource in the stack."""
        asked = {"StackName": NAME, "LogicalResourceId": logical}
        detail = self.client("cloudformation").describe_stack_resource(**asked)["StackResourceDetail"]
        return str(detail["PhysicalResourceId"])

    def code(self, step: str) -> str:
        """The digest of a function's code."""
        asked = {"FunctionName": f"org-provisioning-{step}"}
        return str(self.client("lambda").get_function_configuration(**asked)["CodeSha256"])

    def queue_url(self, name: str) -> str:
        return str(self.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])

    # Events

    def watch(self, bus: str) -> None:
        """Has a queue hear everything that is put on a bus."""
        name = f"watcher-{bus}"
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow | {"Resource": arn}]})
        self.client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})
        pattern = json.dumps({"source": [{"exists": True}]})
        events = self.client("events")
        events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "watcher", "Arn": arn}])

    def unwatch(self, bus: str) -> None:
        """A bus with a rule that is not the stack's could not be deleted with it."""
        events = self.client("events")
        events.remove_targets(Rule=f"watcher-{bus}", EventBusName=bus, Ids=["watcher"])
        events.delete_rule(Name=f"watcher-{bus}", EventBusName=bus)
        self.client("sqs").delete_queue(QueueUrl=self.queue_url(f"watcher-{bus}"))

    def put(self, detail: dict[str, Any], source: str = "org-signup", kind: str = "OrgCreated", bus: str = BUS) -> None:
        entry = {"EventBusName": bus, "Source": source, "DetailType": kind, "Detail": json.dumps(detail)}
        equal(self.client("events").put_events(Entries=[entry])["FailedEntryCount"], 0, "the number of refused events")

    def hear(self, bus: str = BUS) -> list[Event]:
        """All events until now; those of the provisioner must be as their schemas say."""
        for message in self.take(self.queue_url(f"watcher-{bus}")):
            event = json.loads(message["Body"])
            validate(event)
            self.seen.append(event)
        return self.seen

    def events(self, kind: str, org: str, request: str | None = None) -> list[Event]:
        """The events of this type about this organization; of one request, if its correlation id is given."""
        about = [event for event in self.hear() if event["detail-type"] == kind and event["detail"].get("orgId") == org]
        return [event for event in about if request in (None, event["detail"].get("correlationId"))]

    def await_event(self, kind: str, org: str, count: int = 1, request: str | None = None) -> Event:
        """The `count`-th of these events. A failure beside it, of the same request if one is given, ends the wait."""

        def look() -> list[Event]:
            failed = "OrgProvisioningFailed"
            unexpected = [] if kind == failed else self.events(failed, org, request)
            check(not unexpected, f"{org} failed: {unexpected and unexpected[0]['detail']}")
            return self.events(kind, org, request)[count - 1 :]

        return eventually(look, f"{kind} number {count} of {org}, request {request or 'any'}")[0]

    def take(self, url: str) -> list[dict[str, Any]]:
        """Takes the messages that a queue has to give."""
        taken: list[dict[str, Any]] = []
        sqs = self.client("sqs")
        while True:
            asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
            messages = sqs.receive_message(**asked).get("Messages", [])
            if not messages:
                return taken
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken.append(message)

    # Executions

    def execute(self, detail: dict[str, Any], name: str | None = None) -> str:
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:org-provisioning"
        asked = {"stateMachineArn": arn, "name": name or execution_name(detail), "input": json.dumps(detail)}
        return str(self.client("stepfunctions").start_execution(**asked)["executionArn"])

    def ended(self, execution: str, within: float = 120) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            told: dict[str, Any] = self.client("stepfunctions").describe_execution(executionArn=execution)
            return told if told["status"] != "RUNNING" else None

        return dict(eventually(look, f"the end of {execution}", within))

    def history(self, execution: str) -> str:
        asked = {"executionArn": execution, "includeExecutionData": True, "maxResults": 1000}
        answer = self.client("stepfunctions").get_execution_history(**asked)
        return json.dumps(answer["events"], default=str)


def execution_name(detail: dict[str, Any]) -> str:
    """As docs/deploy.md says."""
    text = f"{detail['orgId']}/{detail.get('correlationId', '')}"
    return f"{detail['orgId']}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def validate(event: Event) -> None:
    if event["source"] == "org-provisioner":
        failed = event["detail-type"] == "OrgProvisioningFailed"
        schema = "org-provisioning-failed" if failed else "step-completed"
        document = json.loads((ROOT / f"events/schemas/{schema}.json").read_text())
        jsonschema.validate(event["detail"], document)

"""A bus, a rule and a queue, to see what EventBridge delivers."""

import json
import uuid
from typing import Any

from aws import Aws
from behaviour import check, equal, eventually

SOURCE = "our-test"


class Wiring:
    """A bus with a rule whose target is a queue."""

    def __init__(
        self, aws: Aws, pattern: dict[str, Any] | None = None, target: dict[str, Any] | None = None, permit: bool = True
    ):
        self.aws = aws
        self.bus = aws.name("bus")
        aws.events.create_event_bus(Name=self.bus)
        self.queue, self.queue_arn = self.add_queue(permit)
        self.rule_arn = self.add_rule("rule", pattern or {"source": [SOURCE]})
        self.add_target("rule", target or {})

    def add_queue(self, permit: bool = True, rule_arn: str | None = None) -> tuple[str, str]:
        url = self.aws.queue()
        attributes = self.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        if permit:
            permit_events(self.aws, url, attributes["QueueArn"], rule_arn)
        return url, attributes["QueueArn"]

    def add_rule(self, name: str, pattern: dict[str, Any], **more: Any) -> str:
        asked = {"Name": name, "EventBusName": self.bus, "EventPattern": json.dumps(pattern)}
        return self.aws.events.put_rule(**asked, **more)["RuleArn"]

    def add_target(self, rule: str, target: dict[str, Any]) -> None:
        entry = {"Id": "queue", "Arn": self.queue_arn} | target
        self.aws.events.put_targets(Rule=rule, EventBusName=self.bus, Targets=[entry])

    def put(self, detail: Any, **more: Any) -> None:
        """Puts one event and expects that it is accepted."""
        entry = {"Source": SOURCE, "DetailType": "Thing", "Detail": json.dumps(detail), "EventBusName": self.bus}
        equal(self.aws.events.put_events(Entries=[entry | more])["FailedEntryCount"], 0, "the number of failed entries")

    def bodies(self, queue: str | None = None, wait: int = 0) -> list[str]:
        """Takes the messages that are in the queue."""
        url, bodies = queue or self.queue, []
        while True:
            asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": wait}
            messages = self.aws.sqs.receive_message(**asked).get("Messages", [])
            if not messages:
                return bodies
            for message in messages:
                bodies.append(message["Body"])
                self.aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            wait = 0

    def await_bodies(self, count: int = 1, queue: str | None = None) -> list[str]:
        """Waits for this number of messages."""
        bodies: list[str] = []

        def look() -> bool:
            bodies.extend(self.bodies(queue, wait=1))
            return len(bodies) >= count

        eventually(look, "the delivery")
        return bodies

    def settle(self) -> list[str]:
        """All deliveries until now: an event that is put last has been delivered, and nothing follows it."""
        marker = str(uuid.uuid4())
        queue, queue_arn = self.add_queue()
        self.add_rule("last", {"source": ["last"]})
        self.add_target("last", {"Id": "last", "Arn": queue_arn})
        self.put({"marker": marker}, Source="last")
        self.await_bodies(queue=queue)
        return self.bodies(wait=1)


def permit_events(aws: Aws, url: str, arn: str, rule_arn: str | None = None) -> None:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    if rule_arn:
        statement["Condition"] = {"ArnEquals": {"aws:SourceArn": rule_arn}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})


def selects(aws: Aws, pattern: dict[str, Any], matching: list[Any], others: list[Any]) -> None:
    """Expects that of events with these details the matching ones are delivered, and no others."""
    wiring = Wiring(aws, {"source": [SOURCE]} | pattern)
    for number, detail in enumerate(matching + others):
        wiring.put(detail, DetailType=str(number))
    delivered = [int(json.loads(body)["detail-type"]) for body in wiring.settle()]
    missing = [number for number in range(len(matching)) if number not in delivered]
    check(not missing, f"matching event {missing[:1]} is not delivered")
    extra = [number - len(matching) for number in delivered if number >= len(matching)]
    check(not extra, f"other event {extra[:1]} is delivered")

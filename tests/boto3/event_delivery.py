"""EventBridge: what reaches a target, in which form, and with whose permission."""

import json
from typing import Any

from aws import Aws
from behaviour import behaviour, check, equal, eventually
from wiring import SOURCE, Wiring, permit_events

PUT = "EventBridge API Reference, PutEvents"
PERMISSION = "EventBridge User Guide, Using resource-based policies for Amazon EventBridge: Amazon SQS permissions"
TRANSFORM = "EventBridge User Guide, Amazon EventBridge input transformation"
DEAD = "EventBridge User Guide, Using dead-letter queues to process undelivered events"


@behaviour(PUT)
def an_event_reaches_a_queue(aws: Aws) -> None:
    """An event that a rule matches is sent to its target, in an envelope with id, time, account and region."""
    wiring = Wiring(aws)
    entry = {
        "Source": SOURCE,
        "DetailType": "Thing",
        "Detail": '{"a": 1}',
        "EventBusName": wiring.bus,
        "Resources": ["r"],
    }
    (told,) = aws.events.put_events(Entries=[entry])["Entries"]
    event = json.loads(wiring.await_bodies()[0])
    check(event.pop("time", "").endswith("Z"), "the time has another form")
    expected = {
        "version": "0",
        "id": told["EventId"],
        "detail-type": "Thing",
        "source": SOURCE,
        "account": aws.mine,
        "region": "us-east-1",
        "resources": ["r"],
        "detail": {"a": 1},
    }
    equal(event, expected, "the envelope")


@behaviour("EventBridge API Reference, PutEventsRequestEntry")
def an_events_time_may_be_given(aws: Aws) -> None:
    """Time is the event's time, by default the time of the call."""
    wiring = Wiring(aws)
    wiring.put({}, Time=1_700_000_000)
    equal(json.loads(wiring.await_bodies()[0])["time"], "2023-11-14T22:13:20Z", "the time")


@behaviour(PERMISSION)
def a_queue_without_a_policy_receives_nothing(aws: Aws) -> None:
    """EventBridge delivers to a queue only if the queue's policy lets events.amazonaws.com send."""
    wiring = Wiring(aws, permit=False)
    wiring.put({"n": 1})
    equal(wiring.settle(), [], "what is delivered")
    permit_events(aws, wiring.queue, wiring.queue_arn)
    wiring.put({"n": 2})
    equal([json.loads(body)["detail"]["n"] for body in wiring.await_bodies()], [2], "what is delivered later")


@behaviour(PERMISSION)
def a_queues_policy_may_be_for_one_rule(aws: Aws) -> None:
    """A queue's policy may allow one rule by aws:SourceArn; others do not deliver."""
    wiring = Wiring(aws, permit=False)
    wiring.add_rule("other", {"source": [SOURCE]})
    wiring.add_target("other", {"Input": '"other"'})
    permit_events(aws, wiring.queue, wiring.queue_arn, wiring.rule_arn)
    wiring.put({"n": 1})
    bodies = wiring.await_bodies() + wiring.settle()
    equal(["other" if body == '"other"' else "rule" for body in bodies], ["rule"], "what is delivered")


@behaviour(DEAD)
def what_cannot_be_delivered_is_a_dead_letter(aws: Aws) -> None:
    """Without permission there is no retry: the event goes to the target's dead-letter queue, with the reason."""
    wiring = Wiring(aws, permit=False)
    dead, dead_arn = wiring.add_queue()
    wiring.add_target("rule", {"DeadLetterConfig": {"Arn": dead_arn}})
    wiring.put({"n": 1})

    def look() -> list[dict[str, Any]]:
        asked = {"QueueUrl": dead, "WaitTimeSeconds": 1, "MessageAttributeNames": ["All"]}
        return aws.sqs.receive_message(**asked).get("Messages", [])

    (letter,) = eventually(look, "the dead letter's arrival")
    equal(json.loads(letter["Body"])["detail"], {"n": 1}, "the event")
    told = {name: attribute["StringValue"] for name, attribute in letter.get("MessageAttributes", {}).items()}
    expected = {"RULE_ARN": wiring.rule_arn, "TARGET_ARN": wiring.queue_arn, "ERROR_CODE": "NO_PERMISSIONS"}
    equal({name: told.get(name) for name in expected}, expected, "an attribute")


@behaviour("EventBridge API Reference, DisableRule")
def a_disabled_rule_delivers_nothing(aws: Aws) -> None:
    """A disabled rule matches nothing until it is enabled; DescribeRule tells its state."""
    wiring = Wiring(aws)
    rule = {"Name": "rule", "EventBusName": wiring.bus}
    aws.events.disable_rule(**rule)
    equal(aws.events.describe_rule(**rule)["State"], "DISABLED", "the state")
    wiring.put({"n": 1})
    equal(wiring.settle(), [], "what is delivered")
    aws.events.enable_rule(**rule)
    wiring.put({"n": 2})
    equal(json.loads(wiring.await_bodies()[0])["detail"], {"n": 2}, "what is delivered later")


@behaviour("EventBridge User Guide, Rules in Amazon EventBridge")
def every_matching_rule_delivers(aws: Aws) -> None:
    """Each rule that matches sends to each of its targets."""
    wiring = Wiring(aws)
    other, other_arn = wiring.add_queue()
    wiring.add_rule("second", {"source": [{"exists": True}]})
    wiring.add_target("second", {"Id": "a"})
    wiring.add_target("second", {"Id": "b", "Arn": other_arn})
    wiring.put({"n": 1})
    equal((len(wiring.await_bodies(2)), len(wiring.await_bodies(queue=other))), (2, 1), "the number of deliveries")


@behaviour("EventBridge User Guide, Event buses in Amazon EventBridge")
def an_event_stays_on_its_bus(aws: Aws) -> None:
    """Rules see the events of their own bus; a bus is in one account and region."""
    wiring = Wiring(aws)
    entry = {"Source": SOURCE, "DetailType": "t", "Detail": "{}"}
    aws.events.put_events(Entries=[entry])
    for client in (aws.client("events", aws.theirs), aws.client("events", region="eu-west-1")):
        client.create_event_bus(Name=wiring.bus)
        client.put_events(Entries=[entry | {"EventBusName": wiring.bus}])
    equal(wiring.settle(), [], "what is delivered")


@behaviour(PUT)
def a_bus_may_be_named_by_its_arn(aws: Aws) -> None:
    """EventBusName is a name or an ARN."""
    wiring = Wiring(aws)
    wiring.put({"n": 1}, EventBusName=f"arn:aws:events:us-east-1:{aws.mine}:event-bus/{wiring.bus}")
    equal(json.loads(wiring.await_bodies()[0])["detail"], {"n": 1}, "the event")


@behaviour("EventBridge API Reference, Target")
def a_target_may_have_a_constant_input(aws: Aws) -> None:
    """With Input a target receives that text, whatever the event."""
    wiring = Wiring(aws, target={"Input": '{"fixed": true}'})
    wiring.put({"n": 1})
    equal(json.loads(wiring.await_bodies()[0]), {"fixed": True}, "what is delivered")


@behaviour("EventBridge API Reference, Target")
def a_target_may_have_an_input_path(aws: Aws) -> None:
    """With InputPath a target receives a part of the event."""
    wiring = Wiring(aws, target={"InputPath": "$.detail.inner"})
    wiring.put({"inner": {"n": 1}, "outer": 2})
    equal(json.loads(wiring.await_bodies()[0]), {"n": 1}, "what is delivered")


@behaviour(TRANSFORM)
def a_template_may_be_json(aws: Aws) -> None:
    """Values are put in a JSON template as JSON where they stand alone, and as text within quotes."""
    paths = {"org": "$.detail.orgId", "n": "$.detail.n", "list": "$.detail.list"}
    template = '{"org": <org>, "text": "org <org> of <n>", "n": <n>, "list": <list>}'
    wiring = Wiring(aws, target={"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}})
    wiring.put({"orgId": "acme", "n": 3, "list": [1, 2]})
    expected = {"org": "acme", "text": "org acme of 3", "n": 3, "list": [1, 2]}
    equal(json.loads(wiring.await_bodies()[0]), expected, "what is delivered")


@behaviour(TRANSFORM)
def a_template_may_be_text(aws: Aws) -> None:
    """A template may be a text in quotes."""
    transformer = {"InputPathsMap": {"org": "$.detail.orgId"}, "InputTemplate": '"organization <org> was created"'}
    wiring = Wiring(aws, target={"InputTransformer": transformer})
    wiring.put({"orgId": "acme"})
    equal(wiring.await_bodies()[0], '"organization acme was created"', "what is delivered")


@behaviour(TRANSFORM)
def a_template_has_predefined_variables(aws: Aws) -> None:
    """`<aws.events.rule-arn>`, `<aws.events.rule-name>` and `<aws.events.event.json>` need no path."""
    template = '{"rule": <aws.events.rule-arn>, "name": <aws.events.rule-name>, "event": <aws.events.event.json>}'
    wiring = Wiring(aws, target={"InputTransformer": {"InputTemplate": template}})
    wiring.put({"n": 1})
    got = json.loads(wiring.await_bodies()[0])
    equal((got["rule"], got["name"], got["event"]["detail"]), (wiring.rule_arn, "rule", {"n": 1}), "what is delivered")

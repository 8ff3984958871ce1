"""EventBridge: putting events, buses, rules and targets."""

import json

from aws import Aws
from behaviour import behaviour, equal, refuses, refuses_with
from wiring import SOURCE, Wiring

PUT = "EventBridge API Reference, PutEvents"
FAILURES = "EventBridge User Guide, Sending events with PutEvents: handling failures"
RESULT = "EventBridge API Reference, PutEventsResultEntry"
TARGETS = "EventBridge API Reference, PutTargets"


@behaviour(FAILURES)
def bad_entries_fail_by_themselves(aws: Aws) -> None:
    """PutEvents answers 200 with FailedEntryCount; each entry has an EventId, or an ErrorCode, in the order given."""
    wiring = Wiring(aws)
    good = {"Source": SOURCE, "DetailType": "t", "Detail": "{}", "EventBusName": wiring.bus}
    answer = aws.events.put_events(Entries=[good, good | {"Detail": "not json"}, good])
    equal(answer["FailedEntryCount"], 1, "the number of failed entries")
    equal(["EventId" in entry for entry in answer["Entries"]], [True, False, True], "which entries succeed")
    equal(answer["Entries"][1].get("ErrorCode"), "MalformedDetail", "the code")
    equal(len(wiring.await_bodies(2)), 2, "the number of deliveries")


@behaviour(RESULT)
def a_detail_is_a_json_object(aws: Aws) -> None:
    """A Detail that is no JSON object is MalformedDetail, with HTTP 200."""
    for detail in ("{", "[]", "1", '"text"'):
        entry = {"Source": SOURCE, "DetailType": "t", "Detail": detail}
        answer = aws.events.put_events(Entries=[entry])
        told = (answer["FailedEntryCount"], answer["Entries"][0].get("ErrorCode"))
        equal(told, (1, "MalformedDetail"), "the answer")


@behaviour(RESULT)
def an_entry_needs_source_type_and_detail(aws: Aws) -> None:
    """An entry without Source, DetailType or Detail is InvalidArgument, with HTTP 200."""
    whole = {"Source": SOURCE, "DetailType": "t", "Detail": "{}"}
    for missing in whole:
        entry = {key: value for key, value in whole.items() if key != missing}
        answer = aws.events.put_events(Entries=[entry])
        told = (answer["FailedEntryCount"], answer["Entries"][0].get("ErrorCode"))
        equal(told, (1, "InvalidArgument"), "the answer")


@behaviour(RESULT)
def nobody_speaks_for_aws(aws: Aws) -> None:
    """An entry whose source begins with `aws.` is NotAuthorizedForSourceException, with HTTP 200."""
    answer = aws.events.put_events(Entries=[{"Source": "aws.s3", "DetailType": "t", "Detail": "{}"}])
    told = (answer["FailedEntryCount"], answer["Entries"][0].get("ErrorCode"))
    equal(told, (1, "NotAuthorizedForSourceException"), "the answer")


@behaviour("EventBridge User Guide, Sending events with PutEvents")
def an_unknown_bus_drops_silently(aws: Aws) -> None:
    """An event for a bus that does not exist is accepted: HTTP 200, no failed entry, an EventId."""
    entry = {"Source": SOURCE, "DetailType": "t", "Detail": "{}", "EventBusName": aws.name("none")}
    answer = aws.events.put_events(Entries=[entry])
    equal((answer["FailedEntryCount"], list(answer["Entries"][0])), (0, ["EventId"]), "the answer")


@behaviour(PUT)
def a_request_has_10_entries_at_most(aws: Aws) -> None:
    """PutEvents takes 1 to 10 entries."""
    entry = {"Source": SOURCE, "DetailType": "t", "Detail": "{}"}
    equal(aws.events.put_events(Entries=[entry] * 10)["FailedEntryCount"], 0, "the number of failed entries")
    refuses_with(400, "ValidationException", aws.events.put_events, Entries=[entry] * 11)


@behaviour("EventBridge User Guide, Calculating PutEvents event entry size")
def a_request_has_less_than_a_megabyte(aws: Aws) -> None:
    """All entries together have less than 1 MB."""
    detail = json.dumps({"x": "y" * 600_000})
    entry = {"Source": SOURCE, "DetailType": "t", "Detail": detail}
    equal(aws.events.put_events(Entries=[entry])["FailedEntryCount"], 0, "the number of failed entries")
    refuses(400, aws.events.put_events, Entries=[entry, entry])


@behaviour(TARGETS)
def a_target_has_one_kind_of_input(aws: Aws) -> None:
    """Input, InputPath and InputTransformer exclude each other."""
    wiring = Wiring(aws)
    target = {"Id": "queue", "Arn": wiring.queue_arn, "Input": "{}", "InputPath": "$.detail"}
    refuses_with(
        400, "ValidationException", aws.events.put_targets, Rule="rule", EventBusName=wiring.bus, Targets=[target]
    )


@behaviour("EventBridge User Guide, Amazon EventBridge quotas")
def a_rule_has_five_targets_at_most(aws: Aws) -> None:
    """A rule has five targets at most; the same id replaces a target."""
    wiring = Wiring(aws)
    targets = [{"Id": str(number), "Arn": wiring.queue_arn} for number in range(5)]
    to = {"Rule": "rule", "EventBusName": wiring.bus}
    refuses_with(400, "LimitExceededException", aws.events.put_targets, **to, Targets=targets)
    aws.events.put_targets(**to, Targets=targets[:4])
    aws.events.put_targets(**to, Targets=[targets[0] | {"Input": '"x"'}])
    listed = {target["Id"]: target.get("Input") for target in aws.events.list_targets_by_rule(**to)["Targets"]}
    equal(listed, {"0": '"x"', "1": None, "2": None, "3": None, "queue": None}, "the list of targets")


@behaviour("EventBridge API Reference, DeleteRule and RemoveTargets")
def a_rule_with_targets_cannot_be_deleted(aws: Aws) -> None:
    """DeleteRule is a ValidationException while the rule has targets."""
    wiring = Wiring(aws)
    rule = {"Name": "rule", "EventBusName": wiring.bus}
    refuses_with(400, "ValidationException", aws.events.delete_rule, **rule)
    aws.events.remove_targets(Rule="rule", EventBusName=wiring.bus, Ids=["queue"])
    aws.events.delete_rule(**rule)
    refuses_with(400, "ResourceNotFoundException", aws.events.describe_rule, **rule)


@behaviour("EventBridge API Reference, PutRule")
def putting_a_rule_again_keeps_its_targets(aws: Aws) -> None:
    """PutRule replaces a rule's pattern and state and leaves its targets."""
    wiring = Wiring(aws)
    wiring.add_rule("rule", {"source": ["else"]}, Description="new")
    told = aws.events.describe_rule(Name="rule", EventBusName=wiring.bus)
    equal((json.loads(told["EventPattern"]), told.get("Description")), ({"source": ["else"]}, "new"), "the rule")
    wiring.put({"n": 1})
    wiring.put({"n": 2}, Source="else")
    equal([json.loads(body)["detail"]["n"] for body in wiring.settle()], [2], "what is delivered")


@behaviour("EventBridge API Reference, ListRules; Service Authorization Reference, Amazon EventBridge")
def rules_are_listed_by_prefix(aws: Aws) -> None:
    """ListRules tells the rules of a bus; a rule's ARN has its bus, if that is not the default one."""
    wiring = Wiring(aws)
    wiring.add_rule("rule-2", {"source": ["x"]})
    wiring.add_rule("other", {"source": ["x"]})
    rules = aws.events.list_rules(EventBusName=wiring.bus, NamePrefix="rule")["Rules"]
    arns = [f"arn:aws:events:us-east-1:{aws.mine}:rule/{wiring.bus}/{name}" for name in ("rule", "rule-2")]
    equal(sorted(rule["Arn"] for rule in rules), arns, "the list of rules")
    on_default = aws.events.put_rule(Name="mine", EventPattern='{"source": ["x"]}')["RuleArn"]
    equal(on_default, f"arn:aws:events:us-east-1:{aws.mine}:rule/mine", "the ARN on the default bus")


@behaviour("EventBridge API Reference, DeleteEventBus")
def a_bus_with_rules_cannot_be_deleted(aws: Aws) -> None:
    """DeleteEventBus is a ValidationException while the bus has rules; the default bus stays."""
    wiring = Wiring(aws)
    refuses_with(400, "ValidationException", aws.events.delete_event_bus, Name=wiring.bus)
    refuses_with(400, "ValidationException", aws.events.delete_event_bus, Name="default")


@behaviour("EventBridge API Reference, CreateEventBus")
def a_bus_is_made_once(aws: Aws) -> None:
    """A second bus of a name is ResourceAlreadyExistsException; every account has the bus `default`."""
    name = aws.name("bus")
    arn = aws.events.create_event_bus(Name=name)["EventBusArn"]
    equal(arn, f"arn:aws:events:us-east-1:{aws.mine}:event-bus/{name}", "the ARN")
    refuses_with(400, "ResourceAlreadyExistsException", aws.events.create_event_bus, Name=name)
    listed = {bus["Name"] for bus in aws.events.list_event_buses()["EventBuses"]}
    equal(listed, {"default", name}, "the list of buses")


@behaviour("EventBridge API Reference, PutRule, PutTargets and DescribeEventBus")
def buses_and_rules_must_exist(aws: Aws) -> None:
    """A bus or a rule that is not there is ResourceNotFoundException."""
    wiring, none = Wiring(aws), aws.name("none")
    refuses_with(400, "ResourceNotFoundException", aws.events.describe_event_bus, Name=none)
    rule = {"Name": "r", "EventBusName": none, "EventPattern": '{"source": ["x"]}'}
    refuses_with(400, "ResourceNotFoundException", aws.events.put_rule, **rule)
    target = {"Rule": none, "EventBusName": wiring.bus, "Targets": [{"Id": "1", "Arn": wiring.queue_arn}]}
    refuses_with(400, "ResourceNotFoundException", aws.events.put_targets, **target)


@behaviour("EventBridge API Reference, PutRule")
def rule_names_are_of_a_character_set(aws: Aws) -> None:
    """A rule's name has letters, digits and `.-_`, 64 at most."""
    for name in ("a b", "a/b", "x" * 65):
        refuses_with(400, "ValidationException", aws.events.put_rule, Name=name, EventPattern='{"source": ["x"]}')

"""EventBridge: which events a pattern matches, seen by what is delivered."""

import json
from typing import Any

from aws import Aws
from behaviour import behaviour, equal, refuses, refuses_with
from wiring import SOURCE, Wiring, selects

PATTERNS = "EventBridge User Guide, Event pattern comparison operators"
PATTERN = "EventBridge User Guide, Event patterns"


@behaviour(PATTERN)
def values_are_matched_exactly(aws: Aws) -> None:
    """A list of values is an or, fields are an and; texts, numbers, booleans and null are matched exactly."""
    pattern = {"detail": {"a": ["x", 1, True, None], "b": {"c": ["y"]}}}
    matching = [{"a": value, "b": {"c": "y"}} for value in ("x", 1, True, None)]
    others = [{"a": "X", "b": {"c": "y"}}, {"a": "x", "b": {"c": "z"}}, {"a": "x"}, {"a": False, "b": {"c": "y"}}, {}]
    selects(aws, pattern, matching, others)


@behaviour(PATTERN)
def a_list_matches_if_a_value_does(aws: Aws) -> None:
    """A list in an event matches if any of its values does."""
    selects(aws, {"detail": {"a": ["x"]}}, [{"a": ["w", "x"]}, {"a": "x"}], [{"a": ["w"]}, {"a": []}])


@behaviour(PATTERN)
def the_envelope_is_matched_too(aws: Aws) -> None:
    """Fields of the envelope, as account and detail-type, can be in a pattern."""
    wiring = Wiring(aws, {"account": [aws.mine], "detail-type": [{"prefix": "Org"}], "source": [SOURCE]})
    for detail_type in ("OrgCreated", "Other"):
        wiring.put({}, DetailType=detail_type)
    equal([json.loads(body)["detail-type"] for body in wiring.settle()], ["OrgCreated"], "what is delivered")


@behaviour(PATTERNS)
def the_operator_prefix(aws: Aws) -> None:
    """`prefix` matches the beginning of a text, also whatever its case."""
    selects(aws, {"detail": {"a": [{"prefix": "ab"}]}}, [{"a": "abc"}, {"a": "ab"}], [{"a": "cab"}, {"a": "ABC"}, {}])
    insensitive = {"detail": {"a": [{"prefix": {"equals-ignore-case": "ab"}}]}}
    selects(aws, insensitive, [{"a": "ABc"}], [{"a": "c"}])


@behaviour(PATTERNS)
def the_operator_suffix(aws: Aws) -> None:
    """`suffix` matches the end of a text."""
    selects(aws, {"detail": {"a": [{"suffix": ".png"}]}}, [{"a": "x.png"}], [{"a": "x.png.txt"}, {"a": "x.PNG"}, {}])


@behaviour(PATTERNS)
def the_operator_equals_ignore_case(aws: Aws) -> None:
    """`equals-ignore-case` matches a text whatever its case."""
    selects(aws, {"detail": {"a": [{"equals-ignore-case": "Alice"}]}}, [{"a": "aLICE"}], [{"a": "alice2"}, {}])


@behaviour(PATTERNS)
def the_operator_anything_but(aws: Aws) -> None:
    """`anything-but` matches any other value; an absent field is not anything."""
    pattern = {"detail": {"a": [{"anything-but": ["x", "y"]}]}}
    selects(aws, pattern, [{"a": "z"}], [{"a": "x"}, {"a": "y"}, {}])


@behaviour(PATTERNS)
def anything_but_takes_other_operators(aws: Aws) -> None:
    """`anything-but` takes prefix, suffix, equals-ignore-case and wildcard."""
    inner = {"a": {"prefix": "x"}, "b": {"suffix": "x"}, "c": {"equals-ignore-case": "x"}, "d": {"wildcard": "*x*"}}
    pattern = {"detail": {field: [{"anything-but": operator}] for field, operator in inner.items()}}
    good = dict.fromkeys("abcd", "y")
    bad = [good | {"a": "xy"}, good | {"b": "yx"}, good | {"c": "X"}, good | {"d": "yxy"}]
    selects(aws, pattern, [good], bad)


@behaviour(PATTERNS)
def the_operator_numeric(aws: Aws) -> None:
    """`numeric` compares numbers with one or two bounds."""
    pattern = {"detail": {"a": [{"numeric": [">", 0, "<=", 5]}], "b": [{"numeric": ["=", 3]}]}}
    matching = [{"a": 5, "b": 3}, {"a": 0.5, "b": 3.0}]
    selects(aws, pattern, matching, [{"a": 0, "b": 3}, {"a": 5.1, "b": 3}, {"a": "3", "b": 3}, {"a": 1, "b": 2}])


@behaviour(PATTERNS)
def the_operator_exists(aws: Aws) -> None:
    """`exists` matches the presence or the absence of a field, null being present."""
    selects(aws, {"detail": {"a": [{"exists": True}]}}, [{"a": 1}, {"a": None}], [{"b": 1}, {}])
    selects(aws, {"detail": {"a": [{"exists": False}]}}, [{"b": 1}, {}], [{"a": 1}])


@behaviour(PATTERNS)
def the_operator_wildcard(aws: Aws) -> None:
    """`wildcard` matches any characters in the place of `*`, and a star where it is escaped."""
    selects(
        aws,
        {"detail": {"a": [{"wildcard": "dir/*.png"}]}},
        [{"a": "dir/x/y.png"}, {"a": "dir/.png"}],
        [{"a": "dir/x.jpg"}],
    )
    selects(aws, {"detail": {"a": [{"wildcard": "a\\*b"}]}}, [{"a": "a*b"}], [{"a": "axb"}])


@behaviour(PATTERNS)
def the_operator_or(aws: Aws) -> None:
    """`$or` matches if one of its patterns does, beside what else the pattern has."""
    pattern = {"detail": {"$or": [{"a": [1]}, {"b": [{"prefix": "x"}]}], "c": ["z"]}}
    selects(aws, pattern, [{"a": 1, "c": "z"}, {"b": "xy", "c": "z"}], [{"a": 2, "c": "z"}, {"a": 1}])


@behaviour(PATTERNS)
def the_operator_cidr(aws: Aws) -> None:
    """`cidr` matches IP addresses."""
    selects(aws, {"detail": {"a": [{"cidr": "10.0.0.0/24"}]}}, [{"a": "10.0.0.255"}], [{"a": "10.0.1.0"}, {"a": "x"}])


@behaviour("EventBridge API Reference, PutRule")
def invalid_patterns_are_refused(aws: Aws) -> None:
    """A pattern that is none is InvalidEventPatternException."""
    bus = aws.name("bus")
    aws.events.create_event_bus(Name=bus)
    for pattern in ("{", '{"a": "x"}', '{"a": [{"like": "x"}]}', '{"a": [{"numeric": ["<", 1, ">", 2]}]}', "[]"):
        wrong = {"Name": "r", "EventBusName": bus, "EventPattern": pattern}
        refuses_with(400, "InvalidEventPatternException", aws.events.put_rule, **wrong)


@behaviour("EventBridge API Reference, TestEventPattern")
def a_pattern_can_be_tested(aws: Aws) -> None:
    """TestEventPattern tells whether an event matches; the event must have the fields of the envelope."""
    event = {
        "id": "1",
        "account": aws.mine,
        "source": "s",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail-type": "t",
        "detail": {},
    }

    def matches(pattern: dict[str, Any]) -> bool:
        return aws.events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"]

    equal((matches({"source": ["s"]}), matches({"source": ["x"]})), (True, False), "the result")
    del event["id"]
    refuses(400, matches, pattern={"source": ["s"]})

"""EventBridge: archives and replays."""

import json
import time
from typing import Any

from aws import Aws
from behaviour import behaviour, check, equal, eventually, refuses_with
from wiring import SOURCE, Wiring

CREATE = "EventBridge API Reference, CreateArchive"
START = "EventBridge API Reference, StartReplay"
CANCEL = "EventBridge API Reference, CancelReplay"
ARCHIVES = "EventBridge User Guide, Archiving and replaying events in Amazon EventBridge"


class Archived(Wiring):
    """A bus with a rule, a queue and an archive."""

    def __init__(self, aws: Aws, **more: Any):
        super().__init__(aws)
        self.bus_arn = f"arn:aws:events:us-east-1:{aws.mine}:event-bus/{self.bus}"
        self.archive = aws.name("archive")
        self.archive_arn = f"arn:aws:events:us-east-1:{aws.mine}:archive/{self.archive}"
        aws.events.create_archive(ArchiveName=self.archive, EventSourceArn=self.bus_arn, **more)
        self.begin = int(time.time())

    def count(self) -> int:
        """How many events the archive has."""
        return int(self.aws.events.describe_archive(ArchiveName=self.archive)["EventCount"])

    def asked(self, **more: Any) -> dict[str, Any]:
        """A replay of the hour around now."""
        return {
            "ReplayName": self.aws.name("replay"),
            "EventSourceArn": self.archive_arn,
            "EventStartTime": self.begin - 1800,
            "EventEndTime": self.begin + 1800,
            "Destination": {"Arn": self.bus_arn},
        } | more

    def start(self, **more: Any) -> str:
        """Starts a replay; answers its name."""
        asked = self.asked(**more)
        self.aws.events.start_replay(**asked)
        return asked["ReplayName"]

    def await_state(self, name: str, state: str) -> dict[str, Any]:
        """Waits until a replay is in a state; answers what DescribeReplay tells."""

        def look() -> dict[str, Any] | None:
            told = self.aws.events.describe_replay(ReplayName=name)
            if told["State"] == state:
                return told
            time.sleep(0.1)
            return None

        return eventually(look, f"the state {state}")

    def numbers(self, count: int) -> list[int]:
        """The numbers in the details of this many events, in the order in which they arrive."""
        return [json.loads(body)["detail"]["n"] for body in self.await_bodies(count)]


def sources(aws: Aws) -> dict[str, Any]:
    return {"EventSourceArn": f"arn:aws:events:us-east-1:{aws.mine}:event-bus/default"}


@behaviour(CREATE)
def an_archive_keeps_the_events_of_its_bus(aws: Aws) -> None:
    """An archive keeps the events on its bus, of all kinds without a pattern, and tells how many it has."""
    wiring = Archived(aws, RetentionDays=7, Description="everything")
    wiring.put({"n": 1})
    wiring.put({"n": 2}, Source="else")
    aws.events.put_events(Entries=[{"Source": SOURCE, "DetailType": "t", "Detail": "{}"}])
    told = aws.events.describe_archive(ArchiveName=wiring.archive)
    equal((told["EventCount"], told["SizeBytes"] > 0), (2, True), "the count")
    equal((told["ArchiveArn"], told["EventSourceArn"]), (wiring.archive_arn, wiring.bus_arn), "an ARN")
    equal((told["State"], told["RetentionDays"], told["Description"]), ("ENABLED", 7, "everything"), "the archive")


@behaviour(CREATE)
def an_archives_pattern_chooses(aws: Aws) -> None:
    """With an EventPattern an archive keeps the events that match it."""
    wiring = Archived(aws, EventPattern=json.dumps({"detail": {"n": [{"numeric": [">", 1]}]}}))
    for number in range(4):
        wiring.put({"n": number})
    equal(wiring.count(), 2, "the count")


@behaviour(CREATE)
def an_archives_pattern_must_be_one(aws: Aws) -> None:
    """A pattern that is none is InvalidEventPatternException."""
    for pattern in ("{", json.dumps({"source": "x"})):
        asked = {"ArchiveName": aws.name("a"), "EventPattern": pattern} | sources(aws)
        refuses_with(400, "InvalidEventPatternException", aws.events.create_archive, **asked)


@behaviour(CREATE)
def an_archives_name_is_used_once(aws: Aws) -> None:
    """A second archive of a name is ResourceAlreadyExistsException."""
    asked = {"ArchiveName": aws.name("a")} | sources(aws)
    aws.events.create_archive(**asked)
    refuses_with(400, "ResourceAlreadyExistsException", aws.events.create_archive, **asked)


@behaviour(CREATE)
def archive_names_have_48_characters_at_most(aws: Aws) -> None:
    """An archive's name has letters, digits and `.-_`, 48 at most."""
    for name in ("x" * 49, "a b"):
        refuses_with(400, "ValidationException", aws.events.create_archive, ArchiveName=name, **sources(aws))


@behaviour("EventBridge API Reference, CreateArchive, DescribeArchive and DeleteArchive")
def archives_and_their_buses_must_exist(aws: Aws) -> None:
    """A bus or an archive that is not there is ResourceNotFoundException."""
    none = aws.name("none")
    asked = {"ArchiveName": none, "EventSourceArn": f"arn:aws:events:us-east-1:{aws.mine}:event-bus/{none}"}
    refuses_with(400, "ResourceNotFoundException", aws.events.create_archive, **asked)
    for operation in (aws.events.describe_archive, aws.events.delete_archive):
        refuses_with(400, "ResourceNotFoundException", operation, ArchiveName=none)


@behaviour("EventBridge API Reference, ListArchives")
def archives_are_listed_by_one_filter(aws: Aws) -> None:
    """ListArchives chooses by prefix, bus or state, but by one of them only."""
    wiring = Archived(aws)
    aws.events.create_archive(ArchiveName=aws.name("other"), **sources(aws))
    for chosen in ({"NamePrefix": wiring.archive[:-1]}, {"EventSourceArn": wiring.bus_arn}):
        listed = [archive["ArchiveName"] for archive in aws.events.list_archives(**chosen)["Archives"]]
        equal(listed, [wiring.archive], "the list")
    equal(len(aws.events.list_archives(State="ENABLED")["Archives"]), 2, "the list by state")
    refuses_with(400, "ValidationException", aws.events.list_archives, NamePrefix="x", State="ENABLED")


@behaviour("EventBridge API Reference, ListArchives")
def archives_are_listed_in_pages(aws: Aws) -> None:
    """Limit is the size of a page, NextToken the next one."""
    names = sorted(aws.name("a") for _ in range(3))
    for name in names:
        aws.events.create_archive(ArchiveName=name, **sources(aws))
    first = aws.events.list_archives(Limit=2)
    equal(len(first["Archives"]), 2, "the first page")
    second = aws.events.list_archives(Limit=2, NextToken=first["NextToken"])
    listed = [archive["ArchiveName"] for archive in first["Archives"] + second["Archives"]]
    equal((sorted(listed), "NextToken" in second), (names, False), "the pages")


@behaviour("EventBridge API Reference, UpdateArchive")
def an_archive_can_be_changed(aws: Aws) -> None:
    """UpdateArchive changes what it names, for the events to come; the others stay in the archive."""
    wiring = Archived(aws, Description="old", RetentionDays=3)
    wiring.put({"n": 1})
    aws.events.update_archive(ArchiveName=wiring.archive, EventPattern='{"source": ["none"]}', Description="new")
    wiring.put({"n": 2})
    told = aws.events.describe_archive(ArchiveName=wiring.archive)
    equal((told["EventCount"], told["Description"], told["RetentionDays"]), (1, "new", 3), "the archive")


@behaviour(ARCHIVES)
def an_archive_has_a_managed_rule(aws: Aws) -> None:
    """An archive has a rule on its bus that lets replayed events not pass; only EventBridge can change it."""
    wiring = Archived(aws)
    rules = aws.events.list_rules(EventBusName=wiring.bus)["Rules"]
    managed = [rule for rule in rules if rule.get("ManagedBy")]
    equal([rule["Name"] for rule in managed], [f"Events-Archive-{wiring.archive}"], "the managed rules")
    equal(json.loads(managed[0]["EventPattern"]), {"replay-name": [{"exists": False}]}, "the pattern")
    rule = {"Name": managed[0]["Name"], "EventBusName": wiring.bus}
    for operation in (aws.events.disable_rule, aws.events.delete_rule):
        refuses_with(400, "ManagedRuleException", operation, **rule)


@behaviour(START)
def a_replay_sends_events_again(aws: Aws) -> None:
    """StartReplay sends archived events to their bus again, with the name of the replay as `replay-name`."""
    wiring = Archived(aws)
    wiring.put({"n": 1})
    first = json.loads(wiring.await_bodies()[0])
    asked = wiring.asked()
    told = aws.events.start_replay(**asked)
    arn = f"arn:aws:events:us-east-1:{aws.mine}:replay/{asked['ReplayName']}"
    equal((told["ReplayArn"], told["State"]), (arn, "STARTING"), "the answer")
    again = json.loads(wiring.await_bodies()[0])
    equal(again.pop("replay-name", None), asked["ReplayName"], "the name")
    for field in ("time", "detail", "detail-type", "source", "account", "region", "resources"):
        equal(again.get(field), first[field], f"the field {field}")


@behaviour(CREATE)
def replayed_events_are_not_archived_again(aws: Aws) -> None:
    """Replayed events are not sent to an archive."""
    wiring = Archived(aws)
    wiring.put({"n": 1})
    wiring.await_bodies()
    name = wiring.start()
    wiring.await_state(name, "COMPLETED")
    equal((len(wiring.await_bodies()), wiring.count()), (1, 1), "the deliveries and the count")


@behaviour("EventBridge API Reference, DescribeReplay")
def a_replay_tells_how_far_it_is(aws: Aws) -> None:
    """A replay goes by the time in the events; EventLastReplayedTime is that of the last one."""
    wiring = Archived(aws)
    for minute in (2, 0, 1):
        wiring.put({"n": minute}, Time=wiring.begin + 60 * minute)
    wiring.await_bodies(3)
    name = wiring.start(Description="three")
    equal(wiring.numbers(3), [0, 1, 2], "the order of minutes")
    told = wiring.await_state(name, "COMPLETED")
    equal(told["EventLastReplayedTime"].timestamp(), wiring.begin + 120, "the last time")
    check(told["ReplayEndTime"] >= told["ReplayStartTime"], "the replay ends before it starts")
    equal((told["Destination"]["Arn"], told["Description"]), (wiring.bus_arn, "three"), "the replay")


@behaviour(START)
def a_replay_has_a_range_of_times(aws: Aws) -> None:
    """Only events whose time is between EventStartTime and EventEndTime are replayed."""
    wiring = Archived(aws)
    for minute in range(3):
        wiring.put({"n": minute}, Time=wiring.begin + 60 * minute)
    wiring.await_bodies(3)
    name = wiring.start(EventStartTime=wiring.begin + 30, EventEndTime=wiring.begin + 90)
    wiring.await_state(name, "COMPLETED")
    equal(wiring.numbers(1) + [json.loads(body)["detail"] for body in wiring.bodies()], [1], "what is replayed")


@behaviour("EventBridge API Reference, ReplayDestination")
def a_replay_may_be_for_some_rules(aws: Aws) -> None:
    """FilterArns are the rules that replayed events reach."""
    wiring = Archived(aws)
    other, other_arn = wiring.add_queue()
    rule_arn = wiring.add_rule("other", {"source": [SOURCE]})
    wiring.add_target("other", {"Arn": other_arn})
    wiring.put({"n": 1})
    wiring.await_bodies()
    wiring.await_bodies(queue=other)
    name = wiring.start(Destination={"Arn": wiring.bus_arn, "FilterArns": [rule_arn]})
    told = wiring.await_state(name, "COMPLETED")
    equal(told["Destination"]["FilterArns"], [rule_arn], "the rules")
    equal((len(wiring.await_bodies(queue=other)), wiring.bodies(wait=1)), (1, []), "what is delivered")


@behaviour(START)
def a_replay_goes_to_the_archives_own_bus(aws: Aws) -> None:
    """Events can be replayed to the bus of the archive only."""
    wiring = Archived(aws)
    asked = wiring.asked(Destination={"Arn": f"arn:aws:events:us-east-1:{aws.mine}:event-bus/default"})
    refuses_with(400, "ValidationException", aws.events.start_replay, **asked)


@behaviour(START)
def a_replay_ends_after_it_starts(aws: Aws) -> None:
    """EventStartTime is before EventEndTime."""
    wiring = Archived(aws)
    asked = wiring.asked(EventEndTime=wiring.begin - 1800)
    refuses_with(400, "ValidationException", aws.events.start_replay, **asked)


@behaviour(START)
def a_replay_needs_an_archive(aws: Aws) -> None:
    """An archive that is not there is a ValidationException, a bus ResourceNotFoundException."""
    wiring, none = Archived(aws), aws.name("none")
    asked = wiring.asked(EventSourceArn=f"arn:aws:events:us-east-1:{aws.mine}:archive/{none}")
    refuses_with(400, "ValidationException", aws.events.start_replay, **asked)
    asked = wiring.asked(Destination={"Arn": f"arn:aws:events:us-east-1:{aws.mine}:event-bus/{none}"})
    refuses_with(400, "ResourceNotFoundException", aws.events.start_replay, **asked)


@behaviour(START)
def a_replays_name_is_used_once(aws: Aws) -> None:
    """A second replay of a name is ResourceAlreadyExistsException, when the first one has ended too."""
    wiring = Archived(aws)
    name = wiring.start()
    refuses_with(400, "ResourceAlreadyExistsException", aws.events.start_replay, **wiring.asked(ReplayName=name))
    wiring.await_state(name, "COMPLETED")
    refuses_with(400, "ResourceAlreadyExistsException", aws.events.start_replay, **wiring.asked(ReplayName=name))


@behaviour("EventBridge User Guide, Amazon EventBridge quotas")
def ten_replays_run_at_once(aws: Aws) -> None:
    """An account has ten active replays in a region at most."""
    wiring = Archived(aws)
    for _ in range(10):
        wiring.start()
    refuses_with(400, "LimitExceededException", aws.events.start_replay, **wiring.asked())


@behaviour(CANCEL)
def a_replay_can_be_cancelled(aws: Aws) -> None:
    """A cancelled replay is CANCELLING, then CANCELLED, and sends no more."""
    wiring = Archived(aws)
    for minute in range(20):
        wiring.put({"n": minute}, Time=wiring.begin + 60 * minute)
    wiring.await_bodies(20)
    name = wiring.start()
    equal(aws.events.cancel_replay(ReplayName=name)["State"], "CANCELLING", "the answer")
    told = wiring.await_state(name, "CANCELLED")
    replayed = len(wiring.bodies())
    check(replayed < 20 and "ReplayEndTime" in told, "the replay goes on")
    equal(wiring.bodies(wait=2), [], "what is delivered later")


@behaviour(CANCEL)
def a_replay_that_has_ended_cannot_be_cancelled(aws: Aws) -> None:
    """A replay that is not starting or running is IllegalStatusException, a missing one ResourceNotFoundException."""
    wiring = Archived(aws)
    name = wiring.start()
    wiring.await_state(name, "COMPLETED")
    refuses_with(400, "IllegalStatusException", aws.events.cancel_replay, ReplayName=name)
    refuses_with(400, "ResourceNotFoundException", aws.events.cancel_replay, ReplayName=aws.name("none"))


@behaviour("EventBridge API Reference, ListReplays")
def replays_are_listed_by_one_filter(aws: Aws) -> None:
    """ListReplays chooses by prefix, archive or state, but by one of them only, in pages."""
    wiring = Archived(aws)
    names = sorted(wiring.start() for _ in range(3))
    for name in names:
        wiring.await_state(name, "COMPLETED")
    for chosen in ({"State": "COMPLETED"}, {"EventSourceArn": wiring.archive_arn}, {"NamePrefix": "replay"}):
        listed = sorted(replay["ReplayName"] for replay in aws.events.list_replays(**chosen)["Replays"])
        equal(listed, names, "the list")
    equal(aws.events.list_replays(State="FAILED")["Replays"], [], "the list of failed ones")
    first = aws.events.list_replays(Limit=2)
    rest = aws.events.list_replays(Limit=2, NextToken=first["NextToken"])
    equal((len(first["Replays"]), len(rest["Replays"])), (2, 1), "the pages")
    refuses_with(400, "ValidationException", aws.events.list_replays, NamePrefix="replay", State="FAILED")

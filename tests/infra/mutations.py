"""Deliberate changes of infra/, one at a time, in memory: consistency.py has to notice each of them.

Beside those that are written down here, every value of every resource, parameter and condition is changed, and
everything that can be left out is left out."""

import concurrent.futures
import copy
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import consistency
from view import CHOICES, Files, files

# What is for people, or the emulator's and the linters' business; nothing that the code says could be compared with it.
FREE = {"Description", "AlarmDescription", "DisplayName", "InputTemplate", "Metadata", "PolicyName", "Sid"}
# Changes that change nothing.
SAME = {
    # Accounts that are joined by anything are not the empty text.
    "template: Conditions/HasProducers/Fn::Not/0/Fn::Equals/0/Fn::Join/0 changed",
    # It has a text for people and nothing else.
    "observability: Resources/AlarmTopic/Properties left out",
}
Path = tuple[Any, ...]
Change = Callable[[Files], None]


def at(root: Any, path: Path) -> Any:
    for part in path:
        root = root[part]
    return root


def put(template: str, *path: Any, to: Any) -> Change:
    def change(found: Files) -> None:
        place = at(found.templates[template], path[:-1])
        assert place[path[-1]] != to, f"{path} is {to} already"
        place[path[-1]] = to

    return change


def drop(template: str, *path: Any) -> Change:
    def change(found: Files) -> None:
        del at(found.templates[template], path[:-1])[path[-1]]

    return change


def more(template: str, *path: Any, what: dict[str, Any]) -> Change:
    return lambda found: at(found.templates[template], path).update(what)


def copied(template: str, name: str, new: str) -> Change:
    def change(found: Files) -> None:
        resources = found.templates[template]["Resources"]
        resources[new] = copy.deepcopy(resources[name])

    return change


def in_page(old: str, new: str) -> Change:
    def change(found: Files) -> None:
        assert old in found.page, f"docs/deploy.md has no {old!r}"
        found.page = found.page.replace(old, new)

    return change


def in_makefile(old: str, new: str) -> Change:
    def change(found: Files) -> None:
        assert old in found.makefile, f"infra/Makefile has no {old!r}"
        found.makefile = found.makefile.replace(old, new)

    return change


def in_machine(change_states: Callable[[Any], None]) -> Change:
    return lambda found: change_states(found.machines["state-machine"])


def statement(step: str, sid: str, found: Files) -> dict[str, Any]:
    policies = found.templates["template"]["Resources"][f"{step}Role"]["Properties"]["Policies"]
    listed = policies[0]["PolicyDocument"]["Statement"]
    plain = [each["Fn::If"][1] if "Fn::If" in each else each for each in listed]
    return next(each for each in plain if each["Sid"] == sid)


def grant(step: str, sid: str, field: str, to: Any) -> Change:
    def change(found: Files) -> None:
        place = statement(step, sid, found)
        assert place.get(field) != to
        place[field] = to

    return change


def resource(name: str, *path: Any) -> Path:
    return ("Resources", name, "Properties", *path)


def first_task(machine: Any) -> Any:
    return machine["States"]["User and bucket"]["Branches"][0]["States"]["User"]


WRITTEN: dict[str, Change] = {
    # Registry, functions, rules, queues.
    "a step without its rule": drop("template", "Resources", "BucketRule"),
    "a step without its event source": drop("template", "Resources", "VerifyEventSource"),
    "a step without its queue's policy": drop("template", "Resources", "BucketPolicyQueuePolicy"),
    "a step without its dead-letter queue": drop("template", "Resources", "BucketDeadLetterQueue"),
    "a function that nobody registered": copied("template", "BucketFunction", "OtherFunction"),
    "a second rule": copied("template", "BucketRule", "OtherRule"),
    "a queue that nobody knows": copied("template", "BucketQueue", "OtherQueue"),
    "another bus": copied("template", "Bus", "OtherBus"),
    "the function of another step": put(
        "template", *resource("BucketFunction", "CodeUri"), to="../target/lambda/verify/"
    ),
    "another function's name": put(
        "template", *resource("VerifyFunction", "FunctionName"), to="org-provisioning-check"
    ),
    "another queue's name": put("template", *resource("BucketQueue", "QueueName"), to="org-provisioning-buckets"),
    "a dead-letter queue of another name": put(
        "template", *resource("BucketDeadLetterQueue", "QueueName"), to="org-provisioning-bucket-dead"
    ),
    "a queue that feeds another function": put(
        "template", *resource("BucketEventSource", "FunctionName"), to={"Ref": "BucketPolicyFunction"}
    ),
    "a function that is fed from another queue": put(
        "template", *resource("BucketEventSource", "EventSourceArn"), to={"Fn::GetAtt": "VerifyQueue.Arn"}
    ),
    "dead letters among another step's": put(
        "template", *resource("BucketQueue", "RedrivePolicy", "deadLetterTargetArn"),
        to={"Fn::GetAtt": "VerifyDeadLetterQueue.Arn"},
    ),
    "dead letters that go round": put(
        "template", *resource("BucketFunction", "Environment", "Variables", "DEAD_LETTER_QUEUE_URL"),
        to={"Ref": "BucketQueue"},
    ),
    "a batch answered as a whole": drop("template", *resource("BucketPolicyEventSource", "FunctionResponseTypes")),
    "a queue that is not encrypted": put("template", *resource("VerifyQueue", "SqsManagedSseEnabled"), to=False),
    "a queue that forgets after four days": drop("template", *resource("VerifyQueue", "MessageRetentionPeriod")),
    "a rule before its queue may be sent to": put(
        "template", "Resources", "VerifyRule", "DependsOn", to=["VerifyPermission", "UndeliveredQueuePolicy"]
    ),
    "events of every rule": put(
        "template", *resource("BucketQueuePolicy", "PolicyDocument", "Statement", 0, "Condition"), to={}
    ),
    "no dead-letter queue for a rule": drop("template", *resource("BucketRule", "Targets", 0, "DeadLetterConfig")),
    "a step that is not built": in_makefile("STEPS := iam-user bucket ", "STEPS := iam-user "),
    # Detail types and patterns.
    "a rule for another detail type": put(
        "template", *resource("BucketPolicyRule", "EventPattern", "detail-type"), to=["BucketCreated"]
    ),
    "verify without one of its triggers": put(
        "template", *resource("VerifyRule", "EventPattern", "detail-type"), to=["SecretProvisioned"]
    ),
    "completions of everybody": drop("template", *resource("BucketPolicyRule", "EventPattern", "source")),
    "commands of everybody": drop("template", *resource("BucketRule", "EventPattern", "source")),
    "completions of a stranger": put("template", *resource("VerifyRule", "EventPattern", "source"), to=["org-signup"]),
    "failures under another name": put(
        "observability", *resource("FailureRule", "EventPattern", "detail-type"), to=["OrgFailed"]
    ),
    "an answer to everybody's failures": drop("sbt", *resource("AnswerRule", "EventPattern", "detail")),
    # Environment.
    "a variable that the code does not read": more(
        "template", "Globals", "Function", "Environment", "Variables", what={"EXTRA": "1"}
    ),
    "a variable left out": drop("template", "Globals", "Function", "Environment", "Variables", "TAG_KEY"),
    "two variables mixed up": put(
        "template", "Globals", "Function", "Environment", "Variables", "USER_PREFIX", to={"Ref": "BucketPrefix"}
    ),
    "the bus by its name": put(
        "template", "Globals", "Function", "Environment", "Variables", "EVENT_BUS_NAME", to="org-provisioning"
    ),
    "another default": put("template", "Parameters", "SecretNameTemplate", "Default", to="fusion/{orgid}/aws"),
    # Times.
    "a visibility below six timeouts": put("template", "Parameters", "VisibilityTimeout", "MinValue", to=150),
    "a function that may run longer": put("template", "Parameters", "FunctionTimeout", "MaxValue", to=60),
    "a function that may not make a key": put("template", "Parameters", "FunctionTimeout", "MinValue", to=10),
    "receives that run out too soon": put("template", "Parameters", "MaxReceiveCount", "MinValue", to=12),
    "a grace that receives do not outlast": put("template", "Parameters", "KeyGraceSeconds", "MaxValue", to=600),
    "a grace that is too short": put("template", "Parameters", "KeyGraceSeconds", "MinValue", to=30),
    "messages that outlive their queue": put("template", "Parameters", "VisibilityTimeout", "MaxValue", to=43200),
    "receives without end": put("template", "Parameters", "MaxReceiveCount", "MaxValue", to=1000),
    # Roles.
    "a wildcard in an action": grant("Bucket", "MakeBucket", "Action", ["s3:*"]),
    "one action too many": grant(
        "Verify", "LookAtUser", "Action", ["iam:GetUser", "iam:ListAccessKeys", "iam:DeleteUser"]
    ),
    "one action too few": grant("Verify", "LookAtUser", "Action", ["iam:GetUser"]),
    "every user": grant("Verify", "LookAtUser", "Resource", "*"),
    "every bucket": grant("Bucket", "MakeBucket", "Resource", "arn:aws:s3:::*"),
    "every object": grant("Bucket", "Marker", "Resource", {"Fn::Sub": "arn:${AWS::Partition}:s3:::${BucketPrefix}*/*"}),
    "another step's dead letters": grant(
        "Verify", "DeadLetters", "Resource", {"Fn::GetAtt": "BucketDeadLetterQueue.Arn"}
    ),
    "tags of any state": grant("Bucket", "TagNewBucket", "Condition", {}),
    "events of any type": grant("Bucket", "Events", "Condition", {}),
    "keys for organizations that are not active": grant("Secret", "MakeKey", "Condition", {}),
    "a key of KMS without its service": grant("Verify", "KeyOfSecrets", "Condition", {}),
    "a denial": grant("Verify", "LookAtUser", "Effect", "Deny"),
    "everything but": grant("Verify", "LookAtUser", "NotAction", "iam:DeleteUser"),
    "a managed policy": more(
        "template", *resource("BucketRole"), what={"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]}
    ),
    "a role without its boundary": drop("template", *resource("VerifyRole", "PermissionsBoundary")),
    "a role that anybody takes": put(
        "template", *resource("VerifyRole", "AssumeRolePolicyDocument", "Statement", 0, "Principal"), to="*"
    ),
    # Who may put events.
    "anybody speaks as the provisioner": drop("template", *resource("Bus", "Policy", "Statement", 0)),
    "any source": drop("template", *resource("Bus", "Policy", "Statement", 1)),
    "one role speaks no longer": drop(
        "template", *resource("Bus", "Policy", "Statement", 0, "Condition", "ArnNotEquals", "aws:PrincipalArn", 2)
    ),
    "producers without a condition": drop(
        "template", *resource("Bus", "Policy", "Statement", 2), "Fn::If", 1, "Condition"
    ),
    # Alarms.
    "a step without alarms": drop("observability", "Resources", "BucketAlarms"),
    "the alarms of another step": put("observability", *resource("BucketAlarms", "Parameters", "Step"), to="verify"),
    "no alarm of dead letters": drop("step-alarms", "Resources", "DeadLettersAlarm"),
    "no alarm of who waits": drop("step-alarms", "Resources", "WaitingAlarm"),
    "who waits by SQS's age": put(
        "step-alarms", *resource("WaitingAlarm", "MetricName"), to="ApproximateAgeOfOldestMessage"
    ),
    "no alarm of what is not delivered": drop("observability", "Resources", "UndeliveredAlarm"),
    "no alarm of failed invocations": drop("observability", "Resources", "FailedInvocationsAlarm"),
    "no alarm of failures": drop("observability", "Resources", "ProvisioningFailedAlarm"),
    "no alarm of the adapter": drop("sbt", "Resources", "AdapterFailedAlarm"),
    "an alarm that nobody hears": put("step-alarms", *resource("ErrorsAlarm", "AlarmActions"), to=[]),
    "an alarm of missing data": put("step-alarms", *resource("ErrorsAlarm", "TreatMissingData"), to="breaching"),
    "a dashboard without its body": put("observability", *resource("Dashboard", "DashboardBody"), to='{"widgets": []}'),
    # The page.
    "a default that the page does not have": in_page("| `MemorySize` | 128 |", "| `MemorySize` | 512 |"),
    "bounds that the page does not have": in_page("128 to 3008 megabytes", "64 to 3008 megabytes"),
    "a parameter that the page does not have": in_page("| `KmsKeyArn` | (none) |", "| KmsKeyArn | (none) |"),
    "a parameter that nobody declares": in_page("| `KmsKeyArn` |", "| `KmsKey` |"),
    # Rotation.
    "a stranger's secrets rotate": drop("template", *resource("RotatePermission", "SourceAccount")),
    "every secret rotates": drop("template", *resource("RotatePermission", "SourceArn")),
    "a schedule before it can be set": drop("template", "Resources", "SecretFunction", "DependsOn"),
    "an old key that nobody retires": drop("template", "Resources", "RetirementRule"),
    "no alarm of keys that stay": drop("observability", "Resources", "RetirementsFailedAlarm"),
    "an old key that is tried once": lambda found: found.machines["retirement"]["States"]["Retire"]["Catch"].pop(0),
    # Looking at what is there.
    "nothing that begins a sweep": drop("template", "Resources", "SweepRule"),
    "a sweep that is taken for a loop": drop("template", *resource("SweepFunction", "RecursiveLoop")),
    "a sweep that has no name": drop("template", *resource("SweepRule", "Targets"), 0, "InputTransformer"),
    "a rule that may not send to its queue": drop("template", "Resources", "SweepQueuePolicy"),
    "no alarm of drift": drop("observability", "Resources", "DriftAlarm"),
    "no alarm of a limit": drop("observability", "Resources", "CapacityUsersAlarm"),
    # The state machine.
    "an error that is not tried again": in_machine(
        lambda m: first_task(m)["Retry"][0]["ErrorEquals"].remove("throttled")
    ),
    "a code that is told twice": in_machine(
        lambda m: m["States"]["Is named after its request"]["Choices"][0]["Assign"]["told"].remove("not-ours")
    ),
    "another step's function": in_machine(
        lambda m: first_task(m)["Arguments"].update(FunctionName="${BucketFunction}")
    ),
    "retries in step": in_machine(lambda m: first_task(m)["Retry"][0].update(JitterStrategy="NONE")),
    "a failure that is not caught": in_machine(lambda m: first_task(m)["Catch"].clear()),
    "JSONata that cannot be parsed": in_machine(lambda m: first_task(m).update(Output="{% $sift('request' %}")),
}  # fmt: skip


def places(value: Any, path: Path) -> Iterator[Path]:
    """Every place under a value, itself not."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if key not in FREE:
            yield (*path, key)
            yield from places(inner, (*path, key))


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return f"{value}x"


def of_interest(template: str, path: Path) -> bool:
    if len(path) < 2 or (template, path[1:4]) == ("observability", ("Dashboard", "Properties", "DashboardBody")):
        return False
    if path[0] == "Resources":
        return len(path) == 2 or path[2] in ("Properties", "Condition", "DependsOn")
    return path[0] in ("Parameters", "Conditions", "Globals", "Outputs") and len(path) > 2


def everywhere(found: Files) -> Iterator[tuple[str, Change, Change]]:
    """Each change with what undoes it."""
    for template, content in found.templates.items():
        for path in list(places(content, ())):
            if not of_interest(template, path):
                continue
            holder, key, value = at(content, path[:-1]), path[-1], at(content, path)
            where = f"{template}: {'/'.join(map(str, path))}"
            if not isinstance(value, dict | list):
                yield (
                    f"{where} changed",
                    lambda _, h=holder, k=key, v=value: h.__setitem__(k, other(v)),
                    lambda _, h=holder, k=key, v=value: h.__setitem__(k, v),
                )
            if isinstance(holder, dict) and "Fn::" not in str(key) and key != "Ref":
                whole = dict(holder)
                yield (
                    f"{where} left out",
                    lambda _, h=holder, k=key: h.__delitem__(k),
                    lambda _, h=holder, w=whole: (h.clear(), h.update(w)),
                )


def noticed(found: Files) -> bool:
    # Most is seen where everything is switched on, so that is asked first.
    choices = sorted(CHOICES, key=lambda choice: choice != "everything")
    return any(consistency.problems(found, [choice]) for choice in choices)


def share(first: int, of: int) -> tuple[list[str], int, set[str]]:
    """Every `of`-th value, beginning with number `first`: what was missed, how many there were, what changes nothing."""
    missed, counted, same = [], 0, set()
    found = files()
    for what, change, undo in itertools.islice(everywhere(found), first, None, of):
        change(found)
        if what in SAME:
            same.add(what)
        elif not noticed(found):
            missed.append(what)
        undo(found)
        counted += what not in SAME
    return missed, counted, same


def main() -> None:
    missed = []
    for what, change in WRITTEN.items():
        changed = files()
        change(changed)
        if not noticed(changed):
            missed.append(what)
    counted, same = 0, set()
    workers = os.cpu_count() or 1
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        for own_missed, own_counted, own_same in pool.map(share, range(workers), [workers] * workers):
            missed.extend(own_missed)
            counted += own_counted
            same |= own_same
    missed.extend(f"{what}, which is not there any more" for what in sorted(SAME - same))
    if missed:
        sys.exit("changes of infra/ that consistency.py does not notice:\n" + "\n".join(missed))
    print(f"{len(WRITTEN)} deliberate changes of infra/, and {counted} of its values one by one: each is noticed")


if __name__ == "__main__":
    main()

"""infra/ says what the code says: steps, events, variables, times, error names, permissions."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import jsonata
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
FAILED = "OrgProvisioningFailed"
PROBLEMS: list[str] = []

# What a call needs. HeadObject tells that an object is missing only to who may list.
ACTIONS = {
    "events:DescribeEventBus": ["events:DescribeEventBus"],
    "events:PutEvents": ["events:PutEvents"],
    "iam:CreateAccessKey": ["iam:CreateAccessKey"],
    "iam:CreateUser": ["iam:CreateUser", "iam:TagUser"],
    "iam:DeleteAccessKey": ["iam:DeleteAccessKey"],
    "iam:GetAccessKeyLastUsed": ["iam:GetAccessKeyLastUsed"],
    "iam:GetUser": ["iam:GetUser"],
    "iam:ListAccessKeys": ["iam:ListAccessKeys"],
    "s3:CreateBucket": ["s3:CreateBucket", "s3:PutBucketOwnershipControls", "s3:TagResource"],
    "s3:GetBucketOwnershipControls": ["s3:GetBucketOwnershipControls"],
    "s3:GetBucketPolicy": ["s3:GetBucketPolicy"],
    "s3:GetBucketTagging": ["s3:GetBucketTagging"],
    "s3:GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
    "s3:HeadObject": ["s3:GetObject", "s3:ListBucket"],
    "s3:ListBuckets": ["s3:ListAllMyBuckets"],
    "s3:PutBucketOwnershipControls": ["s3:PutBucketOwnershipControls"],
    "s3:PutBucketPolicy": ["s3:PutBucketPolicy"],
    "s3:PutObject": ["s3:PutObject"],
    "s3:PutPublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
    "s3control:GetPublicAccessBlock": ["s3:GetAccountPublicAccessBlock"],
    "secretsmanager:CreateSecret": [
        "kms:Decrypt", "kms:GenerateDataKey", "secretsmanager:CreateSecret", "secretsmanager:TagResource",
    ],
    "secretsmanager:DescribeSecret": ["secretsmanager:DescribeSecret"],
    "secretsmanager:GetSecretValue": ["kms:Decrypt", "secretsmanager:GetSecretValue"],
    "secretsmanager:PutSecretValue": ["kms:Decrypt", "kms:GenerateDataKey", "secretsmanager:PutSecretValue"],
    "sqs:ChangeMessageVisibility": ["sqs:ChangeMessageVisibility"],
    "sqs:SendMessage": ["sqs:SendMessage"],
}  # fmt: skip
# What Lambda itself needs for every step, and what a step needs only when something goes wrong.
EVERY_STEP = {
    "logs:CreateLogStream", "logs:PutLogEvents", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage",
    "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
}  # fmt: skip


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms as the long ones."""


def short_form(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", short_form)


def equal(actual: object, expected: object, what: str) -> None:
    if actual != expected:
        PROBLEMS.append(f"{what}: infra has {actual}, the code {expected}")


def holds(condition: bool, what: str) -> None:
    if not condition:
        PROBLEMS.append(what)


def source(path: str) -> str:
    return (ROOT / path).read_text()


def steps() -> dict[str, tuple[list[str], str]]:
    """Every registered step: its triggers and its completion."""
    found = {}
    for crate in re.findall(r"register::<(\w+)::", source("cli/src/registry.rs")):
        code = source(f"functions/{crate.replace('_', '-')}/src/lib.rs")
        spec = re.search(r'StepSpec\s*\{\s*name: "([^"]+)",\s*triggers: &\[([^]]*)\],\s*completion: "(\w+)"', code)
        assert spec, f"{crate} has no SPEC that can be read"
        triggers = [text.strip().strip('"') for text in spec[2].split(",") if text.strip()]
        found[spec[1]] = ([trigger.replace("OrgCreated::DETAIL_TYPE", "OrgCreated") for trigger in triggers], spec[3])
    return found


def codes() -> dict[str, list[str]]:
    """The error codes of each class."""
    body = re.search(r"pub fn class.*?\n    \}\n", source("shared/contract/src/error.rs"), re.S)
    assert body
    classes: dict[str, list[str]] = {}
    for arms, name in re.findall(r"((?:Self::\w+\s*\|?\s*)+)=> ErrorClass::(\w+)", body[0]):
        kebab = [re.sub(r"(?<!^)(?=[A-Z])", "-", code).lower() for code in re.findall(r"Self::(\w+)", arms)]
        classes[name] = kebab
    return classes


def calls(step: str) -> list[str]:
    """What the step was seen to call in its own name: tests/proof/tests/calls.rs records it."""
    recorded: dict[str, list[str]] = json.loads(source("tests/golden/calls.json"))
    return recorded[step]


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for policy in role["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            # A statement that depends on a parameter counts.
            found.append(statement["Fn::If"][1] if "Fn::If" in statement else statement)
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def check_steps(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    functions = [name for name, found in resources.items() if found["Type"] == "AWS::Serverless::Function"]
    names = ["".join(part.capitalize() for part in step.split("-")) for step in steps()]
    equal(functions, [f"{name}Function" for name in names], "the functions")
    commands = {"Fn::Join": [",", {"Ref": "CommandSources"}]}
    completions = {completion for _, completion in steps().values()}
    for name, (step, (triggers, completion)) in zip(names, steps().items(), strict=True):
        physical = f"org-provisioning-{step}"
        equal(resources[f"{name}Function"]["Properties"]["FunctionName"], physical, f"{step}: the function's name")
        code = f"../target/lambda/{step}/"
        equal(resources[f"{name}Function"]["Properties"]["CodeUri"], code, f"{step}: the function's code")
        equal(resources[f"{name}Queue"]["Properties"]["QueueName"], physical, f"{step}: the queue's name")
        dead_letters = resources[f"{name}DeadLetterQueue"]["Properties"]["QueueName"]
        equal(dead_letters, f"{physical}-dlq", f"{step}: the dead-letter queue's name")
        pattern = resources[f"{name}Rule"]["Properties"]["EventPattern"]
        equal(pattern["detail-type"], triggers, f"{step}: the rule's detail types")
        if set(triggers) <= completions:
            equal(pattern["source"], ["org-provisioner"], f"{step}: the rule's source")
        else:
            holds(str(commands) in str(pattern["source"]), f"{step}: the rule does not hear CommandSources")
        granted = statements(resources[f"{name}Role"])
        actions = [action for statement in granted for action in as_list(statement["Action"])]
        holds(not any("*" in action for action in actions), f"{step}: the role has a wildcard in an action")
        used = {action for call in calls(step) for action in ACTIONS[call]}
        equal(sorted(set(actions)), sorted(used | EVERY_STEP), f"{step}: the role's actions")
        types = [s["Condition"]["ForAllValues:StringEquals"]["events:detail-type"] for s in granted if s["Sid"] == "Events"]
        equal(types, [[completion, FAILED]], f"{step}: the events that the role may put")


def check_environment(template: dict[str, Any]) -> None:
    code = source("shared/handler/src/environment.rs")
    declared = dict(re.findall(r'optional\(\s*"(\w+)",\s*"([^"]*)"', code))
    required = re.findall(r'required\(\s*"(\w+)"', code)
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    own = template["Resources"]["SecretFunction"]["Properties"]["Environment"]["Variables"]
    equal(sorted(shared | own), sorted([*declared, *required]), "the environment variables")
    for variable, default in declared.items():
        reference = shared.get(variable)
        if isinstance(reference, dict) and reference.get("Ref") in template["Parameters"]:
            equal(str(template["Parameters"][reference["Ref"]]["Default"]), default, f"the default of {variable}")
    equal(shared.get("EVENT_BUS_NAME"), {"Ref": "Bus"}, "EVENT_BUS_NAME")
    equal(template["Resources"]["Bus"]["Properties"]["Name"], declared["EVENT_BUS_NAME"], "the bus's name")
    equal(template["Parameters"]["CommandSources"]["Default"], declared["ALLOWED_SOURCES"], "the command's sources")


def check_times(template: dict[str, Any]) -> None:
    def seconds(name: str, path: str) -> int:
        found = re.search(rf"{name}: Duration = Duration::from_secs\((\d+)\)", source(path))
        assert found, name
        return int(found[1])

    parameters = template["Parameters"]
    timeout, visibility = parameters["FunctionTimeout"], parameters["VisibilityTimeout"]
    receives, grace = parameters["MaxReceiveCount"]["MinValue"], parameters["KeyGraceSeconds"]
    delay = seconds("SMALLEST_DELAY", "shared/handler/src/backoff.rs")
    smallest = seconds("SMALLEST_KEY_GRACE", "shared/handler/src/environment.rs")
    store = "functions/secret/src/store.rs"
    slack = seconds("CLIENT_TIMEOUT", store) + seconds("READ_LAG", store)
    holds(visibility["MinValue"] >= 6 * timeout["MaxValue"], "VisibilityTimeout can be below six times the timeout")
    holds((receives - 1) * delay > 2 * grace["MaxValue"], "the receives can run out before twice the key grace")
    holds(grace["MinValue"] >= smallest, "KeyGraceSeconds can be below what the handler takes")
    holds(timeout["MaxValue"] + slack <= grace["MinValue"], "a function can run for longer than the key grace")
    least = seconds("TIME_TO_CREATE_AND_STORE", store)
    holds(timeout["MinValue"] > least, "FunctionTimeout can be too short to make a key")


def check_machine(template: dict[str, Any]) -> None:
    text = source("infra/state-machine.asl.json")
    machine, classes = json.loads(text), codes()
    start = machine["States"][machine["StartAt"]]["Choices"][0]["Assign"]
    equal(start["retryable"], classes["Retryable"], "the state machine's retryable codes")
    told = classes["Conflict"] + classes["Permanent"]
    equal(start["told"], told, "the codes that functions tell of themselves")
    tasks = [state for state in states(machine) if state.get("Resource", "").endswith(":lambda:invoke")]
    equal(len(tasks), len(steps()), "the number of tasks")
    for task in tasks:
        equal(task["Retry"][0]["ErrorEquals"], classes["Retryable"], f"what {task['Arguments']} retries")
    equal([c["Output"]["step"] for task in tasks for c in task["Catch"]], list(steps()), "the steps of the tasks")
    given = template["Resources"]["StateMachine"]["Properties"]["DefinitionSubstitutions"]
    equal(sorted(given), sorted(set(re.findall(r"\$\{(\w+)\}", text))), "the definition's substitutions")


def states(machine: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for state in machine["States"].values():
        found.append(state)
        for inner in [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]:
            found.extend(states(inner))
    return found


def check_jsonata(value: Any, where: str) -> int:
    """The JSONata in a definition can be parsed; the validators take it for text."""
    if isinstance(value, dict):
        return sum(check_jsonata(inner, f"{where}/{name}") for name, inner in value.items())
    if isinstance(value, list):
        return sum(check_jsonata(inner, f"{where}/{number}") for number, inner in enumerate(value))
    if not (isinstance(value, str) and value.startswith("{%")):
        return 0
    try:
        jsonata.Jsonata(value[2:-2].strip())
    except Exception as error:  # noqa: BLE001: the package has no one kind of error
        PROBLEMS.append(f"{where}: {error}")
    return 1


def main() -> None:
    template = yaml.load(source("infra/template.yaml"), Loader)  # noqa: S506: a SafeLoader
    check_steps(template)
    check_environment(template)
    check_times(template)
    check_machine(template)
    machines = ("state-machine.asl.json", "sbt.asl.json")
    parsed = [check_jsonata(json.loads(source(f"infra/{name}")), name) for name in machines]
    for problem in PROBLEMS:
        print(problem)
    if PROBLEMS:
        sys.exit(1)
    print(f"infra/ agrees with the code; {sum(parsed)} JSONata expressions can be parsed")


if __name__ == "__main__":
    main()

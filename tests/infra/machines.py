"""The state machines: their error names, tasks, references and JSONata."""

import json
import re
from functools import cache
from typing import Any

import jsonata
from cloudformation import arn
from rust import codes, lifecycle, logical, provisioning, steps
from view import View

LAMBDA_ERRORS = [
    "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException", "Lambda.TooManyRequestsException",
]  # fmt: skip
CRASHES = ["Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout"]


def states(machine: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for state in machine["States"].values():
        found.append(state)
        for inner in [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]:
            found.extend(states(inner))
    return found


def retry(names: list[str], first: int, most: int, tries: int) -> dict[str, Any]:
    waits = {"IntervalSeconds": first, "BackoffRate": 2, "MaxDelaySeconds": most, "MaxAttempts": tries}
    return {"ErrorEquals": names, **waits, "JitterStrategy": "FULL"}


def check_definition(view: View) -> None:
    machine, classes = view.files.machines["state-machine"], codes()
    start = machine["States"][machine["StartAt"]]["Choices"][0]["Assign"]
    view.equal(start["retryable"], classes["Retryable"], "the state machine's retryable codes")
    told = classes["Conflict"] + classes["Permanent"]
    view.equal(start["told"], told, "the codes that functions tell of themselves")
    for step, task in check_tasks(view, machine, provisioning()):
        caught = [(catch["ErrorEquals"], catch["Output"]["step"]) for catch in task["Catch"]]
        view.equal(caught, [(["States.ALL"], step)], f"{step}: what the state machine catches")


def check_tasks(view: View, machine: dict[str, Any], of: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Each step with its task, of which what all tasks have in common is checked."""
    tasks = [state for state in states(machine) if state.get("Resource", "").endswith(":lambda:invoke")]
    retryable = codes()["Retryable"]
    retries = [retry(retryable, 30, 900, 12), retry(LAMBDA_ERRORS, 2, 60, 8), retry(CRASHES, 30, 900, 3)]
    found = list(zip(of, tasks, strict=True))
    for step, task in found:
        function = f"${{{logical(step)}Function}}"
        arguments = {"FunctionName": function, "Payload": "{% $request %}"}
        view.equal(task["Arguments"], arguments, f"{step}: what the state machine asks of it")
        view.equal(task["Retry"], retries, f"{step}: what the state machine tries again")
        view.holds(
            "$sift" in task["Output"] and "'request'" in task["Output"], f"{step}: the answer carries its request"
        )
    return found


def check_lifecycle(view: View) -> None:
    """A command is told by its detail type, and starts its own step."""
    machine, classes = view.files.machines["lifecycle"], codes()
    choices = machine["States"][machine["StartAt"]]["Choices"]
    for step, choice in zip(lifecycle(), choices, strict=True):
        (command,) = steps()[step][0]
        expected = f"{{% $states.input.'detail-type' = '{command}' and $type($states.input.detail.orgId) = 'string' %}}"
        view.equal(choice["Condition"], expected, f"{step}: the command that starts it")
        view.equal((choice["Assign"]["step"], choice["Next"]), (step, logical(step)), f"{step}: what follows")
        view.equal(choice["Assign"]["retryable"], classes["Retryable"], f"{step}: the retryable codes")
        told = classes["Conflict"] + classes["Permanent"]
        view.equal(choice["Assign"]["told"], told, f"{step}: the codes that functions tell of themselves")
    for step, task in check_tasks(view, machine, lifecycle()):
        view.holds(machine["States"].get(logical(step)) is task, f"{step}: its task has another name")
        caught = [(catch["ErrorEquals"], catch["Next"]) for catch in task["Catch"]]
        view.equal(caught, [(["States.ALL"], "Is told")], f"{step}: what the state machine catches")


def check_resource(view: View, file: str, name: str, resource: str, of: list[str]) -> None:
    text = json.dumps(view.files.machines[file])
    group = f"/aws/vendedlogs/states/{name}"
    logs = {"LogGroupArn": arn("logs", f"log-group:{group}:*")}
    substitutions = {"Partition": "aws", "BusName": "org-provisioning"}
    substitutions |= {
        f"{logical(step)}Function": arn("lambda", f"function:org-provisioning-{step}") for step in of
    }
    view.equal(sorted(substitutions), sorted(set(re.findall(r"\$\{(\w+)\}", text))), "what the definition refers to")
    expected = {
        "Name": name,
        "Type": "STANDARD",
        "DefinitionUri": f"{file}.asl.json",
        "DefinitionSubstitutions": substitutions,
        "Role": arn("iam", f"role/org-provisioner-{resource}Role"),
        "Logging": {
            "Level": "ERROR",
            "IncludeExecutionData": False,
            "Destinations": [{"CloudWatchLogsLogGroup": logs}],
        },
        "Tracing": {"Enabled": view.tracing},
    }
    view.has(view.main, resource, "AWS::Serverless::StateMachine", expected)
    kept = {"LogGroupName": group, "RetentionInDays": view.values["LogRetentionDays"]}
    view.has(view.main, f"{resource}LogGroup", "AWS::Logs::LogGroup", kept)


def check_retirement(view: View) -> None:
    """The state machine that waits for the end of an overlap."""
    machine, retryable = view.files.machines["retirement"], codes()["Retryable"]
    states_of, begin = machine["States"], machine["States"][machine["StartAt"]]
    view.equal((machine["StartAt"], list(states_of)), ("Rotated", ["Rotated", "Overlap", "Retire"]), "its states")
    event = "$states.input.detail"
    asked = f"{{% {{'orgId': {event}.orgId, 'action': 'retireKey', 'token': {event}.request.token}} %}}"
    view.equal((begin["Assign"], begin["Next"]), ({"key": asked}, "Overlap"), "what a retirement is about")
    wait, task = dict(states_of["Overlap"]), states_of["Retire"]
    wait.pop("Comment", None)
    overlap = "{% $number('${OverlapSeconds}') + 60 %}"
    view.equal(wait, {"Type": "Wait", "Seconds": overlap, "Next": "Retire"}, "how long a retirement waits")
    view.equal(task["Arguments"], {"FunctionName": "${RotateFunction}", "Payload": "{% $key %}"}, "what retires a key")
    sooner = [code for code in retryable if code != "in-progress"]
    tries = [retry(sooner, 60, 3600, 12), retry(LAMBDA_ERRORS + CRASHES, 60, 3600, 12)]
    view.equal(task["Retry"], tries, "what a retirement tries again")
    passing = ["in-progress", "org-not-active", "stored-key-inactive", "access-denied"]
    later = [{"ErrorEquals": passing, "Next": "Overlap"}]
    view.equal((task["Catch"], task["End"]), (later, True), "what a retirement waits for")
    group, name = "/aws/vendedlogs/states/org-provisioning-retirement", "org-provisioning-retirement"
    expected = {
        "Name": name,
        "Type": "STANDARD",
        "DefinitionUri": "retirement.asl.json",
        "DefinitionSubstitutions": {
            "Partition": "aws",
            "OverlapSeconds": view.values["KeyOverlapSeconds"],
            "RotateFunction": arn("lambda", "function:org-provisioning-rotate"),
        },
        "Role": arn("iam", "role/org-provisioner-RetirementRole"),
        "Logging": {
            "Level": "ERROR",
            "IncludeExecutionData": False,
            "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": arn("logs", f"log-group:{group}:*")}}],
        },
        "Tracing": {"Enabled": view.tracing},
    }
    view.has(view.main, "Retirement", "AWS::Serverless::StateMachine", expected)
    kept = {"LogGroupName": group, "RetentionInDays": view.values["LogRetentionDays"]}
    view.has(view.main, "RetirementLogGroup", "AWS::Logs::LogGroup", kept)


def expressions(value: Any, where: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [found for name, inner in value.items() for found in expressions(inner, f"{where}/{name}")]
    if isinstance(value, list):
        return [found for number, inner in enumerate(value) for found in expressions(inner, f"{where}/{number}")]
    return [(where, value[2:-2].strip())] if isinstance(value, str) and value.startswith("{%") else []


@cache
def parsed(expression: str) -> str | None:
    """Why it is no JSONata; the validators take it for text."""
    try:
        jsonata.Jsonata(expression)
    except Exception as error:  # noqa: BLE001: the package has no one kind of error
        return str(error)
    return None


def check(view: View) -> None:
    check_definition(view)
    check_lifecycle(view)
    check_retirement(view)
    check_resource(view, "state-machine", "org-provisioning", "StateMachine", provisioning())
    check_resource(view, "lifecycle", "org-provisioning-lifecycle", "LifecycleMachine", lifecycle())
    for name, machine in view.files.machines.items():
        for where, expression in expressions(machine, name):
            error = parsed(expression)
            view.holds(error is None, f"{where}: {error}")

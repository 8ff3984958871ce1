"""Parameters, environment variables and times: what the template offers, what the code reads, what the page says."""

import re
from typing import Any

from cloudformation import arn, canonical
from rust import number, seconds, source, variables
from view import View

FOURTEEN_DAYS, A_WEEK = 14 * 86400, 7 * 86400
# Texts that a parameter takes and texts that it refuses, for each rule that the code has too.
EXAMPLES = {
    "ExpectedAccountId": (["123456789012"], ["12345678901", "1234567890123", "12345678901a", ""]),
    "UserPrefix": (["rms_", "a", "A+=,.@-_9", "x" * 12], ["", "x" * 13, "a/b", "ä"]),
    "BucketPrefix": (["fusion-rms-", "a", "9-"], ["", "-a", "A", "a_b", "a.b", "x" * 12]),
    "SecretNameTemplate": (["fusion-rms/{orgid}/aws", "{orgid}"], ["", "fusion-rms/aws", "{orgid}{orgid} ", "{org}"]),
    "TagKey": (["OrgId", "a b:/=+-@_.", "x" * 128], ["", "x" * 129, "a#"]),
    "SweepSchedule": (["rate(1 day)", "cron(0 6 ? * MON-FRI *)"], ["", "daily", "rate()", "at(2026-11-30T06:00:00)"]),
    "KmsKeyArn": (
        ["", "arn:aws:kms:us-east-1:123456789012:key/1-a", "arn:aws-cn:kms:cn-north-1:123456789012:key/a"],
        ["alias/x", "arn:aws:kms:us-east-1:123456789012:alias/x", "arn:aws:kms:us-east-1:12:key/1"],
    ),
}
LISTS = ("CommandSources", "ProducerAccountIds")
# What CloudWatch Logs takes (CloudWatch Logs API reference, PutRetentionPolicy), from a day to ten years.
RETENTIONS = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]  # fmt: skip
CHOICES = {
    "AccountClass": ["production", "non-production"],
    "Delivery": ["queues", "direct"],
    "Architecture": ["arm64", "x86_64"],
    "EnableArchive": ["true", "false"],
    "EnableTracing": ["true", "false"],
    "EnableKeyRotation": ["true", "false"],
    "EnableSweep": ["true", "false"],
    "RepairDrift": ["true", "false"],
}


def check_environment(view: View) -> None:
    values, known = view.values, variables()
    functions = view.main.resolve(view.main.template["Globals"]["Function"])
    expected = {
        "EXPECTED_ACCOUNT_ID": values["ExpectedAccountId"],
        "ACCOUNT_CLASS": values["AccountClass"],
        "EVENT_BUS_NAME": "org-provisioning",
        "ALLOWED_SOURCES": ",".join(view.sources),
        "USER_PREFIX": values["UserPrefix"],
        "BUCKET_PREFIX": values["BucketPrefix"],
        "SECRET_NAME_TEMPLATE": values["SecretNameTemplate"],
        "TAG_KEY": values["TagKey"],
        "KMS_KEY_ID": values["KmsKeyArn"],
        "KEY_GRACE_SECONDS": values["KeyGraceSeconds"],
        "KEY_OVERLAP_SECONDS": values["KeyOverlapSeconds"],
        "ROTATION_DAYS": values["KeyRotationDays"],
        "ROTATION_FUNCTION_ARN": arn("lambda", "function:org-provisioning-rotate") if view.rotation else "",
        "MAX_RECEIVE_COUNT": values["MaxReceiveCount"],
        "SECRET_RECOVERY_DAYS": values["SecretRecoveryDays"],
        "RECONCILE_REPAIR": values["RepairDrift"],
        "CAPACITY_WARNING_PERCENT": values["CapacityWarningPercent"],
        "BUCKET_LIMIT": values["BucketLimit"],
    }
    view.equal(functions.pop("Environment"), {"Variables": expected}, "the functions' variables")
    # Each function has its own beside these, see wiring.py.
    view.equal(sorted([*expected, "DEAD_LETTER_QUEUE_URL"]), sorted(known), "the variables that the code reads")
    reserved = {"ReservedConcurrentExecutions": values["ReservedConcurrency"]} if values["ReservedConcurrency"] else {}
    shared = {
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Architectures": [values["Architecture"]],
        "MemorySize": values["MemorySize"],
        "Timeout": values["FunctionTimeout"],
        "Tracing": "Active" if view.tracing else "PassThrough",
        **reserved,
    }
    view.equal(functions, shared, "what functions have in common")
    by_reference = view.main.template["Globals"]["Function"]["Environment"]["Variables"]["EVENT_BUS_NAME"]
    view.equal(by_reference, {"Ref": "Bus"}, "EVENT_BUS_NAME, by which functions go before the bus")
    if view.choice == "defaults":
        for name, default in known.items():
            # Without a deployment there is no function to rotate with.
            if default is not None and name != "ROTATION_FUNCTION_ARN":
                view.equal(str(expected[name]), default, f"the default of {name}")


def check_times(view: View) -> None:
    parameters = view.main.template["Parameters"]
    timeout, visibility = parameters["FunctionTimeout"], parameters["VisibilityTimeout"]
    receives, grace = parameters["MaxReceiveCount"], parameters["KeyGraceSeconds"]
    backoff, store = "shared/handler/src/backoff.rs", "shared/aws/src/new_keys.rs"
    smallest_grace = seconds("SMALLEST_KEY_GRACE", "shared/handler/src/environment.rs")
    slack = seconds("CLIENT_TIMEOUT", store) + seconds("READ_LAG", store)
    delay, longest = seconds("SMALLEST_DELAY", backoff), seconds("LARGEST_DELAY", backoff)
    least = seconds("TIME_TO_CREATE_AND_STORE", store)
    view.holds(
        visibility["MinValue"] >= 6 * timeout["MaxValue"], "VisibilityTimeout can be below six times the timeout"
    )
    early = number("EARLY_TRIES", backoff)
    outlasts = (receives["MinValue"] - 1 - early) * delay > 2 * grace["MaxValue"]
    view.holds(outlasts, "the receives can run out before twice the key grace")
    view.holds(grace["MinValue"] >= smallest_grace, "KeyGraceSeconds can be below what the handler takes")
    view.holds(timeout["MaxValue"] + slack <= grace["MinValue"], "a function can run for longer than the key grace")
    view.holds(timeout["MinValue"] > least, "FunctionTimeout can be too short to make a key")
    overlap = parameters["KeyOverlapSeconds"]
    least_overlap = seconds("SMALLEST_KEY_OVERLAP", "shared/handler/src/environment.rs")
    view.equal(overlap["MinValue"], least_overlap, "the least KeyOverlapSeconds")
    view.holds(overlap["MaxValue"] <= 44 * 86400, "KeyOverlapSeconds can be more than what the handler takes")
    days = parameters["KeyRotationDays"]["MinValue"] * 86400
    view.holds(2 * overlap["MaxValue"] < days, "the longest overlap does not fit between the most frequent rotations")
    tried = receives["MaxValue"] * max(visibility["MaxValue"], longest)
    view.holds(tried <= FOURTEEN_DAYS - A_WEEK, "a message can be tried until SQS forgets it")
    for name, parameter in parameters.items():
        default = parameter.get("Default")
        if parameter["Type"] == "Number" and "MinValue" in parameter:
            inside = parameter["MinValue"] <= default <= parameter.get("MaxValue", default)
            view.holds(inside, f"the default of {name} is not within its bounds")
        if "AllowedValues" in parameter and default is not None:
            view.holds(default in parameter["AllowedValues"], f"the default of {name} is none of its values")


def check_rules(view: View) -> None:
    parameters = view.main.template["Parameters"]
    for name, (good, bad) in EXAMPLES.items():
        pattern = parameters[name].get("AllowedPattern", "")
        view.equal([text for text in good if not re.fullmatch(pattern, text)], [], f"{name} refuses")
        view.equal([text for text in bad if re.fullmatch(pattern, text)], [], f"{name} takes")
    environments = re.findall(r'Self::\w+ => "([a-z]+)"', source("shared/org/src/environment.rs"))
    for name, choices in {**CHOICES, "SbtEnvironment": list(dict.fromkeys(environments))}.items():
        view.equal(sorted(parameters[name]["AllowedValues"]), sorted(choices), f"the values of {name}")
    view.equal(parameters["LogRetentionDays"]["AllowedValues"], RETENTIONS, "the values of LogRetentionDays")
    for name, template in view.files.templates.items():
        for parameter, found in template.get("Parameters", {}).items():
            number = isinstance(parameters[parameter].get("Default"), int) if parameter in parameters else False
            kind = "CommaDelimitedList" if parameter in LISTS else "Number" if number else "String"
            view.equal(found["Type"], kind, f"{name}: the type of {parameter}")
            if parameter in CHOICES:
                view.equal(found.get("AllowedValues"), CHOICES[parameter], f"{name}: the values of {parameter}")
    for name in ("ExpectedAccountId", "AccountClass"):
        view.holds("Default" not in parameters[name], f"{name} has a default, and must be asked for")


def table(page: str) -> dict[str, tuple[str, str]]:
    """The page's parameters: what it says of the default, and of the meaning."""
    found: dict[str, tuple[str, str]] = {}
    section = page.split("## Parameters")[1].split("\n## ")[0]
    for names, defaults, meaning in re.findall(r"^\| (`[^|]+) \| ([^|]+) \| ([^|]*)\|$", section, re.M):
        listed, each = re.findall(r"`(\w+)`", names), [text.strip().strip("`") for text in defaults.split(", ")]
        found |= {name: (default, meaning) for name, default in zip(listed, each, strict=True)}
    return found


def check_page(view: View) -> None:
    parameters, said = view.main.template["Parameters"], table(view.files.page)
    view.equal(sorted(said.keys() ^ parameters.keys()), [], "parameters that docs/deploy.md or the template lacks")
    for name in sorted(said.keys() & parameters.keys()):
        parameter, (default, meaning) = parameters[name], said[name]
        spoken = {"(required)": None, "(none)": ""}.get(default, default)
        actual = parameter.get("Default")
        view.equal(spoken, None if actual is None else str(actual), f"docs/deploy.md: the default of {name}")
        if parameter["Type"] == "Number" and "AllowedValues" not in parameter:
            least, most = parameter["MinValue"], parameter.get("MaxValue")
            bounds = f"{least} to {most}" if most is not None else f"{least} and more"
            view.holds(bounds in meaning, f"docs/deploy.md does not say that {name} is {bounds}")


def check_outputs(view: View) -> None:
    found: dict[str, Any] = view.main.template["Outputs"]
    values = {name: view.main.resolve(output["Value"]) for name, output in found.items()}
    expected = {
        "EventBusName": "org-provisioning",
        "EventBusArn": "arn:aws:events:us-east-1:123456789012:event-bus/org-provisioning",
        "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:org-provisioning",
        "LifecycleMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:org-provisioning-lifecycle",
        "UndeliveredQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/org-provisioning-undelivered",
    }
    view.equal(canonical(values), canonical(expected), "the outputs")


def check(view: View) -> None:
    check_environment(view)
    check_times(view)
    check_rules(view)
    check_page(view)
    check_outputs(view)

"""Who may do what: each role has what its step was seen to call, on resources of our names, and nothing else."""

from typing import Any

from cloudformation import ACCOUNT, REGION, Stack, arn, canonical
from rust import (
    FAILED, SOURCE, calls, checks_later, completions, functions, lifecycle, logical, provisioning, sends_to, steps,
)  # fmt: skip
from view import View

BUS = arn("events", "event-bus/org-provisioning")
# What a call needs. HeadObject tells that an object is missing only to who may list.
ACTIONS = {
    "events:DescribeEventBus": ["events:DescribeEventBus"],
    "events:PutEvents": ["events:PutEvents"],
    "iam:CreateAccessKey": ["iam:CreateAccessKey"],
    "iam:CreateUser": ["iam:CreateUser", "iam:TagUser"],
    "iam:DeactivateMFADevice": ["iam:DeactivateMFADevice"],
    "iam:DeleteAccessKey": ["iam:DeleteAccessKey"],
    "iam:DeleteLoginProfile": ["iam:DeleteLoginProfile"],
    "iam:DeleteSSHPublicKey": ["iam:DeleteSSHPublicKey"],
    "iam:DeleteServiceSpecificCredential": ["iam:DeleteServiceSpecificCredential"],
    "iam:DeleteSigningCertificate": ["iam:DeleteSigningCertificate"],
    "iam:DeleteUser": ["iam:DeleteUser"],
    "iam:DeleteUserPolicy": ["iam:DeleteUserPolicy"],
    "iam:DetachUserPolicy": ["iam:DetachUserPolicy"],
    "iam:GetAccessKeyLastUsed": ["iam:GetAccessKeyLastUsed"],
    "iam:GetAccountSummary": ["iam:GetAccountSummary"],
    "iam:GetLoginProfile": ["iam:GetLoginProfile"],
    "iam:GetUser": ["iam:GetUser"],
    "iam:ListAccessKeys": ["iam:ListAccessKeys"],
    "iam:ListAttachedUserPolicies": ["iam:ListAttachedUserPolicies"],
    "iam:ListGroupsForUser": ["iam:ListGroupsForUser"],
    "iam:ListMFADevices": ["iam:ListMFADevices"],
    "iam:ListSSHPublicKeys": ["iam:ListSSHPublicKeys"],
    "iam:ListServiceSpecificCredentials": ["iam:ListServiceSpecificCredentials"],
    "iam:ListSigningCertificates": ["iam:ListSigningCertificates"],
    "iam:ListUserPolicies": ["iam:ListUserPolicies"],
    "iam:ListUsers": ["iam:ListUsers"],
    "iam:RemoveUserFromGroup": ["iam:RemoveUserFromGroup"],
    "iam:TagUser": ["iam:TagUser"],
    "iam:UpdateAccessKey": ["iam:UpdateAccessKey"],
    "s3:CreateBucket": ["s3:CreateBucket", "s3:PutBucketOwnershipControls", "s3:TagResource"],
    "s3:DeleteObjects": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
    "s3:GetBucketOwnershipControls": ["s3:GetBucketOwnershipControls"],
    "s3:GetBucketPolicy": ["s3:GetBucketPolicy"],
    "s3:GetBucketTagging": ["s3:GetBucketTagging"],
    "s3:GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
    "s3:HeadObject": ["s3:GetObject", "s3:ListBucket"],
    "s3:ListBuckets": ["s3:ListAllMyBuckets"],
    "s3:ListObjectVersions": ["s3:ListBucketVersions"],
    "s3:PutBucketOwnershipControls": ["s3:PutBucketOwnershipControls"],
    "s3:PutBucketTagging": ["s3:PutBucketTagging"],
    "s3:PutBucketPolicy": ["s3:PutBucketPolicy"],
    "s3:PutObject": ["s3:PutObject"],
    "s3:PutPublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
    "s3control:GetPublicAccessBlock": ["s3:GetAccountPublicAccessBlock"],
    "secretsmanager:CreateSecret": [
        "kms:Decrypt", "kms:GenerateDataKey", "secretsmanager:CreateSecret", "secretsmanager:TagResource",
    ],
    "secretsmanager:DeleteSecret": ["secretsmanager:DeleteSecret"],
    "secretsmanager:DescribeSecret": ["secretsmanager:DescribeSecret"],
    "secretsmanager:GetSecretValue": ["kms:Decrypt", "secretsmanager:GetSecretValue"],
    "secretsmanager:ListSecrets": ["secretsmanager:ListSecrets"],
    "secretsmanager:PutSecretValue": ["kms:Decrypt", "kms:GenerateDataKey", "secretsmanager:PutSecretValue"],
    "secretsmanager:RestoreSecret": ["secretsmanager:RestoreSecret"],
    "secretsmanager:TagResource": ["secretsmanager:TagResource"],
    "secretsmanager:UpdateSecretVersionStage": ["secretsmanager:UpdateSecretVersionStage"],
    "sqs:ChangeMessageVisibility": ["sqs:ChangeMessageVisibility"],
    "sqs:SendMessage": ["sqs:SendMessage"],
    "sqs:SendMessageBatch": ["sqs:SendMessage"],
}  # fmt: skip
TRACES = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
SAMPLING = ["xray:GetSamplingRules", "xray:GetSamplingTargets"]
DELIVERY = [
    "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
]  # fmt: skip
# The only actions that are allowed on everything, each because its service has no narrower resource for it.
ON_EVERYTHING = {
    "s3:ListAllMyBuckets": "is about the account's buckets, not about one",
    "s3:GetAccountPublicAccessBlock": "is about the account's setting",
    "iam:GetAccountSummary": "is about the account",
    "iam:ListUsers": "is about the account's users, not about one",
    "secretsmanager:ListSecrets": "is about the account's secrets, not about one",
    **dict.fromkeys(TRACES + SAMPLING, "X-Ray has no resources for traces"),
    **dict.fromkeys(DELIVERY, "CloudWatch Logs has no resources for the delivery of vended logs"),
}

# What each step of the lifecycle may say of an organization.
STATES: dict[str, Any] = {"suspend": "suspended", "resume": ["resuming", "active"], "offboard": "offboarded"}

Grant = tuple[str, str, str]
"""An action, a resource, and the condition as text."""


def grants(policies: list[dict[str, Any]], view: View, what: str) -> set[Grant]:
    found = set()
    for statement in (statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]):
        plain = (
            set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"} and statement["Effect"] == "Allow"
        )
        view.holds(plain, f"{what}: {statement.get('Sid')} is not a plain permission")
        for action in as_list(statement.get("Action", [])):
            for resource in as_list(statement.get("Resource", [])):
                found.add((action, resource, canonical(statement.get("Condition", {}))))
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def where(action: str, step: str, view: View) -> list[tuple[str, dict[str, Any]]]:
    """On which resources, and under which condition, a step needs an action."""
    values = view.values
    bucket, tags = arn("s3", f"{values['BucketPrefix']}*"), [values["TagKey"], "OrgState"]
    secret = arn("secretsmanager", f"secret:{values['SecretNameTemplate'].replace('{orgid}', '*')}")
    conditions: dict[str, dict[str, Any]] = {
        "events:PutEvents": only_events(SOURCE, *completions(step), FAILED),
        "iam:CreateAccessKey": {"StringEqualsIfExists": {"aws:ResourceTag/OrgState": "active"}},
        "s3:TagResource": {
            "StringEquals": {"aws:RequestTag/OrgState": "active"},
            "ForAllValues:StringEquals": {"aws:TagKeys": tags},
        },
        **dict.fromkeys(
            ("iam:CreateUser", "iam:TagUser"),
            {
                "StringEquals": {
                    "aws:RequestTag/OrgState": "active",
                    "aws:RequestTag/CreatedBy": f"org-provisioner/{REGION}",
                },
                "ForAllValues:StringEquals": {"aws:TagKeys": [*tags, "CreatedBy"]},
            },
        ),
        **dict.fromkeys(
            ("secretsmanager:CreateSecret", "secretsmanager:TagResource"),
            {
                "Null": {"aws:TagKeys": "false"},
                "ForAllValues:StringEquals": {"aws:TagKeys": [values["TagKey"]]},
            },
        ),
        # A forced deletion names no window.
        "secretsmanager:DeleteSecret": {"NumericGreaterThanEquals": {"secretsmanager:RecoveryWindowInDays": "7"}},
        **dict.fromkeys(
            ("kms:Decrypt", "kms:GenerateDataKey"),
            {"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}},
        ),
    }
    if step in STATES:
        conditions["iam:TagUser"] = {
            "StringEquals": {"aws:RequestTag/OrgState": STATES[step]},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["OrgState", "OrgStateSince"]},
        }
    if step == "adopt":
        # The organization's tag and no other: what is adopted is not said to be made by the provisioner.
        conditions["iam:TagUser"] = conditions["secretsmanager:TagResource"]
    service = action.split(":")[0]
    if action in ON_EVERYTHING:
        found = ["*"]
    elif action in ("s3:GetObject", "s3:PutObject"):
        found = [f"{bucket}/pub/"]
    elif action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
        found = [f"{bucket}/*"]
    elif action == "iam:RemoveUserFromGroup":
        found = [arn("iam", "group/*")]
    elif action == "sqs:SendMessage":
        own = [arn("sqs", f"org-provisioning-{step}")] if checks_later(step) else []
        failed = [arn("sqs", "org-provisioning-failed-invocations")] if view.direct and step in steps() else []
        others = [arn("sqs", f"org-provisioning-{other}") for other in sends_to(step)]
        found = [arn("sqs", f"org-provisioning-{step}-dlq"), *own, *failed, *others]
    else:
        found = {
            "events": [BUS],
            "iam": [arn("iam", f"user/{values['UserPrefix']}*")],
            "kms": [values["KmsKeyArn"]] if values["KmsKeyArn"] else [],
            "lambda": [arn("lambda", "function:org-provisioning-rotate")],
            "logs": [arn("logs", f"log-group:/aws/lambda/org-provisioning-{step}:*")],
            "s3": [bucket],
            "secretsmanager": [secret, f"{secret}-??????"],
            "sqs": [arn("sqs", f"org-provisioning-{step}")],
        }[service]
    granted = [(resource, conditions.get(action, {})) for resource in found]
    if (step, action) == ("iam-user", "iam:TagUser"):
        # Beside the tags of a new user: a user that offboarding kept is said to be active again.
        again = {
            "StringEquals": {"aws:RequestTag/OrgState": "active", "aws:ResourceTag/OrgState": ["offboarded", "active"]},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["OrgState"]},
        }
        granted.extend((resource, again) for resource in found)
    return granted


def only_events(source: str, *kinds: str) -> dict[str, Any]:
    return {"ForAllValues:StringEquals": {"events:source": source, "events:detail-type": list(kinds)}}


def check_steps(view: View) -> None:
    for step in functions():
        # What was seen, what Lambda itself needs, and what a step needs only when something goes wrong.
        needed = {action for call in calls(step) for action in ACTIONS[call]}
        needed |= {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:ChangeMessageVisibility", "sqs:SendMessage"}
        needed |= {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
        needed |= set(TRACES) if view.tracing else set()
        # Set where the deployment wants a schedule, which no test of the calls does.
        needed |= {"lambda:InvokeFunction", "secretsmanager:RotateSecret"} if view.rotation and step == "secret" else set()
        expected = {
            (action, resource, canonical(condition))
            for action in needed
            for resource, condition in where(action, step, view)
        }
        check_role(view, view.main, f"{logical(step)}Role", {"Service": "lambda.amazonaws.com"}, {}, expected)


def check_role(
    view: View, stack: Stack, name: str, principal: dict[str, str], trust: dict[str, Any], expected: set[Grant]
) -> None:
    resource = stack.resources().get(name)
    if resource is None or resource["Type"] != "AWS::IAM::Role":
        view.problems.append(f"{name} is no role ({view.choice})")
        return
    role = resource["Properties"]
    names = {"Description", "PermissionsBoundary", "AssumeRolePolicyDocument", "Policies"}
    view.holds(role.keys() <= names, f"{name} has properties beside {sorted(names)}")
    granted = grants(role.get("Policies", []), view, name)
    view.equal(sorted(granted - expected), [], f"{name}: what it may do and does not need")
    view.equal(sorted(expected - granted), [], f"{name}: what it needs and may not do")
    boundary = view.values["PermissionsBoundaryArn"] or None
    view.equal(role.get("PermissionsBoundary"), boundary, f"{name}: its permissions boundary")
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    expected_trust = canonical(
        {"Version": "2012-10-17", "Statement": [statement | ({"Condition": trust} if trust else {})]}
    )
    view.equal(canonical(role.get("AssumeRolePolicyDocument")), expected_trust, f"{name}: who may take it")
    versions = [policy["PolicyDocument"]["Version"] for policy in role.get("Policies", [])]
    view.equal(versions, ["2012-10-17"], f"{name}: its policies' versions")


def check_machines(view: View) -> None:
    tell = canonical(only_events(SOURCE, FAILED))
    states = {"Service": "states.amazonaws.com"}
    machines = {"StateMachineRole": ("org-provisioning", provisioning())}
    machines["LifecycleMachineRole"] = ("org-provisioning-lifecycle", lifecycle())
    for role, (machine, of) in machines.items():
        invoked = {arn("lambda", f"function:org-provisioning-{step}") for step in of}
        expected = {("lambda:InvokeFunction", function, canonical({})) for function in invoked}
        expected |= {("events:PutEvents", BUS, tell)} | on_everything(DELIVERY)
        expected |= on_everything(TRACES + SAMPLING) if view.tracing else set()
        check_role(view, view.main, role, states, started_by(machine), expected)
    retires = {("lambda:InvokeFunction", arn("lambda", "function:org-provisioning-rotate"), canonical({}))}
    expected = retires | on_everything(DELIVERY)
    expected |= on_everything(TRACES + SAMPLING) if view.tracing else set()
    check_role(view, view.main, "RetirementRole", states, started_by("org-provisioning-retirement"), expected)
    begin = {("states:StartExecution", arn("states", "stateMachine:org-provisioning-retirement"), canonical({}))}
    rule = arn("events", "rule/org-provisioning/org-provisioning-retirement")
    here = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": rule}}
    check_role(view, view.main, "RetirementRuleRole", {"Service": "events.amazonaws.com"}, here, begin)
    if not view.sbt:
        return
    sbt = view.nested("sbt", "Sbt")
    commands = canonical(only_events("org-sbt", "OrgCreated"))
    answers = canonical(only_events("sbt.application.plane", "sbt_aws_provisionSuccess", "sbt_aws_provisionFailure"))
    plane = arn("events", f"event-bus/{view.values['SbtEventBusName']}")
    expected = {("events:PutEvents", BUS, commands), ("events:PutEvents", plane, answers)} | on_everything(DELIVERY)
    check_role(view, sbt, "AdapterRole", states, started_by("org-provisioning-sbt"), expected)
    start = {("states:StartExecution", arn("states", "stateMachine:org-provisioning-sbt"), canonical({}))}
    own_account = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    check_role(view, sbt, "RuleRole", {"Service": "events.amazonaws.com"}, own_account, start)


def on_everything(actions: list[str]) -> set[Grant]:
    return {(action, "*", canonical({})) for action in actions}


def started_by(machine: str) -> dict[str, Any]:
    return {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": arn("states", f"stateMachine:{machine}")},
    }


def check(view: View) -> None:
    check_steps(view)
    check_machines(view)

"""Registry, events and names against functions, rules, queues and what joins them."""

from typing import Any

from cloudformation import ACCOUNT, arn, canonical
from rust import COMMAND, FAILED, SOURCE, functions, lifecycle, logical, maintenance, sends_to, steps
from view import View

FOURTEEN_DAYS = 1209600
UNDELIVERED = arn("sqs", "org-provisioning-undelivered")
PER_STEP = (
    "LogGroup", "Role", "Function", "Queue", "DeadLetterQueue", "QueuePolicy", "EventSource", "Rule", "Permission",
)  # fmt: skip
PER_MAINTENANCE = ("LogGroup", "Role", "Function", "Queue", "DeadLetterQueue", "EventSource")
# Who starts them: Secrets Manager, and rules that send to their queues.
STARTED = {"rotate": ("Permission",), "reconcile": ("QueuePolicy", "Rule"), "sweep": ("QueuePolicy", "Rule")}


def url(queue: str) -> str:
    return f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/{queue}"


def allows(service: str, action: str, resource: str, condition: dict[str, Any], sid: str) -> dict[str, Any]:
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement | {"Condition": condition}]}


def check_policy(view: View, name: str, queue: str, expected: dict[str, Any]) -> None:
    policy = view.resources[name]["Properties"]
    view.equal(policy.get("Queues"), [url(queue)], f"{name}: its queue")
    view.equal(canonical(policy.get("PolicyDocument")), canonical(expected), name)


def check_function(view: View, step: str) -> None:
    """What a function has, however it is started."""
    name, own, values = logical(step), f"org-provisioning-{step}", view.values
    queue = arn("sqs", own)
    # What sends messages to its own queue again and again is no loop.
    loops = {"RecursiveLoop": "Allow"} if step in sends_to(step) else {}

    def has(suffix: str, kind: str, expected: dict[str, Any], *texts: str) -> None:
        view.has(view.main, name + suffix, kind, expected, *texts)

    logs = {"LogGroupName": f"/aws/lambda/{own}", "RetentionInDays": values["LogRetentionDays"]}
    has("LogGroup", "AWS::Logs::LogGroup", logs)
    has(
        "Function",
        "AWS::Serverless::Function",
        {
            "FunctionName": own,
            "CodeUri": f"../target/lambda/{step}/",
            "Role": arn("iam", f"role/org-provisioner-{name}Role"),
            "LoggingConfig": {
                "LogFormat": "JSON",
                "LogGroup": f"/aws/lambda/{own}",
                # Not above INFO: the runs' log lines and metrics are on that level. Nothing below it is compiled in.
                "ApplicationLogLevel": "INFO",
            },
            "Environment": {"Variables": {"DEAD_LETTER_QUEUE_URL": url(f"{own}-dlq")}},
            **loops,
        },
        "Description",
    )
    redrive = {"deadLetterTargetArn": f"{queue}-dlq", "maxReceiveCount": values["MaxReceiveCount"]}
    kept = {"MessageRetentionPeriod": FOURTEEN_DAYS, "SqsManagedSseEnabled": True}
    visibility = values["VisibilityTimeout"]
    has(
        "Queue",
        "AWS::SQS::Queue",
        {"QueueName": own, "VisibilityTimeout": visibility, "RedrivePolicy": redrive, **kept},
    )
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [queue]}
    has("DeadLetterQueue", "AWS::SQS::Queue", {"QueueName": f"{own}-dlq", "RedriveAllowPolicy": allow, **kept})
    has(
        "EventSource",
        "AWS::Lambda::EventSourceMapping",
        {
            "FunctionName": own,
            "EventSourceArn": queue,
            "BatchSize": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": values["MaximumConcurrency"]},
        },
    )


def check_step(view: View, step: str, triggers: list[str]) -> None:
    """What starts a step."""
    name, own = logical(step), f"org-provisioning-{step}"
    rule, function, queue = (
        arn("events", f"rule/org-provisioning/{own}"),
        arn("lambda", f"function:{own}"),
        arn("sqs", own),
    )

    def has(suffix: str, kind: str, expected: dict[str, Any], *texts: str) -> None:
        view.has(view.main, name + suffix, kind, expected, *texts)

    from_rule = {"ArnEquals": {"aws:SourceArn": rule}}
    check_policy(
        view, f"{name}QueuePolicy", own, allows("events", "sqs:SendMessage", queue, from_rule, "EventsOfItsRule")
    )
    completions = {completion for _, completion in steps().values()}
    pattern = {"source": [SOURCE] if set(triggers) <= completions else view.sources, "detail-type": triggers}
    target = {"Id": "step", "Arn": function if view.direct else queue, "DeadLetterConfig": {"Arn": UNDELIVERED}}
    expected = {"Name": own, "EventBusName": "org-provisioning", "EventPattern": pattern, "Targets": [target]}
    has("Rule", "AWS::Events::Rule", expected, "Description")
    # What may be delivered before the first event is to be delivered.
    first = [f"{name}Permission", f"{name}QueuePolicy", "UndeliveredQueuePolicy"]
    view.equal(view.resources.get(f"{name}Rule", {}).get("DependsOn"), first, f"{name}Rule: what comes before it")
    invoke = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "SourceArn": rule}
    has("Permission", "AWS::Lambda::Permission", {"FunctionName": own, **invoke})
    if view.direct:
        failed = {"OnFailure": {"Destination": arn("sqs", "org-provisioning-failed-invocations")}}
        tries = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 21600, "Qualifier": "$LATEST"}
        expected = {"FunctionName": own, "DestinationConfig": failed, **tries}
        has("InvokeConfig", "AWS::Lambda::EventInvokeConfig", expected)


def check_rotation(view: View) -> None:
    """Who rotates, and what begins the end of an old key."""
    values = view.values
    secrets = arn("secretsmanager", f"secret:{values['SecretNameTemplate'].replace('{orgid}', '*')}-??????")
    invoke = {"Action": "lambda:InvokeFunction", "Principal": "secretsmanager.amazonaws.com"}
    only_ours = {"SourceAccount": ACCOUNT, "SourceArn": secrets}
    expected: dict[str, Any] = {"FunctionName": "org-provisioning-rotate", **invoke, **only_ours}
    view.has(view.main, "RotatePermission", "AWS::Lambda::Permission", expected)
    first = view.resources.get("SecretFunction", {}).get("DependsOn")
    view.equal(first, "RotatePermission", "SecretFunction: what comes before it")
    name = "org-provisioning-retirement"
    machine = arn("states", f"stateMachine:{name}")
    role = arn("iam", "role/org-provisioner-RetirementRuleRole")
    target = {"Id": "retirement", "Arn": machine, "RoleArn": role, "DeadLetterConfig": {"Arn": UNDELIVERED}}
    pattern = {"source": [SOURCE], "detail-type": [maintenance()["rotate"][1]]}
    expected = {"Name": name, "EventBusName": "org-provisioning", "EventPattern": pattern, "Targets": [target]}
    view.has(view.main, "RetirementRule", "AWS::Events::Rule", expected, "Description")
    first = view.resources.get("RetirementRule", {}).get("DependsOn")
    view.equal(first, "UndeliveredQueuePolicy", "RetirementRule: what comes before it")


def check_sweep(view: View) -> None:
    """What has one organization looked at, and what has all of them."""
    values = view.values
    to_queue = {"DeadLetterConfig": {"Arn": UNDELIVERED}}
    on_bus = {
        "EventBusName": "org-provisioning",
        "EventPattern": {"source": view.sources, "detail-type": maintenance()["reconcile"][0]},
        "Targets": [{"Id": "step", "Arn": arn("sqs", "org-provisioning-reconcile"), **to_queue}],
    }
    transformer = {"InputPathsMap": {"time": "$.time"}, "InputTemplate": '{"sweep": <time>}'}
    on_schedule = {
        "ScheduleExpression": values["SweepSchedule"],
        "State": "ENABLED" if values["EnableSweep"] == "true" else "DISABLED",
        "Targets": [
            {"Id": "queue", "Arn": arn("sqs", "org-provisioning-sweep"), **to_queue, "InputTransformer": transformer}
        ],
    }
    for name, bus, rule in (("reconcile", "org-provisioning/", on_bus), ("sweep", "", on_schedule)):
        own = f"org-provisioning-{name}"
        view.has(view.main, f"{logical(name)}Rule", "AWS::Events::Rule", {"Name": own, **rule}, "Description")
        first = [f"{logical(name)}QueuePolicy", "UndeliveredQueuePolicy"]
        view.equal(view.resources[f"{logical(name)}Rule"].get("DependsOn"), first, f"{name}: what comes before its rule")
        from_rule = {"ArnEquals": {"aws:SourceArn": arn("events", f"rule/{bus}{own}")}}
        allowed = allows("events", "sqs:SendMessage", arn("sqs", own), from_rule, "EventsOfItsRule")
        check_policy(view, f"{logical(name)}QueuePolicy", own, allowed)


def check_shared(view: View) -> None:
    values = view.values
    kept = {"MessageRetentionPeriod": FOURTEEN_DAYS, "SqsManagedSseEnabled": True}
    for name in ("undelivered", *(["failed-invocations"] if view.direct else [])):
        logical_name = f"{logical(name)}Queue"
        view.has(view.main, logical_name, "AWS::SQS::Queue", {"QueueName": f"org-provisioning-{name}", **kept})
    bus, rules = values["SbtEventBusName"], [arn("events", "rule/org-provisioning/org-provisioning-*")]
    rules.append(arn("events", "rule/org-provisioning-sweep"))
    if view.sbt:
        rules.append(arn("events", f"rule/{'' if bus == 'default' else bus + '/'}org-provisioning-sbt-requests"))
    sid, condition = "EventsThatRulesCouldNotDeliver", {"ArnLike": {"aws:SourceArn": rules}}
    undelivered = allows("events", "sqs:SendMessage", UNDELIVERED, condition, sid)
    check_policy(view, "UndeliveredQueuePolicy", "org-provisioning-undelivered", undelivered)
    view.has(view.main, "Bus", "AWS::Events::EventBus", {"Name": "org-provisioning"}, "Description", "Policy")
    days, source = values["ArchiveRetentionDays"], arn("events", "event-bus/org-provisioning")
    if values["EnableArchive"] == "true":
        archive = {"ArchiveName": "org-provisioning", "SourceArn": source, "RetentionDays": days}
        view.has(view.main, "Archive", "AWS::Events::Archive", archive, "Description")


def check_list(view: View) -> None:
    """Exactly these resources are there: what only one choice has is there with it alone."""
    expected = {
        "Bus", "UndeliveredQueue", "UndeliveredQueuePolicy", "StateMachineLogGroup", "StateMachineRole", "StateMachine",
        "LifecycleMachineLogGroup", "LifecycleMachineRole", "LifecycleMachine", "Observability",
        "RetirementLogGroup", "RetirementRole", "Retirement", "RetirementRuleRole", "RetirementRule",
    }  # fmt: skip
    suffixes = [*PER_STEP, *(["InvokeConfig"] if view.direct else [])]
    expected |= {f"{logical(step)}{suffix}" for step in steps() for suffix in suffixes}
    expected |= {f"{logical(name)}{suffix}" for name in maintenance() for suffix in (*PER_MAINTENANCE, *STARTED[name])}
    expected |= {"FailedInvocationsQueue"} if view.direct else set()
    expected |= {"Archive"} if view.values["EnableArchive"] == "true" else set()
    expected |= {"Sbt"} if view.sbt else set()
    view.equal(sorted(set(view.resources) ^ expected), [], "the resources that are there or are missing")


def check_adapter(view: View) -> None:
    """The rules that join SaaS Builder Toolkit's bus and ours."""
    values = view.values
    shared = {
        "BusName": "org-provisioning",
        "Environment": values["SbtEnvironment"],
        "LogRetentionDays": values["LogRetentionDays"],
        "PermissionsBoundaryArn": values["PermissionsBoundaryArn"],
        "SbtEventBusName": values["SbtEventBusName"],
        "UndeliveredQueueArn": UNDELIVERED,
        "AlarmTopicArn": "<Observability.Outputs.AlarmTopicArn>",
    }
    nested = {"TemplateURL": "sbt.yaml", "Parameters": shared}
    view.has(view.main, "Sbt", "AWS::CloudFormation::Stack", nested)
    sbt = view.nested("sbt", "Sbt")
    machine = arn("states", "stateMachine:org-provisioning-sbt")
    group = {
        "LogGroupName": "/aws/vendedlogs/states/org-provisioning-sbt",
        "RetentionInDays": values["LogRetentionDays"],
    }
    view.has(sbt, "AdapterLogGroup", "AWS::Logs::LogGroup", group)
    logs = {"LogGroupArn": arn("logs", f"log-group:{group['LogGroupName']}:*")}
    expected = {
        "StateMachineName": "org-provisioning-sbt",
        "StateMachineType": "EXPRESS",
        "DefinitionS3Location": "sbt.asl.json",
        "DefinitionSubstitutions": {
            "Partition": "aws",
            "BusName": "org-provisioning",
            "SbtEventBusName": values["SbtEventBusName"],
            "Environment": values["SbtEnvironment"],
        },
        "RoleArn": arn("iam", "role/org-provisioner-AdapterRole"),
        "LoggingConfiguration": {
            "Level": "ERROR",
            "IncludeExecutionData": False,
            "Destinations": [{"CloudWatchLogsLogGroup": logs}],
        },
    }
    view.has(sbt, "Adapter", "AWS::StepFunctions::StateMachine", expected)
    target = {"Id": "adapter", "Arn": machine, "RoleArn": arn("iam", "role/org-provisioner-RuleRole")}
    target["DeadLetterConfig"] = {"Arn": UNDELIVERED}  # type: ignore[assignment]
    asked = {"source": ["sbt.control.plane"], "detail-type": ["sbt_aws_onboardingRequest"]}
    last = steps()["verify"][1]
    told: dict[str, Any] = {"source": [SOURCE], "detail-type": [last, FAILED]}
    told["detail"] = {"request": {"sbt": {"tenantRegistrationId": [{"exists": True}]}}}
    for name, bus, pattern in (("requests", values["SbtEventBusName"], asked), ("answers", "org-provisioning", told)):
        rule = {
            "Name": f"org-provisioning-sbt-{name}",
            "EventBusName": bus,
            "EventPattern": pattern,
            "Targets": [target],
        }
        view.has(sbt, f"{name[:-1].capitalize()}Rule", "AWS::Events::Rule", rule, "Description")


def check(view: View) -> None:
    found = [name for name, found in view.resources.items() if found["Type"] == "AWS::Serverless::Function"]
    view.equal(found, [f"{logical(name)}Function" for name in functions()], "the functions")
    view.holds(f"STEPS := {' '.join(functions())}\n" in view.files.makefile, "infra/Makefile does not build them all")
    for name in functions():
        check_function(view, name)
    for step, (triggers, _) in steps().items():
        check_step(view, step, triggers)
    check_rotation(view)
    check_sweep(view)
    check_shared(view)
    check_list(view)
    if view.sbt:
        check_adapter(view)
    view.holds(COMMAND in steps()["iam-user"][0], "iam-user does not hear the command")
    for step in lifecycle():
        view.holds(steps()[step][0] != [COMMAND], f"{step} has no command of its own")

"""Every step and every queue has its alarms, and what they and the dashboard look at is there."""

import json
from typing import Any

from cloudformation import ACCOUNT, Stack, arn, canonical
from rust import FAILED, SOURCE, functions, logical, maintenance, metrics
from view import View

TOPIC = arn("sns", "org-provisioner-AlarmTopic")
MACHINE = arn("states", "stateMachine:org-provisioning")
LIFECYCLE = arn("states", "stateMachine:org-provisioning-lifecycle")
RETIREMENT = arn("states", "stateMachine:org-provisioning-retirement")
RULE = "org-provisioning-failures"
OWN = "OrgProvisioner"
# The only function that is never called by its queue, but for delayed checks.
CALLED = "rotate"
LIMITED = ("users", "buckets", "secrets")


def dimensions(**named: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in named.items()]


def alarm(name: str, metric: str, looked_at: list[dict[str, str]], topic: str, **more: Any) -> dict[str, Any]:
    """An alarm that tells of anything above its threshold, and of its end; silence is good."""
    namespace, metric_name = metric.rsplit("/", 1)
    return {
        "AlarmName": name,
        "Namespace": namespace,
        "MetricName": metric_name,
        "Dimensions": looked_at,
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [topic],
        "OKActions": [topic],
        **more,
    }


def filled(queue: str, topic: str) -> dict[str, Any]:
    """A queue that should be empty is not."""
    looked_at, metric = dimensions(QueueName=queue), "AWS/SQS/ApproximateNumberOfMessagesVisible"
    return alarm(queue, metric, looked_at, topic, Statistic="Maximum", Period=60)


def check_step(view: View, stack: Stack, step: str) -> None:
    own, half_an_hour = f"org-provisioning-{step}", 1800
    function, queue = dimensions(FunctionName=own), dimensions(QueueName=own)

    def step_alarm(suffix: str, metric: str, looked_at: list[dict[str, str]], **more: Any) -> dict[str, Any]:
        return alarm(f"{own}-{suffix}", metric, looked_at, TOPIC, **more)

    # With direct targets a step that waits ends in an error too.
    direct = view.direct and step not in maintenance()
    usual = {"EvaluationPeriods": 3, "Threshold": 5 if direct or step == CALLED else 0}
    waits = {"Statistic": "Maximum", "Period": 1200, "Threshold": half_an_hour}
    lies = {"Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 5, "Threshold": half_an_hour}
    slow = step_alarm("duration", "AWS/Lambda/Duration", function, EvaluationPeriods=3, Threshold=10000)
    slow["ExtendedStatistic"] = "p99"
    del slow["Statistic"]
    expected = {
        "DeadLettersAlarm": filled(f"{own}-dlq", TOPIC),
        "WaitingAlarm": step_alarm("waiting", f"{OWN}/Waited", dimensions(Step=step), **waits),
        "BacklogAlarm": step_alarm("backlog", "AWS/SQS/ApproximateAgeOfOldestMessage", queue, **lies),
        "ErrorsAlarm": step_alarm("errors", "AWS/Lambda/Errors", function, **usual),
        "ThrottlesAlarm": step_alarm("throttles", "AWS/Lambda/Throttles", function),
        "DurationAlarm": slow,
    }
    check_alarms(view, stack, expected, f"{step}: ")


def check_alarms(view: View, stack: Stack, expected: dict[str, dict[str, Any]], what: str) -> None:
    found = [name for name, resource in stack.resources().items() if resource["Type"] == "AWS::CloudWatch::Alarm"]
    view.equal(sorted(found), sorted(expected), f"{what}the alarms")
    for name, properties in expected.items():
        view.has(stack, name, "AWS::CloudWatch::Alarm", properties, "AlarmDescription")


def check_topic(view: View, stack: Stack) -> None:
    view.has(stack, "AlarmTopic", "AWS::SNS::Topic", {}, "DisplayName")
    if email := view.values["AlarmEmail"]:
        subscription = {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": email}
        view.has(stack, "AlarmSubscription", "AWS::SNS::Subscription", subscription)
    view.equal("AlarmSubscription" in stack.resources(), bool(email), "a subscription without an address, or none")

    def may_publish(sid: str, service: str, **more: Any) -> dict[str, Any]:
        who = {"Service": f"{service}.amazonaws.com"}
        statement = {"Sid": sid, "Effect": "Allow", "Principal": who, "Action": "sns:Publish", "Resource": TOPIC}
        return statement | more

    policy = stack.resources()["AlarmTopicPolicy"]["Properties"]
    document = {
        "Version": "2012-10-17",
        "Statement": [
            may_publish("Alarms", "cloudwatch", Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
            may_publish("FailuresOfProvisioning", "events"),
        ],
    }
    view.equal(canonical(policy), canonical({"Topics": [TOPIC], "PolicyDocument": document}), "the topic's policy")


def check_rule(view: View, stack: Stack) -> None:
    """The rule that tells of failures in words."""
    rule = dict(stack.resources()["FailureRule"]["Properties"])
    target = dict(rule.pop("Targets")[0])
    transformer = target.pop("InputTransformer")
    undelivered = {"Arn": arn("sqs", "org-provisioning-undelivered")}
    view.equal(target, {"Id": "topic", "Arn": TOPIC, "DeadLetterConfig": undelivered}, "where failures are told")
    pattern = {"source": [SOURCE], "detail-type": [FAILED]}
    expected = {"Name": RULE, "EventBusName": "org-provisioning", "EventPattern": pattern}
    rule.pop("Description", None)
    view.equal(rule, expected, "the rule of failures")
    view.equal(stack.resources()["FailureRule"].get("DependsOn"), "AlarmTopicPolicy", "what comes before that rule")
    paths = {"org": "orgId", "step": "step", "request": "requestId"}
    paths |= {name: f"error.{name}" for name in ("code", "resource", "message")}
    told = {name: f"$.detail.{path}" for name, path in paths.items()}
    view.equal(transformer["InputPathsMap"], told, "what a failure tells")
    view.equal([name for name in paths if f"<{name}>" not in transformer["InputTemplate"]], [], "what no sentence has")


def check_dashboard(view: View, stack: Stack) -> None:
    board = stack.resources()["Dashboard"]["Properties"]
    view.equal(board["DashboardName"], "org-provisioning-us-east-1", "the dashboard's name")
    found = set()
    for widget in json.loads(board["DashboardBody"])["widgets"]:
        view.equal(widget["properties"]["region"], "us-east-1", "a widget's region")
        for row in widget["properties"]["metrics"]:
            found.add(tuple(part for part in row if isinstance(part, str)))
            found |= {part["expression"] for part in row if isinstance(part, dict) and "expression" in part}
    expected: set[Any] = {
        "SEARCH('{OrgProvisioner,Step,Outcome} MetricName=\"Runs\"', 'Sum', 300)",
        (),
        (OWN, "Runs", "Step", "iam-user", "Outcome", "created"),
        (OWN, "Runs", "Step", "verify", "Outcome", "unchanged"),
        ("AWS/Events", "MatchedEvents", "EventBusName", "org-provisioning", "RuleName", RULE),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "org-provisioning-undelivered"),
        "SEARCH('{OrgProvisioner,Step,Code} MetricName=\"DriftFound\"', 'Sum', 3600)",
    }
    expected |= {(OWN, "CapacityUsedPercent", "Resource", limited) for limited in LIMITED}
    for name in ("Started", "Succeeded", "Failed", "TimedOut"):
        expected.add(("AWS/States", f"Executions{name}", "StateMachineArn", MACHINE))
    for step in functions():
        own = f"org-provisioning-{step}"
        expected |= {(OWN, name, "Step", step) for name in ("Waited", "Retries", "Duration")}
        expected |= {("AWS/Lambda", name, "FunctionName", own) for name in ("Duration", "Errors", "Throttles")}
        expected.add(("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", own))
        expected.add(("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", f"{own}-dlq"))
    view.equal(sorted(map(str, found ^ expected)), [], "what the dashboard shows and should not, or does not")


def check_own_metrics(view: View) -> None:
    """Alarms and dashboard look at metrics that the functions have."""
    used = {"Runs", "Retries", "Duration", "Waited", "DriftFound", "CapacityUsedPercent"}
    view.equal(sorted(used - metrics()), [], "metrics that the functions do not have")


def check(view: View) -> None:
    stack = view.nested("observability", "Observability")
    given = {
        "AlarmEmail": view.values["AlarmEmail"],
        "BusName": "org-provisioning",
        "CapacityWarningPercent": view.values["CapacityWarningPercent"],
        "Delivery": view.values["Delivery"],
        "LifecycleMachineArn": LIFECYCLE,
        "RetirementArn": RETIREMENT,
        "StateMachineArn": MACHINE,
        "UndeliveredQueueArn": arn("sqs", "org-provisioning-undelivered"),
    }
    nested = {"TemplateURL": "observability.yaml", "Parameters": given}
    view.has(view.main, "Observability", "AWS::CloudFormation::Stack", nested)
    executions = dimensions(StateMachineArn=MACHINE)
    told = dimensions(EventBusName="org-provisioning", RuleName=RULE)
    expected = {
        "ProvisioningFailedAlarm": alarm("org-provisioning-failed", "AWS/Events/MatchedEvents", told, TOPIC),
        "UndeliveredAlarm": filled("org-provisioning-undelivered", TOPIC),
        "ExecutionsFailedAlarm": alarm(
            "org-provisioning-executions-failed", "AWS/States/ExecutionsFailed", executions, TOPIC
        ),
        "ExecutionsTimedOutAlarm": alarm(
            "org-provisioning-executions-timed-out", "AWS/States/ExecutionsTimedOut", executions, TOPIC
        ),
    }
    of_lifecycle = dimensions(StateMachineArn=LIFECYCLE)
    for end, metric in (("failed", "Failed"), ("timed-out", "TimedOut")):
        name = f"org-provisioning-lifecycle-{end}"
        expected[f"Lifecycle{metric}Alarm"] = alarm(name, f"AWS/States/Executions{metric}", of_lifecycle, TOPIC)
    retirements = dimensions(StateMachineArn=RETIREMENT)
    expected["RetirementsFailedAlarm"] = alarm(
        "org-provisioning-retirement-executions-failed", "AWS/States/ExecutionsFailed", retirements, TOPIC
    )
    found = {"Period": 3600}
    drift = alarm("org-provisioning-drift", f"{OWN}/DriftFound", dimensions(Step="reconcile"), TOPIC, **found)
    expected["DriftAlarm"] = drift
    near = {"Statistic": "Maximum", "Period": 86400, "Threshold": view.values["CapacityWarningPercent"]}
    near["ComparisonOperator"] = "GreaterThanOrEqualToThreshold"
    for limited in LIMITED:
        name, metric = f"org-provisioning-capacity-{limited}", f"{OWN}/CapacityUsedPercent"
        expected[f"Capacity{limited.capitalize()}Alarm"] = alarm(name, metric, dimensions(Resource=limited), TOPIC, **near)
    if view.direct:
        expected["FailedInvocationsAlarm"] = filled("org-provisioning-failed-invocations", TOPIC)
    check_alarms(view, stack, expected, "")
    stacks = [name for name, found in stack.resources().items() if found["Type"] == "AWS::CloudFormation::Stack"]
    view.equal(stacks, [f"{logical(step)}Alarms" for step in functions()], "the steps' alarms")
    for step in functions():
        # `rotate` is called directly in either case, the others that are no steps by their queues.
        delivery = "queues" if step in maintenance() else view.values["Delivery"]
        delivery = "direct" if step == CALLED else delivery
        given = {"Step": step, "AlarmTopicArn": TOPIC, "Delivery": delivery}
        nested = {"TemplateURL": "step-alarms.yaml", "Parameters": given}
        view.has(stack, f"{logical(step)}Alarms", "AWS::CloudFormation::Stack", nested)
        check_step(view, view.nested("step-alarms", f"{logical(step)}Alarms", stack), step)
    check_topic(view, stack)
    check_rule(view, stack)
    check_dashboard(view, stack)
    check_own_metrics(view)
    view.equal(stack.resolve(stack.template["Outputs"]["AlarmTopicArn"]["Value"]), TOPIC, "the topic that is told")
    if view.sbt:
        adapter = dimensions(StateMachineArn=arn("states", "stateMachine:org-provisioning-sbt"))
        topic = "<Observability.Outputs.AlarmTopicArn>"
        sbt = view.nested("sbt", "Sbt")
        ends = {"AdapterFailedAlarm": ("failed", "Failed"), "AdapterTimedOutAlarm": ("timed-out", "TimedOut")}
        expected = {
            name: alarm(f"org-provisioning-sbt-{end}", f"AWS/States/Executions{metric}", adapter, topic)
            for name, (end, metric) in ends.items()
        }
        check_alarms(view, sbt, expected, "the adapter: ")

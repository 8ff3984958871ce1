"""What is checked of the deployment with queues: its wiring, an organization and its key, poison, the adapter."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stack import ACCOUNT, BUS, FUNCTIONS, REGION, ROOT, SBT_BUS, STEPS, Stack, check, equal, eventually, refused

ORG = "acme"
OTHER = "globex"
SECRETS: list[str] = []
"""Secret access keys that were seen, to be looked for where none may be."""


def wired(stack: Stack) -> None:
    """What was asked for is what is there."""
    functions, sqs = stack.client("lambda"), stack.client("sqs")
    mappings = {
        mapping["EventSourceArn"].rsplit(":", 1)[-1]: mapping
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]
    }
    for step in STEPS:
        name = f"org-provisioning-{step}"
        settings = functions.get_function_configuration(FunctionName=name)
        variables = settings["Environment"]["Variables"]
        # One says localhost and the other 127.0.0.1.
        paths = [urlsplit(url).path for url in (variables["DEAD_LETTER_QUEUE_URL"], stack.queue_url(f"{name}-dlq"))]
        equal(paths[0], paths[1], f"{step}: DEAD_LETTER_QUEUE_URL")
        equal(variables["ALLOWED_SOURCES"], "org-signup,org-sbt", f"{step}: ALLOWED_SOURCES")
        attributes = sqs.get_queue_attributes(QueueUrl=stack.queue_url(name), AttributeNames=["All"])["Attributes"]
        check(int(attributes["VisibilityTimeout"]) >= 6 * settings["Timeout"], f"{step}: the visibility is too short")
        redrive = json.loads(attributes["RedrivePolicy"])
        equal(str(redrive["maxReceiveCount"]), variables["MAX_RECEIVE_COUNT"], f"{step}: maxReceiveCount")
        equal(redrive["deadLetterTargetArn"].rsplit(":", 1)[-1], f"{name}-dlq", f"{step}: the dead-letter queue")
        equal(attributes.get("SqsManagedSseEnabled"), "true", f"{step}: the queue's encryption")
        equal(mappings[name]["FunctionResponseTypes"], ["ReportBatchItemFailures"], f"{step}: the answer's form")
        targets = stack.client("events").list_targets_by_rule(Rule=name, EventBusName=BUS)["Targets"]
        equal([target["Arn"].split(":")[2] for target in targets], ["sqs"], f"{step}: its rule's targets")
        check(targets[0]["DeadLetterConfig"]["Arn"].endswith(":org-provisioning-undelivered"), f"{step}: no DLQ")
    alarms = stack.client("cloudwatch").describe_alarms(MaxRecords=100)["MetricAlarms"]
    equal(len({alarm["AlarmName"] for alarm in alarms}), 6 * len(FUNCTIONS) + 13, "the number of alarms")
    dashboard = stack.client("cloudwatch").get_dashboard(DashboardName=f"org-provisioning-{REGION}")
    check(len(json.loads(dashboard["DashboardBody"])["widgets"]) >= 5, "the dashboard has too few widgets")


def provisioned_by_event(stack: Stack) -> None:
    """OrgCreated on the bus leads to OrgProvisioned."""
    equal(stack.pages.run("deploy", "aws events put-events"), "0\n", "what the page's command prints")
    stack.put({"orgId": OTHER, "environment": "production"})
    for org in (ORG, OTHER):
        done = stack.await_event("OrgProvisioned", org)
        equal(len(done["detail"]["resources"]), 4, "the number of resources")
    printed = stack.pages.run("deploy", "aws secretsmanager")
    equal(printed, f'"fusion-rms/{ORG}/aws"\n"{ORG}"\n', "what the page's commands print")


def resources(stack: Stack) -> None:
    """Every resource is as the conventions say, read with the administrator's own client."""
    iam, s3, secrets = stack.client("iam"), stack.client("s3"), stack.client("secretsmanager")
    user, bucket = f"rms_{ORG}", f"fusion-rms-{ORG}"
    tags = {tag["Key"]: tag["Value"] for tag in iam.list_user_tags(UserName=user)["Tags"]}
    expected = {"OrgId": ORG, "OrgState": "active", "CreatedBy": f"org-provisioner/{REGION}"}
    equal(tags, expected, "the user's tags")
    equal(iam.list_attached_user_policies(UserName=user)["AttachedPolicies"], [], "the user's policies")
    equal(iam.list_user_policies(UserName=user)["PolicyNames"], [], "the user's inline policies")
    equal(iam.list_groups_for_user(UserName=user)["Groups"], [], "the user's groups")
    keys = iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    equal([key["Status"] for key in keys], ["Active"], "the user's keys")

    tag_set = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    equal(tag_set, {"OrgId": ORG, "OrgState": "active"}, "the bucket's tags")
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    check(not any(block.values()), f"the bucket's Block Public Access is {block}")
    rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    equal(rules, [{"ObjectOwnership": "BucketOwnerEnforced"}], "the bucket's ownership")
    equal(s3.head_object(Bucket=bucket, Key="pub/")["ContentLength"], 0, "the marker's size")
    golden = (ROOT / "tests/golden/bucket-policy.json").read_text()
    golden = golden.replace("123456789012", ACCOUNT).replace("xmsqa1", ORG)
    equal(json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]), json.loads(golden), "the bucket's policy")

    secret = secrets.describe_secret(SecretId=f"fusion-rms/{ORG}/aws")
    equal({tag["Key"]: tag["Value"] for tag in secret["Tags"]}, {"OrgId": ORG}, "the secret's tags")
    # The emulator rotates at once where a schedule is set; see close_gaps.
    labels = [labels for labels in secret["VersionIdsToStages"].values() if labels != ["AWSPREVIOUS"]]
    equal(labels, [["AWSCURRENT"]], "the secret's versions")
    stored = key_of(stack, ORG)
    equal(set(stored), {"accessKeyId", "secretAccessKey", "userName"}, "the secret's fields")
    equal((stored["userName"], stored["accessKeyId"]), (user, keys[0]["AccessKeyId"]), "the stored key")


def key_of(stack: Stack, org: str) -> dict[str, str]:
    value = stack.client("secretsmanager").get_secret_value(SecretId=f"fusion-rms/{org}/aws")["SecretString"]
    stored: dict[str, str] = json.loads(value)
    SECRETS.append(stored["secretAccessKey"])
    return stored


def the_key_at_work(stack: Stack) -> None:
    """The stored key opens its organization's bucket, and nothing else."""
    stored = key_of(stack, ORG)
    credentials = (stored["accessKeyId"], stored["secretAccessKey"])
    s3, own, others = stack.client("s3", *credentials), f"fusion-rms-{ORG}", f"fusion-rms-{OTHER}"
    s3.put_object(Bucket=own, Key="pub/logo.txt", Body=b"logo")
    s3.put_object(Bucket=own, Key="sync/data.txt", Body=b"data")
    equal(s3.get_object(Bucket=own, Key="sync/data.txt")["Body"].read(), b"data", "the object")
    listed = {entry["Key"] for entry in s3.list_objects_v2(Bucket=own)["Contents"]}
    equal(listed, {"pub/", "pub/logo.txt", "sync/data.txt"}, "the bucket's content")
    s3.delete_object(Bucket=own, Key="sync/data.txt")
    refused("AccessDenied", s3.put_object, Bucket=others, Key="x", Body=b"x")
    refused("AccessDenied", s3.list_objects_v2, Bucket=others)
    refused("AccessDenied", s3.list_buckets)
    refused("AccessDenied", s3.delete_bucket_policy, Bucket=own)
    refused("AccessDenied", stack.client("iam", *credentials).list_users)
    name = f"fusion-rms/{ORG}/aws"
    refused("AccessDeniedException", stack.client("secretsmanager", *credentials).get_secret_value, SecretId=name)

    with urllib.request.urlopen(f"{stack.endpoint}/{own}/pub/logo.txt", timeout=10) as answer:
        equal(answer.read(), b"logo", "the public object")
    nobody = stack.client("s3", None)
    s3.put_object(Bucket=own, Key="private.txt", Body=b"private")
    refused("AccessDenied", nobody.get_object, Bucket=own, Key="private.txt")
    refused("AccessDenied", nobody.list_objects_v2, Bucket=own)


def repeated(stack: Stack) -> None:
    """The same event again changes nothing, and is answered with the same event id."""
    before = key_of(stack, ORG)
    first, count = stack.events("OrgProvisioned", ORG)[0], len(stack.events("OrgProvisioned", ORG))
    stack.put({"orgId": ORG, "environment": "production"})
    again = stack.await_event("OrgProvisioned", ORG, count + 1)
    equal(again["detail"]["eventId"], first["detail"]["eventId"], "the event id")
    equal(key_of(stack, ORG), before, "the stored key")
    outcomes = [event["detail"]["outcome"] for event in stack.events("SecretProvisioned", ORG)]
    equal(outcomes[-1], "unchanged", "the secret step's outcome")


def poison(stack: Stack) -> None:
    """Raw messages in one batch: the bad ones are dead letters with their reason, their neighbours are done."""
    sqs, url = stack.client("sqs"), stack.queue_url("org-provisioning-bucket")
    bodies = ["{", '{"orgId": "Not-An-Id", "environment": "production"}', '{"orgId": "hooli", "environment": "qa"}']
    codes = ["malformed-event", "invalid-field", "wrong-account"]
    good = [json.dumps({"orgId": org, "environment": "production"}) for org in ("neighbour1", "neighbour2")]
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate([good[0], *bodies, good[1]])]
    equal(len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]), 5, "the messages that were taken")
    for body in good:
        sqs.send_message(QueueUrl=stack.queue_url("org-provisioning-iam-user"), MessageBody=body)
    for org in ("neighbour1", "neighbour2"):
        stack.await_event("OrgProvisioned", org)
    dead: list[dict[str, Any]] = []

    def all_dead() -> bool:
        dead.extend(stack.take(stack.queue_url("org-provisioning-bucket-dlq")))
        return len(dead) >= len(bodies)

    eventually(all_dead, "three dead letters")
    found = {message["Body"]: message["MessageAttributes"]["ErrorCode"]["StringValue"] for message in dead}
    equal(found, dict(zip(bodies, codes, strict=True)), "the dead letters")
    failure = stack.await_event("OrgProvisioningFailed", "hooli")["detail"]
    equal((failure["step"], failure["error"]["code"]), ("bucket", "wrong-account"), "the failure event")
    eventually(lambda: is_empty(stack, "org-provisioning-bucket"), "the empty queue")


def is_empty(stack: Stack, queue: str) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    asked = {"QueueUrl": stack.queue_url(queue), "AttributeNames": names}
    return set(stack.client("sqs").get_queue_attributes(**asked)["Attributes"].values()) == {"0"}


def sources(stack: Stack) -> None:
    """Commands from others, and completions that a stranger tells, start nothing."""
    command = {"orgId": "intruder", "environment": "production"}
    stack.put(command, source="somebody")
    completion = {"schemaVersion": 1, "eventId": "e", "step": "bucket", "request": command}
    stack.put(completion, source="somebody", kind="BucketProvisioned")
    # What is put after it is done: then the intruder's event has had its time too.
    stack.put({"orgId": "latecomer", "environment": "production"})
    stack.await_event("OrgProvisioned", "latecomer")
    told = [event for event in stack.hear() if event["source"] == "org-provisioner"]
    check(not [event for event in told if event["detail"]["orgId"] == "intruder"], "a stranger's event was believed")
    refused("NoSuchEntity", stack.client("iam").get_user, UserName="rms_intruder")


def saas_builder_toolkit(stack: Stack) -> None:
    """A tenant's registration is provisioned, and answered as the control plane reads it."""
    request = {"tenantRegistrationId": "r-1", "tenantId": "t-1", "tenantName": "Initech", "orgId": "initech"}
    stack.put(request, source="sbt.control.plane", kind="sbt_aws_onboardingRequest", bus=SBT_BUS)
    answer = answered(stack, "r-1")
    equal(answer["detail-type"], "sbt_aws_provisionSuccess", "the answer")
    output = answer["detail"]["jobOutput"]
    equal(output["tenantRegistrationData"], {"registrationStatus": "created"}, "the registration's data")
    equal(output["tenantData"]["awsBucketArn"], "arn:aws:s3:::fusion-rms-initech", "the tenant's data")
    equal(stack.await_event("OrgProvisioned", "initech")["detail"]["requestId"], "r-1", "the request's id")
    for registration, detail in (("r-2", {"orgId": "Bad-Id"}), ("r-3", {"tenantName": "no id"})):
        request = {"tenantRegistrationId": registration, **detail}
        stack.put(request, source="sbt.control.plane", kind="sbt_aws_onboardingRequest", bus=SBT_BUS)
        answer = answered(stack, registration)
        equal(answer["detail-type"], "sbt_aws_provisionFailure", "the answer")
        data = answer["detail"]["jobOutput"]["tenantRegistrationData"]
        equal((data["registrationStatus"], data["provisioningErrorCode"]), ("failed", "invalid-field"), "the data")
    for step in ("iam-user", "bucket"):
        dead = eventually(
            lambda step=step: stack.take(stack.queue_url(f"org-provisioning-{step}-dlq")), "a dead letter"
        )
        equal(dead[0]["MessageAttributes"]["RequestId"]["StringValue"], "r-2", f"{step}: the dead letter's request")


def answered(stack: Stack, registration: str) -> dict[str, Any]:
    def look() -> list[dict[str, Any]]:
        events = [event for event in stack.hear(SBT_BUS) if event["source"] == "sbt.application.plane"]
        return [event for event in events if event["detail"]["tenantRegistrationId"] == registration]

    found: list[dict[str, Any]] = eventually(look, f"the answer to {registration}")
    return found[0]


def quiet(stack: Stack) -> None:
    """The queues are empty, but for the delayed checks of keys, and no rule failed to deliver."""
    for name in ["org-provisioning-undelivered", *(f"org-provisioning-{step}" for step in STEPS)]:
        eventually(lambda name=name: is_empty(stack, name), f"the empty queue {name}", within=150)


CHECKS = [
    ("the wiring is what the template says", wired),
    ("OrgCreated on the bus leads to OrgProvisioned", provisioned_by_event),
    ("every resource is as the conventions say", resources),
    ("the stored key opens its bucket and nothing else", the_key_at_work),
    ("the same event again changes nothing", repeated),
    ("poison ends in the dead-letter queue, its neighbours are done", poison),
    ("a stranger's events start nothing", sources),
    ("SaaS Builder Toolkit's requests are answered", saas_builder_toolkit),
    ("nothing is left in the queues", quiet),
]


def no_secret(stack: Stack, log: Path) -> None:
    check(SECRETS, "no secret was ever seen")
    for org in ("umbrella", "wonka"):
        key_of(stack, org)
    text = log.read_text(errors="replace")
    check(re.search(r'"event":"completed"', text), "the log has no line of a function")
    places = {"the log": text, "the events": json.dumps(stack.seen)}
    for place, content in places.items():
        check(not any(secret in content for secret in SECRETS), f"{place} has a secret access key")


def deleted(stack: Stack) -> None:
    """Deleting the stack takes the provisioner away, and nothing that it made for organizations."""
    queues = stack.client("sqs").list_queues(QueueNamePrefix="org-provisioning").get("QueueUrls", [])
    equal(queues, [], "the queues")
    functions = stack.client("lambda").list_functions()["Functions"]
    equal([function["FunctionName"] for function in functions], [], "the functions")
    equal(stack.client("stepfunctions").list_state_machines()["stateMachines"], [], "the state machines")
    equal(stack.client("cloudwatch").describe_alarms()["MetricAlarms"], [], "the alarms")
    buses = [bus["Name"] for bus in stack.client("events").list_event_buses()["EventBuses"]]
    check(BUS not in buses, "the bus is still there")
    roles = [role["RoleName"] for role in stack.client("iam").list_roles()["Roles"]]
    equal([role for role in roles if role.startswith("org-provisioner")], [], "the roles")
    stack.client("iam").get_user(UserName=f"rms_{ORG}")
    stack.client("s3").get_bucket_policy(Bucket=f"fusion-rms-{ORG}")
    key_of(stack, ORG)

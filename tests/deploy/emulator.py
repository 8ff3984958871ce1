"""The emulator: how it is started, and where it differs from AWS so far that a deployment needs help."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "boto3"))

from calls import MISSING, Calls  # noqa: E402
from servers import answers, free_port, process, until  # noqa: E402
from stack import ACCOUNT, BUS, FUNCTIONS, REGION, Stack  # noqa: E402

WAIT_SCALE = "0.005"
"""What a minute of Step Functions' backoff takes here, in minutes. The retries are made, each of them, in 36 s."""

MARKER = {"bucket": ["s3:GetObject", "s3:PutObject"], "verify": ["s3:GetObject"]}
"""Which steps need which actions on the object `pub/`."""


@contextlib.contextmanager
def ministack(calls: Calls | None = None) -> Iterator[tuple[str, Path]]:
    """ministack on a free port of 127.0.0.1, with authorization on; its endpoint and its log.

    Functions reach it through something that counts what they call, and answers what it does not know."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AWS_ENDPOINT_URL": (calls or Calls()).in_front_of(endpoint),
        "MINISTACK_REGION": REGION,
        "AUTH": "true",
        "LAMBDA_EXECUTOR": "local",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "SFN_WAIT_SCALE": WAIT_SCALE,
        "LOG_LEVEL": "INFO",
    }
    with process([os.environ["MINISTACK_PYTHON"], "-m", "ministack"], **settings) as (started, log):
        until(lambda: answers(endpoint), started, log)
        yield endpoint, log


def close_gaps(stack: Stack) -> None:
    """What this emulator does not do with a template as it is. AWS needs none of this; each gap is printed."""
    for mapping in stack.client("lambda").list_event_source_mappings()["EventSourceMappings"]:
        # It keeps a number from a parameter as text, and its poller cannot compare that.
        concurrency = int(mapping["ScalingConfig"]["MaximumConcurrency"])
        scaling = {"MaximumConcurrency": concurrency}
        stack.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig=scaling)
    print("  gap: MaximumConcurrency from a parameter is text to ministack; set again as a number")
    for step in FUNCTIONS:
        # It asks for DescribeEventBus as if its name were a rule's.
        rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/default/{BUS}"
        statements = [{"Effect": "Allow", "Action": "events:DescribeEventBus", "Resource": rule}]
        if actions := MARKER.get(step):
            # It drops the slash at the end of the key `pub/` when it asks for permission.
            statements.append({"Effect": "Allow", "Action": actions, "Resource": "arn:aws:s3:::fusion-rms-*/pub"})
        if step == "offboard":
            # It does not tell the condition secretsmanager:RecoveryWindowInDays.
            statements.append({"Effect": "Allow", "Action": "secretsmanager:DeleteSecret", "Resource": "*"})
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        role = stack.physical(f"{''.join(part.capitalize() for part in step.split('-'))}Role")
        stack.client("iam").put_role_policy(RoleName=role, PolicyName="emulator", PolicyDocument=document)
    print("  gap: ministack authorizes DescribeEventBus on a rule; allowed in addition")
    print("  gap: ministack authorizes the object pub/ as pub; allowed for the two roles in addition")
    print("  gap: ministack's rules do not invoke functions as Lambda's own asynchronous calls do; called so directly")
    print("  gap: ministack's RotateSecret never calls the function: it copies the value into a new version, at once")
    print("  gap: ministack knows no secretsmanager:RecoveryWindowInDays; DeleteSecret allowed in addition")
    print(f"  gap: ministack does not know {', '.join(MISSING)}; answered as empty in front of it")
    print("  gap: ministack has no archives, enforces no event bus policy and knows no events:source condition")

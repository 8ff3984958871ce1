"""All behaviours, in the order of their modules."""

import authorization  # noqa: F401
import event_archives  # noqa: F401
import event_delivery  # noqa: F401
import event_patterns  # noqa: F401
import events  # noqa: F401
import iam  # noqa: F401
import iam_policies  # noqa: F401
import s3_buckets  # noqa: F401
import s3_objects  # noqa: F401
import s3_policy  # noqa: F401
import s3_settings  # noqa: F401
import s3_versions  # noqa: F401
import secret_rotation  # noqa: F401
import secret_versions  # noqa: F401
import secretsmanager  # noqa: F401
import sqs  # noqa: F401
import sqs_move_tasks  # noqa: F401
import sts  # noqa: F401
from behaviour import ALL

GROUPS = (
    ("iam", "IAM: users and access keys"),
    ("iam_policies", "IAM: policies and groups"),
    ("sts", "STS"),
    ("authorization", "Authorisation"),
    ("s3_buckets", "S3: buckets"),
    ("s3_settings", "S3: settings of buckets"),
    ("s3_policy", "S3: bucket policies"),
    ("s3_objects", "S3: objects and requests"),
    ("s3_versions", "S3: versions of objects"),
    ("secretsmanager", "Secrets Manager: secrets"),
    ("secret_versions", "Secrets Manager: versions"),
    ("secret_rotation", "Secrets Manager: rotation"),
    ("sqs", "SQS"),
    ("sqs_move_tasks", "SQS: message move tasks"),
    ("events", "EventBridge: buses and rules"),
    ("event_patterns", "EventBridge: patterns"),
    ("event_delivery", "EventBridge: delivery"),
    ("event_archives", "EventBridge: archives and replays"),
)
"""Modules and what they are about, in the order in which they are told."""

BEHAVIOURS = [each for module, _ in GROUPS for each in ALL if each.group == module]

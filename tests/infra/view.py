"""infra/ under one choice of its parameters, and what was found wrong with it."""

import copy
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cloudformation import ACCOUNT, Stack, Template, arn, read
from rust import ROOT

TEMPLATES = ("template", "observability", "step-alarms", "sbt")
MACHINES = ("state-machine", "lifecycle", "retirement", "sbt")
NEEDED = {"ExpectedAccountId": ACCOUNT, "AccountClass": "production"}
# No two values are alike, so that one in another's place is seen.
EVERYTHING: dict[str, Any] = {
    "ExpectedAccountId": ACCOUNT,
    "AccountClass": "non-production",
    "CommandSources": ["org-signup", "crm"],
    "ProducerAccountIds": ["222222222222", "333333333333"],
    "Delivery": "direct",
    "FunctionTimeout": 25,
    "VisibilityTimeout": 181,
    "MaxReceiveCount": 14,
    "KeyGraceSeconds": 119,
    "KeyOverlapSeconds": 7200,
    "KeyRotationDays": 120,
    "EnableKeyRotation": "true",
    "SecretRecoveryDays": 14,
    "EnableSweep": "true",
    "SweepSchedule": "rate(2 days)",
    "RepairDrift": "true",
    "CapacityWarningPercent": 75,
    "BucketLimit": 20000,
    "MaximumConcurrency": 12,
    "ReservedConcurrency": 13,
    "MemorySize": 300,
    "Architecture": "x86_64",
    "UserPrefix": "u_",
    "BucketPrefix": "b-",
    "SecretNameTemplate": "s/{orgid}/t",
    "TagKey": "Owner",
    "KmsKeyArn": arn("kms", "key/k"),
    "PermissionsBoundaryArn": arn("iam", "policy/boundary"),
    "LogRetentionDays": 30,
    "ArchiveRetentionDays": 31,
    "EnableArchive": "true",
    "EnableTracing": "true",
    "AlarmEmail": "operator@example.com",
    "SbtEventBusName": "sbt",
    "SbtEnvironment": "staging",
}
CHOICES: dict[str, dict[str, Any]] = {
    "defaults": NEEDED,
    "everything": EVERYTHING,
    "the adapter on the default bus": NEEDED
    | {"SbtEventBusName": "default", "EnableArchive": "false", "EnableKeyRotation": "false"}
    | {"EnableSweep": "false"},
}


@dataclass
class Files:
    """What is in infra/, and the page about it, to be read or to be changed in memory."""

    templates: dict[str, Template]
    machines: dict[str, Any]
    page: str
    makefile: str


@cache
def _files() -> Files:
    infra = ROOT / "infra"
    return Files(
        {name: read((infra / f"{name}.yaml").read_text()) for name in TEMPLATES},
        {name: json.loads((infra / f"{name}.asl.json").read_text()) for name in MACHINES},
        (ROOT / "docs/deploy.md").read_text(),
        (infra / "Makefile").read_text(),
    )


def files() -> Files:
    return copy.deepcopy(_files())


@dataclass
class View:
    """The templates with values for their parameters."""

    files: Files
    choice: str
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.main = Stack(self.files.templates["template"], CHOICES[self.choice])
        self.values = self.main.values
        self.resources = self.main.resources()
        self.direct = self.values["Delivery"] == "direct"
        self.tracing = self.values["EnableTracing"] == "true"
        self.rotation = self.values["EnableKeyRotation"] == "true"
        self.sbt = self.values["SbtEventBusName"] != ""
        self.sources = [*self.values["CommandSources"], *(["org-sbt"] if self.sbt else [])]

    def nested(self, template: str, logical: str, within: Stack | None = None) -> Stack:
        """A nested stack, with the parameters that its parent gives it."""
        parent = within or self.main
        given = parent.resources()[logical]["Properties"]["Parameters"]
        return Stack(self.files.templates[template], given)

    def equal(self, actual: object, expected: object, what: str) -> None:
        if actual != expected:
            self.problems.append(f"{what} ({self.choice}): infra has {actual}, expected is {expected}")

    def holds(self, condition: object, what: str) -> None:
        if not condition:
            self.problems.append(f"{what} ({self.choice})")

    def has(self, stack: Stack, name: str, kind: str, expected: dict[str, Any], *texts: str) -> None:
        """A resource has exactly these properties, but for `texts`, which are for people."""
        resource = stack.resources().get(name, {"Type": None, "Properties": {}})
        self.equal(resource["Type"], kind, f"{name}: its type")
        found = {key: value for key, value in resource["Properties"].items() if key not in texts}
        for key in sorted(found.keys() | expected.keys()):
            self.equal(found.get(key), expected.get(key), f"{name}: {key}")

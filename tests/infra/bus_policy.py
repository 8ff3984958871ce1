"""Who may put which events, as CloudFormation makes it of the template: tests/golden/bus-policy.json.

tests/tests/bus_policy.rs asks a policy engine what that means. `bus_policy.py --update` writes the file anew."""

import json
import sys
from typing import Any

from cloudformation import arn
from rust import ROOT, SOURCE, functions, logical
from view import Files, View, files

MACHINES = {"state-machine": "StateMachineRole", "lifecycle-machine": "LifecycleMachineRole"}
GOLDEN = ROOT / "tests/golden/bus-policy.json"


def resolved(view: View) -> dict[str, Any]:
    """The bus's policy, and what the roles that put events say of that."""
    roles = {step: f"{logical(step)}Role" for step in functions()} | MACHINES
    found = {name: puts(view.resources[role]["Properties"]) for name, role in roles.items()}
    if view.sbt:
        found["adapter"] = puts(view.nested("sbt", "Sbt").resources()["AdapterRole"]["Properties"])
    return {"bus": view.resources["Bus"]["Properties"]["Policy"], "roles": found}


def puts(role: dict[str, Any]) -> dict[str, Any]:
    statements = [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]
    return {
        "Version": "2012-10-17",
        "Statement": [statement for statement in statements if statement["Action"] == "events:PutEvents"],
    }


def golden(found: Files) -> dict[str, Any]:
    return {choice: resolved(View(found, choice)) for choice in ("defaults", "everything")}


def check(view: View) -> None:
    policy = view.resources["Bus"]["Properties"]["Policy"]
    speakers, sources = policy["Statement"][0]["Condition"], policy["Statement"][1]["Condition"]
    roles = [arn("iam", f"role/org-provisioner-{logical(step)}Role") for step in functions()]
    roles.extend(arn("iam", f"role/org-provisioner-{role}") for role in MACHINES.values())
    view.equal(speakers["ArnNotEquals"]["aws:PrincipalArn"], roles, "who may speak as the provisioner")
    known = sorted([*view.sources, SOURCE])
    view.equal(sorted(sources["ForAnyValue:StringNotEquals"]["events:source"]), known, "the sources that the bus knows")
    expected = json.loads(GOLDEN.read_text())
    if view.choice in expected:
        view.equal(resolved(view), expected[view.choice], "who may put events (bus_policy.py --update writes it anew)")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit("usage: bus_policy.py --update")
    GOLDEN.write_text(json.dumps(golden(files()), indent=2) + "\n")

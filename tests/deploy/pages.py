"""The commands of docs/deploy.md, docs/upgrade.md and docs/remove.md, run as they stand there.

What is changed in them, and what is not run, is listed here with its reason; the lists may not have more than that."""

import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from stack import ACCOUNT, ROOT, SBT_BUS, Failed, check

PAGES = ("deploy", "upgrade", "remove")
WITHIN_SECONDS = 300
PARAMETERS = " ".join([
    # Plain cargo builds for this machine; and the emulator's CloudFormation refuses AWS::Events::Archive.
    "Architecture=x86_64 EnableArchive=false",
    # So that what these switch on is tried too.
    f"ProducerAccountIds=222222222222 SbtEventBusName={SBT_BUS}",
])  # fmt: skip
EMAIL = "AlarmEmail=you@example.com"
CHANGES = {
    # The emulator's own account.
    "123456789012": ACCOUNT,
    f"sam deploy --template infra/template.yaml \\\n    --parameter-overrides ExpectedAccountId={ACCOUNT} "
    f"AccountClass=production {EMAIL}": f"sam deploy --template infra/template.yaml \\\n    --parameter-overrides "
    f"ExpectedAccountId={ACCOUNT} AccountClass=production {EMAIL} {PARAMETERS}",
    f"--capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND \\\n    --parameter-overrides ExpectedAccountId={ACCOUNT} "
    f"AccountClass=production {EMAIL}": "--capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND \\\n    "
    f"--parameter-overrides ExpectedAccountId={ACCOUNT} AccountClass=production {EMAIL} {PARAMETERS}",
    # The functions were built before this, as NOT_RUN says; and what upgrades can change is changed, see `upgrade`.
    "make -C infra build\nsam deploy --template infra/template.yaml\n": "sam deploy --template infra/template.yaml "
    "--parameter-overrides Delivery=direct\n",
}
NOT_RUN = {
    "python3 -m venv": "takes a quarter of an hour; was run once for x86_64, as the page says",
    "aws sqs start-message-move-task": "ministack has no message move tasks",
    "orgctl replay dead-letters": "docs/operations.md has it run, against `orgctl local serve`",
}


@dataclass
class Pages:
    """The pages' blocks, to be run in a copy of the tree against an endpoint."""

    folder: Path
    endpoint: str
    exported: str = ""
    ran: set[tuple[str, str]] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)

    def run(self, page: str, beginning: str, answers: str = "y\n") -> str:
        """Runs the page's block that begins so; answers what it prints.

        What it asks is answered: SAM asks whether to deploy the change set."""
        found = [block for block in blocks(page) if block.startswith(beginning)]
        check(len(found) == 1, f"docs/{page}.md has {len(found)} blocks that begin with {beginning!r}, not one")
        self.ran.add((page, found[0]))
        code = found[0]
        for old, new in CHANGES.items():
            if old in code:
                code = code.replace(old, new)
                self.changed.add(old)
        if code.startswith("export "):
            self.exported += code
        return self._bash(code, answers)

    def _bash(self, code: str, answers: str) -> str:
        # The reader has SAM, the AWS CLI and Python on the path.
        tools = [str(Path(sys.executable).parent), os.environ["AWSCLI_BIN"], os.environ["PATH"]]
        environment = {
            "PATH": ":".join(tools),
            "HOME": str(self.folder),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "any",
            "SAM_CLI_TELEMETRY": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.exported + code],
            cwd=self.folder,
            env=environment,
            input=answers,
            text=True,
            capture_output=True,
            timeout=WITHIN_SECONDS,
        )
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).splitlines()
            reasons = [
                text for number, line in enumerate(lines) if "_FAILED" in line for text in lines[number : number + 8]
            ]
            raise Failed(f"{code}\n" + "\n".join(reasons[:40] + lines[-10:]))
        return done.stdout

    def complete(self) -> None:
        """Every block was run or is excused, and every excuse and change is still needed."""
        every = {(page, block) for page in PAGES for block in blocks(page)}
        excused = {(page, block) for page, block in every if block.startswith(tuple(NOT_RUN))}
        missing = sorted(f"docs/{page}.md: {block}" for page, block in every - excused - self.ran)
        check(not missing, "blocks that were not run:\n" + "\n".join(missing))
        stale = [text for text in NOT_RUN if not any(block.startswith(text) for _, block in every)]
        stale += sorted(CHANGES.keys() - self.changed)
        check(not stale, f"tests/deploy/pages.py has what no page needs: {stale}")


def blocks(page: str) -> list[str]:
    """The page's blocks of commands."""
    text = (ROOT / f"docs/{page}.md").read_text()
    found = re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.M | re.S)
    # A block of another kind would be shown and not run.
    check(text.count("```") == 2 * len(found), f"docs/{page}.md has blocks that are not `sh`")
    check(not re.search(r"\n\n {4,}\S", text), f"docs/{page}.md has an indented block; commands are in `sh` blocks")
    return [textwrap.dedent(block) for block in found]

"""Deploys infra/ to ministack, uses it, deletes it. See run.sh, which has the environment that this needs."""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import checks
import direct
import life
import machine
import measure
from emulator import close_gaps, ministack
from pages import Pages
from stack import ACCOUNT, BUS, FUNCTIONS, ROOT, SBT_BUS, Failed, Stack, check


def prepare(folder: Path, functions: Path) -> None:
    """A copy of what `make -C infra build` leaves behind: the functions beside infra/."""
    shutil.copytree(ROOT / "infra", folder / "infra")
    shutil.copytree(ROOT / "tests/infra", folder / "tests/infra")
    for step in FUNCTIONS:
        # cargo-lambda has a folder for each function, plain cargo one for all.
        binary = next((path for path in (functions / step / "bootstrap", functions / step) if path.is_file()), None)
        check(binary, f"{functions} has no function {step}; build the functions with cargo build --bins")
        target = folder / "target/lambda" / step
        target.mkdir(parents=True)
        # A debug build is mostly symbols, which would be zipped, uploaded and unzipped.
        subprocess.run(["strip", "-o", str(target / "bootstrap"), str(binary)], check=True)


def run(functions: Path) -> tuple[int, int]:
    passed = failed = 0

    def step(what: str, action: Callable[[], object]) -> bool:
        nonlocal passed, failed
        begun = time.monotonic()
        try:
            action()
        except Exception as error:  # noqa: BLE001: whatever it is, the step did not do what it should
            failed += 1
            print(f"FAILED {what}: {error}", flush=True)
            if not isinstance(error, Failed):
                traceback.print_exc()
            return False
        passed += 1
        print(f"ok     {what} ({time.monotonic() - begun:.1f} s)", flush=True)
        return True

    with tempfile.TemporaryDirectory() as folder, ministack() as (endpoint, log):
        prepare(Path(folder), functions)
        pages = Pages(Path(folder), endpoint)
        stack = Stack(endpoint, pages)
        stack.client("events").create_event_bus(Name=SBT_BUS)

        def deploy() -> None:
            pages.run("deploy", "export AWS_DEFAULT_REGION")
            pages.run("deploy", "sam deploy --template")
            close_gaps(stack)
            stack.watch(BUS)
            stack.watch(SBT_BUS)

        def upgrade() -> None:
            before = stack.code("verify")
            # A new version: a function's code is another one, and the function the same.
            with (Path(folder) / "target/lambda/verify/bootstrap").open("ab") as bootstrap:
                bootstrap.write(b"\0")
            pages.run("upgrade", "make -C infra build")
            check(stack.code("verify") != before, "the function has its old code")
            close_gaps(stack)

        def delete() -> None:
            stack.unwatch(BUS)
            pages.run("remove", "aws cloudformation delete-stack")

        def deploy_without_sam() -> None:
            pages.run("deploy", "aws s3 mb")
            checks.wired(stack)
            used_by("withoutsam")

        def deploy_guided() -> None:
            # The defaults, but for what the emulator cannot do: so neither producers nor the adapter.
            chosen = {"ExpectedAccountId": ACCOUNT, "AccountClass": "production"}
            chosen |= {"Architecture": "x86_64", "EnableArchive": "false"}
            declared = (Path(folder) / "infra/template.yaml").read_text().split("\nConditions:")[0]
            answers = [chosen.get(name, "") for name in re.findall(r"^  (\w+):\n    Type: ", declared, re.M)]
            # Stack and region before; then: confirm changes, create roles, disable rollback, save.
            asked = ["", "", *answers, "n", "y", "n", "n"]
            pages.run("deploy", "sam deploy --guided", "\n".join(asked) + "\n")
            used_by("guided")

        def used_by(org: str) -> None:
            close_gaps(stack)
            stack.watch(BUS)
            stack.put({"orgId": org, "environment": "production"})
            stack.await_event("OrgProvisioned", org)

        step(
            "docs/deploy.md: no function needs a glibc newer than Lambda's",
            lambda: pages.run("deploy", "python3 tests"),
        )
        deployed = step("docs/deploy.md: sam deploy", deploy)
        parts = (
            (checks.CHECKS, None, None),
            (life.CHECKS, None, None),
            (machine.CHECKS, None, None),
            (life.LATER, None, None),
            (direct.CHECKS, "docs/upgrade.md: sam deploy, a new version of a function, and Delivery=direct", upgrade),
        )
        for part, title, preparation in parts:
            if preparation and deployed:
                deployed = step(title, preparation)
            for what, action in part:
                # Without a deployment nothing can be checked, and what is not checked has failed.
                if deployed:
                    step(what, lambda: action(stack))
                else:
                    failed += 1
                    print(f"FAILED {what}: there is no deployment")
        step("no secret in the emulator's log, where functions' output goes too", lambda: checks.no_secret(stack, log))
        step("docs/remove.md: the stack is deleted", delete)
        step("nothing of the stack is left, everything of the organizations is", lambda: checks.deleted(stack))
        step("docs/deploy.md: aws cloudformation package and deploy, and an organization", deploy_without_sam)
        step("docs/remove.md, once more", delete)
        step("docs/deploy.md: sam deploy --guided, with the defaults, and an organization", deploy_guided)
        step("docs/remove.md, a third time", delete)
        step("every command of the pages was run, but for what is excused", pages.complete)
        if failed:
            # Its own complaints first: what the functions print is much more.
            lines = log.read_text(errors="replace").splitlines()
            print("--- the emulator's log", *[line for line in lines if " ERROR " in line][:20], *lines[-40:], sep="\n")
    return passed, failed


def main() -> None:
    # Stopped from outside, it still stops the emulator.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--functions", required=True, type=Path, help="folder with the functions' binaries, x86_64")
    parser.add_argument("--measure", action="store_true", help="measure what one organization takes, and check nothing")
    arguments = parser.parse_args()
    if arguments.measure:
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder), arguments.functions.resolve())
            measure.measure(Path(folder))
        return
    passed, failed = run(arguments.functions.resolve())
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

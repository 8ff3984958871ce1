"""Runs the sessions of README.md or docs/operations.md against `orgctl local serve`, word for word but for the port.

readme.py --orgctl PATH [--functions DIR]
readme.py --operations --orgctl PATH

A session is a fenced block whose language is `sh` or `python`. What it prints must hold the lines that the page shows
in the `text` block after it, where `...` stands for anything. In the README a session is a block that speaks of port
4566. In docs/operations.md the first block is what all the others expect to be set.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import servers

ROOT = Path(__file__).parents[2]
PORT = "4566"
WITHIN_SECONDS = 120

Session = tuple[str, str, list[str]]
"""Language, code, and the lines that it must print."""


def blocks(page: str) -> list[Session]:
    found = re.findall(
        r"```(sh|python)\n(.*?)```\n(?:\n[^\n`#][^\n]*\n)?(?:\n```text\n(.*?)```)?", (ROOT / page).read_text(), re.DOTALL
    )
    return [(language, code, shown.splitlines()) for language, code, shown in found]


def readme() -> list[Session]:
    found = [session for session in blocks("README.md") if PORT in session[1]]
    if [language for language, _, _ in found] != ["sh", "python"]:
        raise SystemExit(f"the README should have an AWS CLI session and a boto3 session, not {len(found)} sessions")
    return found


def operations() -> list[Session]:
    (_, setting, shown), *found = blocks("docs/operations.md")
    if PORT not in setting or shown or not found or any(language != "sh" for language, _, _ in found):
        raise SystemExit("docs/operations.md should begin with a block of settings, and have shell sessions after it")
    return [("sh", setting + code, shown) for _, code, shown in found]


def run(language: str, code: str, endpoint: str, orgctl: Path) -> str:
    code = code.replace(f"http://127.0.0.1:{PORT}", endpoint)
    command = ["bash", "-euo", "pipefail", "-c", code] if language == "sh" else [sys.executable, "-c", code]
    # The page's reader has orgctl, the AWS CLI and Python on the path; so has this environment's folder.
    path = f"{orgctl.resolve().parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command,
            env=os.environ | {"PATH": path},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=WITHIN_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise SystemExit(f"a {language} session failed:\n{code}\n{done.stdout}{done.stderr}")
    return done.stdout


def is_printed(line: str, printed: str) -> bool:
    pattern = re.escape(line).replace(re.escape("..."), ".+")
    return any(re.fullmatch(pattern, found) for found in printed.splitlines())


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--orgctl", type=Path, required=True)
    parser.add_argument("--operations", action="store_true", help="the sessions of docs/operations.md")
    parser.add_argument("--functions", type=Path, help="run the functions as the processes built in this folder")
    arguments = parser.parse_args()
    more = ["--functions", str(arguments.functions.resolve())] if arguments.functions else []
    found = operations() if arguments.operations else readme()
    failed = 0
    for language, code, shown in found:
        with servers.local_aws(arguments.orgctl, *more) as site:
            printed = run(language, code, site.endpoint, arguments.orgctl)
        missing = [line for line in shown if not is_printed(line, printed)]
        if not shown or missing:
            failed += 1
            print(f"a {language} session did not print {missing or 'anything that the page shows'}, but:\n{printed}")
    print(f"{len(found) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

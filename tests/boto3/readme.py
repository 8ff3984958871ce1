"""Runs the README's sessions against `orgctl local serve`, word for word but for the port.

readme.py --orgctl PATH [--functions DIR]

A session is a fenced block of the README whose language is `sh` or `python`, and which speaks of port 4566. What it
prints must hold the lines that the README shows in the `text` block after it.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import servers

README = Path(__file__).parents[2] / "README.md"
PORT = "4566"
WITHIN_SECONDS = 120


def sessions(text: str) -> list[tuple[str, str, list[str]]]:
    """Language, code, and the lines that it must print."""
    blocks = re.findall(r"```(sh|python)\n(.*?)```\n(?:\n[^\n`#][^\n]*\n)?(?:\n```text\n(.*?)```)?", text, re.DOTALL)
    return [(language, code, shown.splitlines()) for language, code, shown in blocks if PORT in code]


def run(language: str, code: str, endpoint: str) -> str:
    code = code.replace(f"http://127.0.0.1:{PORT}", endpoint)
    command = ["bash", "-euo", "pipefail", "-c", code] if language == "sh" else [sys.executable, "-c", code]
    # The README's reader has the AWS CLI and Python on the path; so has this environment's folder.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, timeout=WITHIN_SECONDS, check=False
        )
    if done.returncode != 0:
        raise SystemExit(f"a {language} session of the README failed:\n{code}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--orgctl", type=Path, required=True)
    parser.add_argument("--functions", type=Path, help="run the functions as the processes built in this folder")
    arguments = parser.parse_args()
    more = ["--functions", str(arguments.functions.resolve())] if arguments.functions else []
    found = sessions(README.read_text())
    if [language for language, _, _ in found] != ["sh", "python"]:
        raise SystemExit(f"the README should have an AWS CLI session and a boto3 session, not {len(found)} sessions")
    failed = 0
    for language, code, shown in found:
        with servers.local_aws(arguments.orgctl, *more) as site:
            printed = run(language, code, site.endpoint)
        missing = [line for line in shown if line not in printed.splitlines()]
        if not shown or missing:
            failed += 1
            print(f"the {language} session did not print {missing or 'anything that the README shows'}, but:\n{printed}")
    print(f"{len(found) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

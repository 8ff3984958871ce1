"""Asks an AWS emulator for AWS's behaviours. See run.sh, which has the environment that this needs.

run.py check --endpoint URL [--only WORD]
run.py compare --orgctl PATH [--update]
"""

import argparse
import contextlib
import os
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import servers
from aws import Aws, Site, resolve_names_under_localhost
from behaviour import Behaviour, outcome
from behaviours import BEHAVIOURS
from comparison import Outcomes, render

COMPARISON = Path(__file__).with_name("COMPARISON.md")
REQUIREMENTS = Path(__file__).with_name("requirements-ministack.txt")
AT_ONCE = 8
"""Behaviours that are asked at the same time: many wait for a queue."""


def ask_all(site: Site, behaviours: list[Behaviour], verbose: bool) -> dict[str, str | None]:
    """Asks for every behaviour; by name what differs, or None."""

    def ask(behaviour: Behaviour) -> tuple[str | None, BaseException | None]:
        return outcome(behaviour, Aws(site))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(ask, behaviours))
    for behaviour, (text, error) in zip(behaviours, found):
        if verbose and text is not None:
            print(f"FAILED {behaviour.group}: {behaviour.name}: {text}")
            print(f"  rule: {behaviour.rule} ({behaviour.source})")
            print("".join("  " + line for line in describe(error)))
    return {behaviour.name: text for behaviour, (text, _) in zip(behaviours, found)}


def describe(error: BaseException | None) -> list[str]:
    """Where in the behaviours it happened, and the error."""
    if error is None:
        return []
    here = str(Path(__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(here)]
    where = [f"{Path(frame.filename).name}:{frame.lineno}: {frame.line}\n" for frame in frames[1:]]
    cause = [f"{error.__cause__}\n"] if error.__cause__ else []
    return where + traceback.format_exception_only(error) + cause


def check(arguments: argparse.Namespace) -> int:
    behaviours = [each for each in BEHAVIOURS if arguments.only in f"{each.group}: {each.name}"]
    return report(ask_all(Site(arguments.endpoint.rstrip("/")), behaviours, verbose=True))


def report(outcomes: dict[str, str | None]) -> int:
    failed = sum(text is not None for text in outcomes.values())
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0


def compare(arguments: argparse.Namespace) -> int:
    with servers.local_aws(arguments.orgctl) as site:
        local = ask_all(site, BEHAVIOURS, verbose=True)
    if any(text is not None for text in local.values()):
        # There is nothing to compare with what is not as AWS.
        return report(local)
    sites: dict[str, contextlib.AbstractContextManager[Site]] = {
        "moto": servers.moto(),
        # Each behaviour has two accounts.
        "moto, authorization on": servers.moto_with_authorization(2 * len(BEHAVIOURS)),
        "ministack": servers.ministack(arguments.ministack_python),
    }
    outcomes: Outcomes = {}
    for name, starting in sites.items():
        with starting as site:
            outcomes[name] = ask_all(site, BEHAVIOURS, verbose=arguments.verbose)
        print(f"{name}: {sum(text is None for text in outcomes[name].values())} of {len(BEHAVIOURS)} as AWS")
    version = REQUIREMENTS.read_text().split("ministack==")[1].strip()
    versions = dict.fromkeys(sites, metadata.version("moto")) | {"ministack": version}
    text = render(BEHAVIOURS, list(sites), outcomes, versions)
    if arguments.update:
        COMPARISON.write_text(text)
    stale = not COMPARISON.exists() or COMPARISON.read_text() != text
    if stale:
        print(f"{COMPARISON.name} is not what was found: run with --update and look at the difference")
    return max(int(stale), report(local))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    checking = commands.add_parser("check", help="ask a running local-aws")
    checking.add_argument("--endpoint", required=True)
    checking.add_argument("--only", default="", help="only behaviours whose name has this")
    checking.set_defaults(run=check)
    comparing = commands.add_parser("compare", help="start and ask local-aws and other emulators")
    comparing.add_argument("--orgctl", required=True, type=Path)
    comparing.add_argument("--update", action="store_true", help="write COMPARISON.md")
    comparing.add_argument("--verbose", action="store_true", help="tell what differs in the other emulators")
    comparing.add_argument("--ministack-python", default=os.environ.get("MINISTACK_PYTHON", sys.executable))
    comparing.set_defaults(run=compare)
    arguments = parser.parse_args()
    resolve_names_under_localhost()
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""What one organization takes: calls, calls that follow one another, log, CPU. docs/cost.md has what this printed."""

import json
import os
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import checks
from calls import Calls
from emulator import close_gaps, ministack
from pages import Pages
from stack import BUS, SBT_BUS, Stack, eventually

DELAY_SECONDS = 0.4
"""What each call takes longer, so that the runs' own times tell how many calls followed one another."""
MANY = 20
"""Organizations over which CPU time is averaged."""
ENDS = ("completed", "retrying", "failed")


class Journal:
    """The functions' lines in the emulator's log, from a moment on and until it is closed."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._begun = log.stat().st_size
        self._end: int | None = None

    def close(self) -> None:
        self._end = self._log.stat().st_size

    def text(self) -> list[str]:
        text = self._log.read_bytes()[self._begun : self._end].decode(errors="replace")
        return [line for line in text.splitlines() if line[:1] == "{"]

    def runs(self) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.text() if re.search(r'"event":"(completed|retrying|failed)"', line)]
        return [line for line in found if line["event"] in ENDS]


def provision(stack: Stack, journal: Journal, org: str, *, check_later: bool = True) -> None:
    """One organization, its delayed check included if there is one, until nothing is under way."""
    stack.put({"orgId": org, "environment": "production"})
    stack.await_event("OrgProvisioned", org)
    if check_later:
        seen = lambda: [run for run in journal.runs() if run.get("delayed_check") and run["subject"] == org]  # noqa: E731
        eventually(seen, f"the delayed check of {org}", within=300)
    checks.quiet(stack)
    journal.close()


def cpu_seconds(calls: Calls) -> float:
    """CPU time of the functions' processes that are there, all their threads."""
    total, endpoint = 0, f"AWS_ENDPOINT_URL={calls.address}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if endpoint not in (process / "environ").read_bytes().split(b"\0"):
                continue
            if os.readlink(process / "exe").endswith("/bootstrap"):
                total += sum(int((task / "schedstat").read_text().split()[0]) for task in (process / "task").iterdir())
        except OSError:
            # It ended meanwhile, or is another user's.
            continue
    return total / 1e9


def measure(folder: Path) -> None:
    calls = Calls()
    with ministack(calls) as (endpoint, log):
        pages = Pages(folder, endpoint)
        stack = Stack(endpoint, pages)
        stack.client("events").create_event_bus(Name=SBT_BUS)
        pages.run("deploy", "export AWS_DEFAULT_REGION")
        pages.run("deploy", "sam deploy --template")
        close_gaps(stack)
        stack.watch(BUS)
        cpu(stack, calls, log)

        calls.counted.clear()
        quick = Journal(log)
        provision(stack, quick, "quick")
        show("one organization", calls, quick)

        calls.counted.clear()
        again = Journal(log)
        provision(stack, again, "quick", check_later=False)
        show("the same event again", calls, again)

        calls.delay = DELAY_SECONDS
        slow = Journal(log)
        provision(stack, slow, "slow")
        calls.delay = 0.0
        follow_one_another(quick, slow)


def cpu(stack: Stack, calls: Calls, log: Path) -> None:
    """CPU time of one organization's runs; afterwards the functions' processes are there, with open connections."""
    journal = Journal(log)
    stack.put({"orgId": "first", "environment": "production"})
    stack.await_event("OrgProvisioned", "first")
    checks.quiet(stack)
    starts = cpu_seconds(calls)
    for number in range(MANY):
        # One after the other: together they would make the emulator start more processes.
        stack.put({"orgId": f"many{number}", "environment": "production"})
        stack.await_event("OrgProvisioned", f"many{number}")
    checks.quiet(stack)
    spent = (cpu_seconds(calls) - starts) * 1000 / MANY
    print(f"--- CPU: {starts * 1000:.1f} ms for the first organization, with the five functions' starts", flush=True)
    print(f"         {spent:.1f} ms for each of {MANY} more; both without the delayed check", flush=True)
    later = lambda: len([run for run in journal.runs() if run.get("delayed_check")]) > MANY  # noqa: E731
    eventually(later, "the delayed checks", within=400)


def show(what: str, calls: Calls, journal: Journal) -> None:
    print(f"--- {what}: {sum(calls.counted.values())} calls")
    for operation, number in sorted(calls.counted.items()):
        print(f"{number:4} {operation}")
    runs = Counter(f"{run['step']} {run['event']}" for run in journal.runs())
    print(f"runs: {dict(runs)}; log: {sum(map(len, journal.text()))} bytes")


def follow_one_another(quick: Journal, slow: Journal) -> None:
    """By how much a run takes longer if every call does, in calls: how many of them waited for the one before."""
    taken: dict[tuple[str, bool], list[list[int]]] = defaultdict(lambda: [[], []])
    for column, journal in enumerate((quick, slow)):
        for run in journal.runs():
            if run["event"] == "completed":
                taken[run["step"], bool(run.get("delayed_check"))][column].append(run["duration_ms"])
    print("--- calls that follow one another, in one run of each step")
    total = 0.0
    for (step, delayed), (before, after) in sorted(taken.items()):
        # The shorter of two runs: a run of verify may wait for nothing, or find its neighbour at work.
        number = (min(after) - min(before)) / 1000 / DELAY_SECONDS
        total += number * len(before)
        print(f"{number:6.1f} {step}{', delayed check' if delayed else ''} (runs: {len(before)})")
    print(f"{total:6.1f} in all runs of one organization")

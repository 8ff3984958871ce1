"""infra/ says what the code says: steps, events, variables, times, error names, permissions, alarms, the page."""

import sys

import alarms
import bus_policy
import machines
import roles
import settings
import wiring
from view import CHOICES, Files, View, files

CHECKS = (wiring, settings, roles, alarms, machines, bus_policy)


def problems(found: Files, choices: list[str] | None = None) -> list[str]:
    """What does not agree, under each choice of the parameters."""
    every: list[str] = []
    for choice in choices or list(CHOICES):
        try:
            view = View(found, choice)
            for module in CHECKS:
                module.check(view)
            every.extend(view.problems)
        # What cannot be resolved, has no such property, or is of another shape.
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            every.append(f"infra/ cannot be read as it should ({choice}): {error!r}")
    return every


def main() -> None:
    found = files()
    if wrong := problems(found):
        sys.exit("\n".join(dict.fromkeys(wrong)))
    parsed = sum(len(machines.expressions(machine, "")) for machine in found.machines.values())
    print(
        f"infra/ agrees with the code under {len(CHOICES)} choices of parameters; {parsed} JSONata expressions parsed"
    )


if __name__ == "__main__":
    main()

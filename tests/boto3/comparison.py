"""COMPARISON.md: where the emulators differ from local-aws, and what AWS's rule is."""

from behaviour import Behaviour
from behaviours import GROUPS

Outcomes = dict[str, dict[str, str | None]]
"""By emulator and behaviour: None, or what is not as AWS has it."""

HEAD = """# How other emulators answer

`tests/boto3/run.sh compare` asks local-aws, moto and ministack the same questions through boto3. Each question is one
rule of AWS. local-aws follows all of them; below is every rule that one of the others does not follow. This file is
written by `tests/boto3/run.sh compare --orgctl <path> --update`.

moto is asked twice: as it is by default, with the account in a header, and with its authorization switched on, with
an administrator in every account. ministack is asked with its authorization on. *Cannot be asked* means that the
emulator does not have the operation. A question may have several parts: what is told is the first that differs.
"""


def render(behaviours: list[Behaviour], others: list[str], outcomes: Outcomes, versions: dict[str, str]) -> str:
    lines = [HEAD, "| Emulator | Version | As AWS | Not as AWS |", "|---|---|---|---|"]
    lines.append(f"| local-aws | this one | {len(behaviours)} | 0 |")
    for name in others:
        different = sum(text is not None for text in outcomes[name].values())
        lines.append(f"| {name} | {versions[name]} | {len(behaviours) - different} | {different} |")
    for module, title in GROUPS:
        lines += table(title, [each for each in behaviours if each.group == module], others, outcomes)
    return "\n".join(lines) + "\n"


def table(title: str, behaviours: list[Behaviour], others: list[str], outcomes: Outcomes) -> list[str]:
    rows = [each for each in behaviours if any(outcomes[name][each.name] is not None for name in others)]
    if not rows:
        return []
    head = ["Behaviour", "AWS's rule", "Source", *others]
    lines = ["", f"## {title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for each in rows:
        cells = [each.name, each.rule, each.source, *(outcomes[name][each.name] or "as AWS" for name in others)]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return lines

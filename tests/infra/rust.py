"""What the code says, read from its source: steps, events, error codes, variables, times, metrics, calls."""

import json
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FAILED = "OrgProvisioningFailed"
COMMAND = "OrgCreated"
SOURCE = "org-provisioner"


@cache
def source(path: str) -> str:
    return (ROOT / path).read_text()


def steps() -> dict[str, tuple[list[str], str]]:
    """Every registered step: its triggers and its completion."""
    return registered("STEPS") | registered("LIFECYCLE")


def maintenance() -> dict[str, tuple[list[str], str]]:
    """Every function that is no step."""
    return registered("MAINTENANCE")


def functions() -> list[str]:
    return [*steps(), *maintenance()]


@cache
def completions(function: str) -> list[str]:
    """The events that tell that a function is done."""
    usual = (steps() | maintenance())[function][1]
    code = source(f"functions/{function}/src/lib.rs")
    others = r'KeyAction::\w+ => Some\("(\w+)"\)|const NOTICE: &str = "(\w+)"'
    return [usual, *("".join(found) for found in re.findall(others, code))]


@cache
def registered(listed: str) -> dict[str, tuple[list[str], str]]:
    found = {}
    registry = source("shared/local-system/src/registry.rs").split(f"pub const {listed}:")[1].split("];")[0]
    for crate in re.findall(r"register::<(\w+)::", registry):
        code = source(f"functions/{crate.replace('_', '-')}/src/lib.rs")
        spec = re.search(r'StepSpec\s*\{\s*name: "([^"]+)",\s*triggers: &\[([^]]*)\],\s*completion: "(\w+)"', code)
        assert spec, f"{crate} has no SPEC that can be read"
        triggers = [text.strip().strip('"') for text in spec[2].split(",") if text.strip()]
        found[spec[1]] = ([trigger.removesuffix("::DETAIL_TYPE") for trigger in triggers], spec[3])
    return found


def lifecycle() -> list[str]:
    """The steps that work on commands of their own."""
    return list(registered("LIFECYCLE"))


def provisioning() -> list[str]:
    """The steps of OrgCreated."""
    return list(registered("STEPS"))


def logical(step: str) -> str:
    """What a step's resources are called in the template: `bucket-policy` is `BucketPolicy`."""
    return "".join(part.capitalize() for part in step.split("-"))


@cache
def codes() -> dict[str, list[str]]:
    """The error codes of each class."""
    body = re.search(r"pub fn class.*?\n    \}\n", source("shared/contract/src/error.rs"), re.S)
    assert body
    classes: dict[str, list[str]] = {}
    for arms, name in re.findall(r"((?:Self::\w+\s*\|?\s*)+)=> ErrorClass::(\w+)", body[0]):
        kebab = [re.sub(r"(?<!^)(?=[A-Z])", "-", code).lower() for code in re.findall(r"Self::(\w+)", arms)]
        classes[name] = kebab
    return classes


@cache
def variables() -> dict[str, str | None]:
    """The environment variables with their defaults; None for one that must be set."""
    code = source("shared/handler/src/environment.rs")
    found: dict[str, str | None] = dict.fromkeys(re.findall(r'required\(\s*"(\w+)"', code))
    return found | dict(re.findall(r'optional\(\s*"(\w+)",\s*"([^"]*)"', code))


@cache
def seconds(name: str, path: str) -> int:
    found = re.search(rf"{name}: Duration = Duration::from_secs\((\d+)\)", source(path))
    assert found, f"{path} has no {name}"
    return int(found[1])


def number(name: str, path: str) -> int:
    found = re.search(rf"{name}: u32 = (\d+);", source(path))
    assert found, f"{path} has no {name}"
    return int(found[1])


@cache
def metrics() -> set[str]:
    """The names of the functions' own metrics."""
    return set(re.findall(r'"Name": "(\w+)"', source("shared/handler/src/metrics.rs")))


@cache
def calls(step: str) -> list[str]:
    """What the step was seen to call in its own name: tests/proof/tests/calls.rs records it."""
    recorded: dict[str, list[str]] = json.loads(source("tests/golden/calls.json"))
    return recorded[step]


@cache
def sends_to(function: str) -> list[str]:
    """The functions to whose queues a function sends commands."""
    code = source(f"functions/{function}/src/lib.rs")
    named = re.findall(r'const (?:FIRST_STEPS|RECONCILE): [^=]+= ([^;]+);', code)
    own = [function] if "send(Self::SPEC.name" in code else []
    return [*re.findall(r'"([a-z-]+)"', " ".join(named)), *own]


@cache
def checks_later(step: str) -> bool:
    """Whether the step sends itself a delayed check."""
    folder = ROOT / "functions" / step / "src"
    texts = [path.read_text() for path in sorted(folder.rglob("*.rs"))]
    # `Lifecycle::apply` asks for a second look.
    return any("check_later(" in text or ".apply(run, " in text for text in texts)

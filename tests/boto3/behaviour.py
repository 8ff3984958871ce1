"""What a behaviour is, and how it says what it expects."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import botocore.exceptions

from aws import Aws

T = TypeVar("T")


@dataclass(frozen=True)
class Behaviour:
    """One rule of AWS, and the function that asks for it."""

    group: str
    name: str
    rule: str
    source: str
    ask: Callable[[Aws], None]


class Differs(AssertionError):
    """The answer is not AWS's. The text has no names or ids that change between runs."""


class CannotBeAsked(Exception):
    """The site has no such operation."""


ALL: list[Behaviour] = []


def behaviour(source: str) -> Callable[[Callable[[Aws], None]], Callable[[Aws], None]]:
    """Registers a function. Its docstring is the rule, its module the group; `source` is where AWS says so."""

    def register(ask: Callable[[Aws], None]) -> Callable[[Aws], None]:
        rule = " ".join((ask.__doc__ or "").split())
        assert rule and not any(known.name == ask.__name__ for known in ALL), ask.__name__
        ALL.append(Behaviour(ask.__module__, ask.__name__.replace("_", " "), rule, source, ask))
        return ask

    return register


def refuses(codes: str | int | Iterable[str], call: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
    """Expects a refusal with one of these codes; answers the error. A number is an HTTP status."""
    expected = [codes] if isinstance(codes, (str, int)) else list(codes)
    wanted = " or ".join(map(str, expected))
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as error:
        code, status = code_of(error), status_of(error)
        if code in expected or status in expected:
            return error.response["Error"] | {"Status": status}
        raise_if_missing(error)
        raise Differs(f"refused with {status} {code}, not {wanted}") from error
    raise Differs(f"accepted, not refused with {wanted}")


def refuses_with(status: int, code: str | Iterable[str], call: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
    """The same with both the HTTP status and the code."""
    error = refuses(code, call, **parameters)
    check(error["Status"] == status, f"{error['Code']} has HTTP status {error['Status']}, not {status}")
    return error


def check(holds: Any, otherwise: str) -> None:
    """Expects `holds`; `otherwise` says what is the case if not."""
    if not holds:
        raise Differs(otherwise)


def equal(actual: Any, expected: Any, what: str) -> None:
    """Expects two values to be equal."""
    if actual != expected:
        error = Differs(f"{what}: not as expected")
        error.add_note(f"got {actual!r}, expected {expected!r}")
        raise error


def eventually(look: Callable[[], T | None], what: str, seconds: float = 15) -> T:
    """Looks until there is something, for a bounded time. `look` itself waits a little, as a long poll does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
    raise Differs(f"{what} does not happen")


def code_of(error: botocore.exceptions.ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def status_of(error: botocore.exceptions.ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


MISSING = ("NotImplemented", "NotImplementedError", "UnknownOperationException", "InvalidAction", "InvalidURI")
"""Codes of operations that are not there; the last two are ministack's, for SQS and for paths of S3 Control."""


def raise_if_missing(error: botocore.exceptions.ClientError) -> None:
    """Tells an operation that is not there from one that is refused."""
    if status_of(error) == 501 or code_of(error) in MISSING:
        raise CannotBeAsked(str(error)) from error


def outcome(behaviour: Behaviour, aws: Aws) -> tuple[str | None, BaseException | None]:
    """Asks; answers None if it is AWS's behaviour, and otherwise in a few words what is not, and the exception."""
    try:
        behaviour.ask(aws)
    except Differs as error:
        return str(error), error
    except CannotBeAsked as error:
        return "cannot be asked", error
    except botocore.exceptions.ClientError as error:
        try:
            raise_if_missing(error)
        except CannotBeAsked:
            return "cannot be asked", error
        return f"{error.operation_name} is refused with {status_of(error)} {code_of(error)}", error
    except Exception as error:
        # The answer has not the form that boto3 or the behaviour needs. (A mistake in a behaviour ends here too, but
        # then local-aws fails it.)
        return f"no usable answer ({type(error).__name__})", error
    return None, None

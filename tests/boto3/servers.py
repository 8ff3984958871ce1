"""Starts the emulators on free ports of 127.0.0.1, and stops them by their process ids."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from aws import Aws, Credentials, Site, random_account

STARTS_WITHIN = 60
"""Seconds; ministack imports for a while."""


@contextlib.contextmanager
def process(command: list[str], **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process that is stopped at the end, and the file with its output."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        own = {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder} | environment
        with log.open("wb") as output:
            started = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=own, cwd=folder)
        try:
            yield started, log
        finally:
            started.terminate()
            try:
                started.wait(timeout=10)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(ready: Callable[[], object], started: subprocess.Popen[bytes], log: Path) -> object:
    """Looks until the process is ready, with a bound."""
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end:
        if started.poll() is None and (found := ready()):
            return found
        with contextlib.suppress(subprocess.TimeoutExpired):
            # Waits a little, unless the process ends.
            started.wait(timeout=0.05)
            break
    raise SystemExit(f"{started.args[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")


def answers(endpoint: str) -> bool:
    try:
        with urlopen(endpoint, timeout=1):
            return True
    except URLError as error:
        # An HTTP error is an answer too.
        return hasattr(error, "code")
    except OSError:
        return False


@contextlib.contextmanager
def local_aws(orgctl: Path, *arguments: str) -> Iterator[Site]:
    """`orgctl local serve`, which prints its endpoint when it is ready."""
    with process([str(orgctl.resolve()), "local", "serve", "--port", "0", *arguments]) as (started, log):

        def endpoint() -> str | None:
            found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text(errors="replace"))
            return found and found.group()

        yield Site(str(until(endpoint, started, log)))


@contextlib.contextmanager
def ministack(python: str) -> Iterator[Site]:
    """ministack with its authorization on; the access key id is the account."""
    port = free_port()
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AUTH": "true",
        "LOG_LEVEL": "WARNING",
    }
    endpoint = f"http://127.0.0.1:{port}"
    with process([python, "-m", "ministack"], **settings) as (started, log):
        until(lambda: answers(endpoint), started, log)
        yield Site(endpoint)


def account_in_header(account: str) -> Credentials:
    return Credentials("testing", "testing", {"x-moto-account-id": account})


@contextlib.contextmanager
def moto() -> Iterator[Site]:
    """moto as it is by default: a header is the account, and everybody may do everything."""
    port = free_port()
    server = Path(sys.executable).with_name("moto_server")
    endpoint = f"http://127.0.0.1:{port}"
    with process([sys.executable, str(server), "-H", "127.0.0.1", "-p", str(port)]) as (started, log):
        until(lambda: answers(endpoint + "/moto-api/"), started, log)
        yield Site(endpoint, account_in_header)


@contextlib.contextmanager
def moto_with_authorization(accounts: int) -> Iterator[Site]:
    """moto with authorization: every account has an administrator, made before it is switched on."""
    with moto() as open_site:
        administrators = dict(administrator(open_site) for _ in range(accounts))
        # From now on no request is let through unchecked.
        plain = {"Content-Type": "text/plain"}
        with urlopen(Request(f"{open_site.endpoint}/moto-api/reset-auth", b"0", plain, method="POST"), timeout=10):
            pass
        # next() on an iterator is one step for all threads.
        unused = iter(list(administrators))
        yield Site(open_site.endpoint, administrators.__getitem__, lambda: next(unused))


def administrator(site: Site) -> tuple[str, Credentials]:
    """A new account and its administrator's credentials."""
    account = random_account()
    aws = Aws(Site(site.endpoint, site.credentials, lambda: account))
    user, key = aws.user_with({"Effect": "Allow", "Action": "*", "Resource": "*"}, UserName="administrator")
    return account, Credentials(key["AccessKeyId"], key["SecretAccessKey"])

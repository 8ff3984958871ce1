"""What a behaviour is given: clients for accounts, keys and anonymous callers of one endpoint."""

import itertools
import json
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config

Client = Any
"""boto3 makes its clients' classes at run time."""


@dataclass(frozen=True)
class Credentials:
    """How requests of one account's administrator are told from others."""

    key_id: str
    secret: str
    headers: dict[str, str] = field(default_factory=dict)


def account_as_key_id(account: str) -> Credentials:
    """local-aws's way, and ministack's: the account is the access key id."""
    return Credentials(account, "any")


def random_account() -> str:
    return str(secrets.choice(range(400_000_000_000, 999_999_999_999)))


@dataclass(frozen=True)
class Site:
    """An emulator that is running."""

    endpoint: str
    credentials: Callable[[str], Credentials] = account_as_key_id
    new_account: Callable[[], str] = random_account


class Aws:
    """One behaviour's view of a site: two accounts of its own, so that it depends on no other behaviour."""

    _session = boto3.Session(region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    _session_lock = threading.Lock()

    def __init__(self, site: Site) -> None:
        self.site = site
        self.mine = site.new_account()
        self.theirs = site.new_account()
        self._clients: dict[Any, Client] = {}
        self._numbers = itertools.count()

    def client(self, service: str, account: str | None = None, region: str = "us-east-1", **s3: Any) -> Client:
        """A client of an account's administrator."""
        return self._client(service, self.site.credentials(account or self.mine), region, s3)

    def as_key(self, service: str, key: dict[str, Any], region: str = "us-east-1", **s3: Any) -> Client:
        """A client of the owner of an access key, given as CreateAccessKey answers it."""
        return self._client(service, Credentials(key["AccessKeyId"], key["SecretAccessKey"]), region, s3)

    def anonymous(self, service: str = "s3", region: str = "us-east-1") -> Client:
        """A client that signs nothing."""
        return self._client(service, None, region, {})

    def _client(self, service: str, credentials: Credentials | None, region: str, s3: dict[str, Any]) -> Client:
        known = (service, credentials and (credentials.key_id, credentials.secret), region, tuple(s3.items()))
        # Accounts that differ in a header alone have the same credentials.
        known += tuple(credentials.headers.items()) if credentials else ()
        if known not in self._clients:
            self._clients[known] = self._make(service, credentials, region, s3)
        return self._clients[known]

    def _make(self, service: str, credentials: Credentials | None, region: str, s3: dict[str, Any]) -> Client:
        endpoint = self.site.endpoint
        if s3.get("addressing_style") == "virtual":
            # SDKs do not put a bucket in front of an IP address.
            endpoint = f"http://localhost:{urlsplit(endpoint).port}"
        config = Config(
            signature_version=None if credentials else UNSIGNED,
            # One attempt: a behaviour is about what the first answer is.
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=30,
            s3={"addressing_style": "path"} | s3,
        )
        with self._session_lock:
            client = self._session.client(
                service,
                region_name=region,
                endpoint_url=endpoint,
                config=config,
                aws_access_key_id=credentials.key_id if credentials else None,
                aws_secret_access_key=credentials.secret if credentials else None,
            )
        if service == "s3control":
            # SDKs put the account in front of the host name, IP address or not, and in a header.
            client.meta.events.register("before-sign", lambda request, **_: send_to(request, endpoint))
        if credentials and credentials.headers:
            client.meta.events.register("before-sign", lambda request, **_: add_headers(request, credentials.headers))
        return client

    @property
    def iam(self) -> Client:
        return self.client("iam")

    @property
    def sts(self) -> Client:
        return self.client("sts")

    @property
    def s3(self) -> Client:
        return self.client("s3")

    @property
    def secrets(self) -> Client:
        return self.client("secretsmanager")

    @property
    def sqs(self) -> Client:
        return self.client("sqs")

    @property
    def events(self) -> Client:
        return self.client("events")

    def name(self, prefix: str) -> str:
        """A name that nothing has, not in earlier runs either."""
        return f"{prefix}-{next(self._numbers)}-{secrets.token_hex(6)}"

    # What many behaviours start with.

    def user(self, **parameters: Any) -> dict[str, Any]:
        """A new user of this account, as CreateUser answers it."""
        return self.iam.create_user(**{"UserName": self.name("rms")} | parameters)["User"]

    def key(self, user: dict[str, Any]) -> dict[str, Any]:
        """A new access key, as CreateAccessKey answers it."""
        return self.iam.create_access_key(UserName=user["UserName"])["AccessKey"]

    def user_with(self, *statements: dict[str, Any], **parameters: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A new user with these statements as its inline policy, and its key."""
        user = self.user(**parameters)
        if statements:
            self.iam.put_user_policy(UserName=user["UserName"], PolicyName="it", PolicyDocument=policy(*statements))
        return user, self.key(user)

    def bucket(self, account: str | None = None, **parameters: Any) -> str:
        """A new bucket in us-east-1."""
        name = self.name("bucket")
        self.client("s3", account).create_bucket(Bucket=name, **parameters)
        return name

    def public_bucket(self) -> str:
        """A new bucket whose objects under `pub/` everyone may read; it has `pub/a` and `private/a`."""
        name = self.bucket()
        self.s3.delete_public_access_block(Bucket=name)
        self.s3.put_bucket_policy(Bucket=name, Policy=policy(allow("s3:GetObject", objects(name, "pub/*"), "*")))
        for key in ("pub/a", "private/a"):
            self.s3.put_object(Bucket=name, Key=key, Body=b"content")
        return name

    def queue(self, **attributes: str) -> str:
        """The URL of a new queue."""
        return self.sqs.create_queue(QueueName=self.name("queue"), Attributes=attributes)["QueueUrl"]

    def secret(self, value: str = "one", **parameters: Any) -> str:
        """The name of a new secret."""
        name = self.name("secret")
        self.secrets.create_secret(Name=name, SecretString=value, **parameters)
        return name


def add_headers(request: Any, headers: dict[str, str]) -> None:
    for name, value in headers.items():
        request.headers[name] = value


def send_to(request: Any, endpoint: str) -> None:
    """Sends a request to an endpoint, whatever host its URL has."""
    request.url = urlsplit(request.url)._replace(netloc=urlsplit(endpoint).netloc).geturl()


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any, principal: Any = None, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """A statement; `principal` is `*`, or an account or an ARN."""
    statement = {"Effect": effect, "Action": action, "Resource": resource} | more
    if principal is not None:
        statement["Principal"] = "*" if principal == "*" else {"AWS": principal}
    return statement


def deny(action: Any, resource: Any, principal: Any = None, **more: Any) -> dict[str, Any]:
    return allow(action, resource, principal, effect="Deny", **more)


def objects(bucket: str, pattern: str = "*") -> str:
    return f"arn:aws:s3:::{bucket}/{pattern}"


def resolve_names_under_localhost() -> None:
    """Lets `bucket.localhost` be this machine (RFC 6761), which not every resolver does."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        if isinstance(host, str) and (host == "localhost" or host.endswith(".localhost")):
            host = "127.0.0.1"
        return resolve(host, *rest, **named)

    socket.getaddrinfo = getaddrinfo

"""Counts what functions call: a server between them and the emulator, which can also take its time, and answers what the
emulator does not know."""

import http.client
import re
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


MISSING = {
    "ListSigningCertificates": "Certificates",
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
}
"""IAM's lists that the emulator does not have, and what they list: answered as empty."""


class Calls:
    """The calls until now, by operation."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.delay = 0.0
        """Seconds that each call takes longer."""
        self.address = ""
        """Where functions find the emulator."""
        self._lock = threading.Lock()

    def in_front_of(self, endpoint: str) -> str:
        """Starts counting; answers the address to call instead."""
        calls, target = self, urlsplit(endpoint)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_request(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                calls.count(self, body)
                time.sleep(calls.delay)
                if empty := empty_list(body):
                    self.send_response_only(200)
                    self.send_header("Content-Type", "text/xml")
                    self.send_header("Content-Length", str(len(empty)))
                    self.end_headers()
                    self.wfile.write(empty)
                    return
                connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
                # With its own Host, which is signed.
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                answer = connection.getresponse()
                content = answer.read()
                self.send_response_only(answer.status, answer.reason)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                self.wfile.write(content)
                connection.close()

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_request  # noqa: N815

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        return self.address

    def count(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        service = re.search(r"/([a-z0-9-]+)/aws4_request", request.headers.get("Authorization") or "")
        action = re.search(rb"(?:^|&)Action=(\w+)", body)
        if target := request.headers.get("X-Amz-Target"):
            operation = target.split(".")[-1]
        elif action:
            operation = action[1].decode()
        else:
            url = urlsplit(request.path)
            parts = [part for part in url.path.split("/") if part]
            what = "account" if not parts else "bucket" if len(parts) == 1 else "object"
            query = sorted(name for name in re.findall(r"(?:^|&)([a-zA-Z]+)(?==?(?:&|$))", url.query) if name != "x")
            operation = " ".join([request.command, what, *query])
        with self._lock:
            self.counted[f"{service[1] if service else 'anonymous s3'} {operation}"] += 1


def empty_list(body: bytes) -> bytes | None:
    """The answer to an operation that the emulator does not have."""
    action = re.search(rb"(?:^|&)Action=(\w+)", body)
    name = action[1].decode() if action else ""
    if not (listed := MISSING.get(name)):
        return None
    result = f"<{name}Result><IsTruncated>false</IsTruncated><{listed}/></{name}Result>"
    metadata = "<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata>"
    namespace = "https://iam.amazonaws.com/doc/2010-05-08/"
    return f'<{name}Response xmlns="{namespace}">{result}{metadata}</{name}Response>'.encode()

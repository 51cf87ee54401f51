"""A relay in front of a ClickHouse server that loses requests and answers as told."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Mode(Enum):
    FORWARD = auto()
    LOSE_REQUEST = auto()  # the connection is closed before the server hears of it
    LOSE_ANSWER = auto()  # the server does it, the connection is closed without an answer
    DIE_BEFORE_ANSWER = auto()  # as LOSE_ANSWER, and then nobody listens any more
    ANSWER = auto()  # ``Relay.status``, ``Relay.headers`` and ``Relay.body``


class Relay(ThreadingHTTPServer):
    """Relays HTTP requests to a server."""

    daemon_threads = False  # so that server_close() waits until every connection is closed

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        parts = urlsplit(target)
        self.target = parts.hostname or "", parts.port or 8123
        self.mode = Mode.FORWARD
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""
        self.requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Relay

    def do_POST(self) -> None:
        relay = self.server
        relay.requests += 1
        body = self._read_body()
        if relay.mode is Mode.LOSE_REQUEST:
            return
        if relay.mode is Mode.ANSWER:
            self._answer(relay.status, relay.headers, relay.body)
            return
        connection = http.client.HTTPConnection(*relay.target, timeout=60)
        own = {"host", "transfer-encoding"}  # the body goes on in one piece
        headers = {name: value for name, value in self.headers.items() if name.lower() not in own}
        connection.request("POST", self.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if relay.mode is Mode.DIE_BEFORE_ANSWER:
            relay.socket.close()
        if relay.mode is Mode.FORWARD:
            kept = {name: value for name, value in response.getheaders() if name.lower().startswith("x-")}
            self._answer(response.status, kept, content)

    do_GET = do_POST  # noqa: N815 - the name that http.server calls

    def _read_body(self) -> bytes:
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextmanager
def relay_to(target: str) -> Iterator[Relay]:
    relay = Relay(target)
    thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield relay
    finally:
        relay.shutdown()
        thread.join()
        relay.server_close()

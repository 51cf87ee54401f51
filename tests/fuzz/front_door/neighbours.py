"""Senders that do nothing wrong, and have to be served whatever others do."""

from __future__ import annotations

import gzip
import http.client
import re
import threading
import time
import uuid
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import grpc
from google.protobuf import json_format
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import ID, Load, log_record, own_connection, request_of

__all__ = ["NeighbourError", "Neighbours"]

_DEADLINE = 240.0  # seconds within which each neighbour's next request has to be accepted, or the health answered
_PAUSE = 0.1


class NeighbourError(Exception):
    """A neighbour was not served."""


class Neighbours:
    """Senders over gRPC and HTTP, and one who asks for the health."""

    def __init__(self, server: LognotaryServer) -> None:
        self._server = server
        self._name = uuid.uuid4().hex[:8]
        self._load = Load(server.otlp_grpc, threads=2, connect=own_connection)
        self._lock = threading.Lock()
        self._acknowledged: list[str] = []
        self._refused: list[str] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._send_over_http)

    @property
    def acknowledged(self) -> list[str]:
        """The IDs of all records that were acknowledged."""
        with self._lock:
            return [*self._acknowledged, *self._load.acknowledged]

    @property
    def refusals(self) -> list[str]:
        """The refused requests."""
        with self._lock:
            return [*self._refused, *(f"gRPC {refusal}" for refusal in self._load.refusals)]

    @property
    def turned_away(self) -> list[str]:
        """The requests whose refusals make senders throw records away (OTLP specification, "Failures")."""
        codes = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        over_grpc = [f"gRPC {refusal}" for refusal in self._load.refusals if refusal.code not in codes]
        return [
            *over_grpc,
            *(refusal for refusal in self.refusals if re.match("HTTP [4-5]", refusal) and "503" not in refusal[:8]),
        ]

    def check(self) -> float:
        """Wait until each was served once more; return how long it took in seconds.

        Raises:
            NeighbourError: one of them was not, or the health is not good.
        """
        start = time.monotonic()
        for path in ("/healthz", "/readyz"):
            self._ask(path)
        before = len(self._acknowledged)
        try:
            self._load.wait_for_acknowledged(1, _DEADLINE)
        except TimeoutError:
            raise NeighbourError(f"a sender over gRPC is not served for {_DEADLINE:.0f} s\n{self._last()}") from None
        while len(self._acknowledged) <= before:
            if time.monotonic() > start + _DEADLINE:
                raise NeighbourError(f"a sender over HTTP is not served for {_DEADLINE:.0f} s\n{self._last()}")
            self._stopped.wait(0.02)
        return time.monotonic() - start

    def _last(self) -> str:
        return "\n".join(self.refusals[-3:])

    def _ask(self, path: str) -> None:
        connection = http.client.HTTPConnection(urlsplit(self._server.http).netloc, timeout=_DEADLINE)
        try:
            connection.request("GET", path)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise NeighbourError(f"{path} does not answer\n{error!r}") from error
        finally:
            connection.close()
        if status != 200:
            raise NeighbourError(f"{path} answers {status}")

    def _send_over_http(self) -> None:
        connection = http.client.HTTPConnection(urlsplit(self._server.otlp_http).netloc, timeout=_DEADLINE)
        number = 0
        while not self._stopped.is_set():
            name = f"{self._name}-http-{number}"
            record = log_record("a line")
            record.attributes.append(KeyValue(key=ID, value=AnyValue(string_value=name)))
            request = request_of([record])
            headers = {"Content-Type": "application/x-protobuf"}
            body = request.SerializeToString()
            if number % 2:
                headers["Content-Type"] = "application/json"
                body = json_format.MessageToJson(request, use_integers_for_enums=True).encode()
            if number % 3:
                headers["Content-Encoding"] = "gzip"
                body = gzip.compress(body)
            number += 1
            try:
                connection.request("POST", "/v1/logs", body, headers)
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._note(f"HTTP {error!r}")
                continue
            if answer.status == 200:
                with self._lock:
                    self._acknowledged.append(name)
            else:
                self._note(f"HTTP {answer.status} {said[:200]!r}")
            self._stopped.wait(_PAUSE)
        connection.close()

    def _note(self, refused: str) -> None:
        with self._lock:
            self._refused.append(refused)
        self._stopped.wait(_PAUSE)

    def __enter__(self) -> Self:
        self._load.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._load.stop()
        self._thread.join()

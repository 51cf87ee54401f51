"""Outcome of each request: the label of a metric, and a line in the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

import grpc.aio
from starlette.requests import ClientDisconnect

from server.errors.ingest import IngestError
from server.otlp.errors import MessageCountError
from server.otlp.refusal_log import RefusalLog
from server.pipeline.measures import MeasureRequest, RequestMeasure

__all__ = ["OUTCOMES", "Measuring", "outcome_of"]

# Errors of gRPC, Starlette and asyncio; all others say by themselves how they are counted.
_FOREIGN: Mapping[type[BaseException], str] = {
    grpc.aio.AbortError: "stalled",  # aborted is only what arrives too slowly, or where memory is short
    asyncio.CancelledError: "gone",  # the sender, before it had an answer
    ClientDisconnect: "gone",
}


def _kinds(error: type[IngestError]) -> Iterator[type[IngestError]]:
    yield error
    for kind in error.__subclasses__():
        yield from _kinds(kind)


OUTCOMES = tuple(sorted({"ok", *_FOREIGN.values(), *(kind.outcome for kind in _kinds(IngestError))}))
"""All labels of requests."""


def outcome_of(error: BaseException | None) -> str:
    """Return the label for an error; None where nothing went wrong with the request."""
    if error is None:
        return "ok"
    if isinstance(error, IngestError):
        return error.outcome
    return next((_FOREIGN[kind] for kind in type(error).__mro__ if kind in _FOREIGN), IngestError.outcome)


class Measuring:
    """Measures one request, for as long as the ``with`` block runs.

    Attributes:
        size: bytes of it, as it was received; set them when they are known.
    """

    __slots__ = ("_began", "_log", "_measure", "_peer", "_service", "size")

    def __init__(self, measure: MeasureRequest, log: RefusalLog, peer: str, service: str = "logs") -> None:
        """Prepare to measure a request.

        Args:
            measure: function that is called with the measure when the request is over.
            log: log of refused requests.
            peer: address of the sender.
            service: what the request is for: "logs", another signal, or "other".
        """
        self._measure = measure
        self._log = log
        self._peer = peer
        self._service = service
        self._began = time.monotonic()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        seconds = time.monotonic() - self._began
        denial, token = (error.denial, error.token) if isinstance(error, IngestError) else ("", "")
        outcome, protocol = outcome_of(error), self._log.protocol
        measure = RequestMeasure(self.size, outcome, seconds, protocol, self._service, denial, self._peer, token)
        self._measure(measure)
        # A call whose sender has gone before its message came looks like a call without a message.
        if isinstance(error, IngestError) and not isinstance(error, MessageCountError):
            self._log.refused(error, self._peer, self._service)

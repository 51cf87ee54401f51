"""Outcome of each request, as the label of a metric."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import grpc.aio
from starlette.requests import ClientDisconnect

from server.errors.ingest import IngestError
from server.pipeline.measures import MeasureRequest, RequestMeasure

__all__ = ["Measuring", "outcome_of"]

# Errors of gRPC, Starlette and asyncio; all others say by themselves how they are counted.
_FOREIGN: Mapping[type[BaseException], str] = {
    grpc.aio.AbortError: "stalled",  # aborted is only what arrives too slowly, or where memory is short
    asyncio.CancelledError: "gone",  # the sender, before it had an answer
    ClientDisconnect: "gone",
}


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

    __slots__ = ("_began", "_measure", "size")

    def __init__(self, measure: MeasureRequest) -> None:
        """Prepare to tell of a request when it is over."""
        self._measure = measure
        self._began = time.monotonic()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._measure(RequestMeasure(self.size, outcome_of(error), time.monotonic() - self._began))

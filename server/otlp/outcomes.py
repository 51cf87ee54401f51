"""Telling what became of each request, in one word."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

import grpc.aio
from starlette.requests import ClientDisconnect

from server.errors.ingest import (
    JournalFailedError,
    JournalFullError,
    MalformedRequestError,
    OverloadedError,
    OversizedError,
    ShuttingDownError,
    StalledError,
    StorageRefusedError,
)
from server.otlp.errors import MessageCountError, TooLargeError, UnsupportedMediaError
from server.pipeline.measures import MeasureRequest, RequestMeasure

__all__ = ["Measuring", "outcome_of"]

_OUTCOMES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (OverloadedError, "overloaded"),
    (
        (StalledError, grpc.aio.AbortError),
        "stalled",
    ),  # aborted is only what arrives too slowly, or where memory is short
    (StorageRefusedError, "storage"),
    (JournalFullError, "journal_full"),
    (JournalFailedError, "journal_failed"),
    (ShuttingDownError, "shutting_down"),
    ((MalformedRequestError, MessageCountError), "malformed"),
    ((TooLargeError, OversizedError), "too_large"),
    (UnsupportedMediaError, "unsupported"),
    ((asyncio.CancelledError, ClientDisconnect), "gone"),  # the sender, before it had an answer
)


def outcome_of(error: BaseException | None) -> str:
    """Return the word for what became of a request; None where nothing went wrong with it."""
    if error is None:
        return "ok"
    return next((word for kinds, word in _OUTCOMES if isinstance(error, kinds)), "unforeseen")


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

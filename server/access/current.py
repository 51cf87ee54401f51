"""The caller of the call in progress, known to everything that answers the call."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from server.access.callers import Caller

__all__ = ["calling", "current_caller"]

_CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)


def current_caller() -> Caller | None:
    """Return the caller of the call in progress; None outside calls of the API."""
    return _CALLER.get()


@contextlib.contextmanager
def calling(caller: Caller) -> Iterator[None]:
    """Answer a caller until the block ends."""
    before = _CALLER.get()
    _CALLER.set(caller)
    try:
        yield
    finally:
        _CALLER.set(before)  # by value: the block may end in another context

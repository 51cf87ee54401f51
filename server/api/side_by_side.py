"""Reads that an answer needs, and that do not need each other, side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["SideBySide"]

_First = TypeVar("_First")
_Second = TypeVar("_Second")
_Third = TypeVar("_Third")


class SideBySide:
    """Threads for the reads of all answers; thread-safe. Work that is given to it must not use it again."""

    def __init__(self, threads: int) -> None:
        """Use at most so many threads, beside those of the callers; they are started when they are needed."""
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="side-by-side")

    def three(
        self, first: Callable[[], _First], second: Callable[[], _Second], third: Callable[[], _Third]
    ) -> tuple[_First, _Second, _Third]:
        """Return the results of three calls, once all have ended; raise the error of the first that raises one."""
        others = self._executor.submit(second), self._executor.submit(third)
        try:
            own = first()
        finally:
            # Nothing of an answer goes on when the answer has been given.
            for other in others:
                other.exception()
        return own, others[0].result(), others[1].result()

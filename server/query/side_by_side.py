"""Reads that an answer needs, and that do not need each other, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, TypeVar

__all__ = ["MOST_READS", "Reads", "SideBySide"]

MOST_READS = 4
"""Reads of an answer that run side by side, at most: a trace has three streams, and spans of an earlier table."""

_Result = TypeVar("_Result")


class Reads:
    """Reads of one answer."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        """Begin with none."""
        self._executor = executor
        self._begun: list[Future[Any]] = []

    def begin(self, read: Callable[[], _Result]) -> Future[_Result]:
        """Start a read, which interrupts of this thread end too; it must not start other reads and wait for them."""
        future = self._executor.submit(copy_context().run, read)
        self._begun.append(future)
        return future

    def end(self) -> None:
        """Wait for all that run; drop those that have not begun yet."""
        for future in self._begun:
            future.cancel()
        wait(self._begun)


class SideBySide:
    """Threads for the reads of all answers; thread-safe."""

    def __init__(self, threads: int) -> None:
        """Use at most so many threads, which are started when they are needed."""
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="side-by-side")

    def all(self, reads: Sequence[Callable[[], _Result]]) -> list[_Result]:
        """Return the results of reads; this thread, which must not be a thread of the pool, makes one of them."""
        if len(reads) < 2:
            return [read() for read in reads]
        with self.reads() as others:
            begun = [others.begin(read) for read in reads[1:]]
            return [reads[0](), *(each.result() for each in begun)]

    @contextmanager
    def reads(self) -> Iterator[Reads]:
        """Yield the reads of an answer; none of them goes on after the block."""
        reads = Reads(self._executor)
        try:
            yield reads
        finally:
            reads.end()

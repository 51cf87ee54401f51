"""Interrupts: another thread ends what a thread waits for storage to answer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import ClassVar

from server.errors.base import LognotaryError

__all__ = ["Interrupt", "InterruptedQueryError"]


class InterruptedQueryError(LognotaryError):
    """A query was interrupted, because nobody waits for its answer, or the process stops.

    Not a StorageError: nothing is wrong with storage, and a retry would be pointless.
    """

    retryable: ClassVar[bool] = True


class Interrupt:
    """An interrupt of queries, thread-safe; once it is set, it stays set."""

    def __init__(self) -> None:
        """Start without being set."""
        self._lock = threading.Lock()
        self._is_set = False
        self._cuts: list[Callable[[], None]] = []

    @property
    def is_set(self) -> bool:
        """True once ``set`` was called."""
        return self._is_set

    def set(self) -> None:
        """Interrupt all queries that run with this interrupt, and those that begin later. Does not block."""
        with self._lock:
            self._is_set = True
            for cut in self._cuts:
                cut()

    def check(self) -> None:
        """Do nothing until ``set`` was called.

        Raises:
            InterruptedQueryError: ``set`` was called.
        """
        if self._is_set:
            raise InterruptedQueryError("the query was interrupted: its caller has gone, or the server is stopping")

    @contextlib.contextmanager
    def cutting(self, cut: Callable[[], None]) -> Iterator[None]:
        """Run the block so that ``set`` calls a function, which ends what the block waits for and must not block.

        Raises:
            InterruptedQueryError: ``set`` was called, before the block or within it.
        """
        with self._lock:
            self.check()
            self._cuts.append(cut)
        try:
            yield
        except Exception:
            self.check()
            raise
        finally:
            with self._lock:
                self._cuts.remove(cut)

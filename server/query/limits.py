"""Limits of a query: time, rows and memory, over all the statements that answer it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from server.errors.amounts import size
from server.query.errors import QueryTooExpensiveError
from storage.answer_limits import AnsweringEngine, QueryLimits
from storage.engine import Engine, Pieces
from storage.errors import LimitExceededError, StorageError

__all__ = ["LimitedEngine", "QueryLimits"]

_OURS = ("max_execution_time", "max_memory_usage", "max_rows_to_read")
_NARROW = "give a shorter range of time, or a term that an index serves: an ID, an actor, or a whole word"


class LimitedEngine(AnsweringEngine):
    """An engine for the statements of one query."""

    def __init__(self, engine: Engine, limits: QueryLimits, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin a query.

        Args:
            engine: the storage.
            limits: limits of the query.
            clock: function that returns seconds that only grow.
        """
        super().__init__(engine, self._of_next)
        self._limits = limits
        self._clock = clock
        self._end = clock() + limits.seconds

    @property
    def seconds_left(self) -> float:
        """Seconds until the limit of time is reached; at least 0."""
        return max(0.0, self._end - self._clock())

    def check(self) -> None:
        """Check that there is time left.

        Raises:
            QueryTooExpensiveError: the limit of time was reached.
        """
        if self._clock() >= self._end:
            raise self._too_long()

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        """As ``Engine.query``; raises also QueryTooExpensiveError."""
        with self._explained():
            return super().query(select, parameters, settings=settings)

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        """As ``Engine.query_in_pieces``; also raises QueryTooExpensiveError."""
        try:
            with self._explained():
                yield from super().query_in_pieces(select, parameters, settings=settings)
        except StorageError as error:
            if self.seconds_left <= 0:  # a server cuts an answer off without an error
                raise self._too_long() from error
            raise

    def _of_next(self) -> Mapping[str, str | int]:
        left = self._end - self._clock()
        if left <= 0:
            raise self._too_long()
        return self._limits.settings(left)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except LimitExceededError as error:
            ours = [name for name in _OURS if name in error.settings and self.may_send(name)]
            if not ours or "(total)" in str(error):  # not a limit of this query
                raise
            if "max_execution_time" in ours:
                raise self._too_long() from error
            if "max_memory_usage" in ours:
                what = f"needs more than {size(self._limits.memory)} of memory in storage"
            else:
                what = f"reads more than {self._limits.rows:,} rows"
            raise QueryTooExpensiveError(f"the query {what}: {_NARROW}") from error

    def _too_long(self) -> QueryTooExpensiveError:
        return QueryTooExpensiveError(f"the query takes longer than {self._limits.seconds:g} s: {_NARROW}")

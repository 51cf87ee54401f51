"""Limits of a query: time, rows and memory, over all the statements that answer it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from server.errors.amounts import size
from server.query.errors import QueryTooExpensiveError
from storage.engine import Engine, EngineWrapper, Pieces
from storage.errors import LimitExceededError, SettingRefusedError

__all__ = ["LimitedEngine", "QueryLimits"]

_NARROW = "give a shorter range of time, or a term that an index serves: an ID, an actor, or a whole word"


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """Limits of a query.

    Attributes:
        seconds: duration of all its statements together.
        rows: rows that one statement reads.
        memory: bytes that one statement uses in storage.
    """

    seconds: float = 30
    rows: int = 2_000_000_000
    memory: int = 2 << 30


class LimitedEngine(EngineWrapper):
    """An engine for the statements of one query."""

    def __init__(self, engine: Engine, limits: QueryLimits, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin a query.

        Args:
            engine: the storage.
            limits: limits of the query.
            clock: function that returns seconds that only grow.
        """
        super().__init__(engine)
        self._limits = limits
        self._clock = clock
        self._end = clock() + limits.seconds
        self._may_set = True

    @property
    def seconds_left(self) -> float:
        """Seconds until the limit of time is reached; at least 0."""
        return max(0.0, self._end - self._clock())

    def check(self) -> None:
        """Do nothing while time is left.

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
            if self._may_set:
                try:
                    return super().query(select, parameters, settings={**(settings or {}), **self._settings()})
                except SettingRefusedError:  # a user with limits of its own, who may not change them
                    self._may_set = False
            self._settings()
            return super().query(select, parameters, settings=settings)

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        """As ``Engine.query_in_pieces``, without limits: no query needs it."""
        return super().query_in_pieces(select, parameters, settings=settings)

    def _settings(self) -> Mapping[str, str | int]:
        left = self._end - self._clock()
        if left <= 0:
            raise self._too_long()
        return {
            "max_execution_time": max(1, math.ceil(left)),
            "max_rows_to_read": self._limits.rows,
            "max_memory_usage": self._limits.memory,
        }

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except LimitExceededError as error:
            if not self._may_set or "(total)" in str(error):  # not a limit of this query
                raise
            if "max_execution_time" in error.settings:
                raise self._too_long() from error
            if "max_memory_usage" in error.settings:
                what = f"needs more than {size(self._limits.memory)} of memory in storage"
            elif "max_rows_to_read" in error.settings:
                what = f"reads more than {self._limits.rows:,} rows"
            else:
                raise
            raise QueryTooExpensiveError(f"the query {what}: {_NARROW}") from error

    def _too_long(self) -> QueryTooExpensiveError:
        return QueryTooExpensiveError(f"the query takes longer than {self._limits.seconds:g} s: {_NARROW}")

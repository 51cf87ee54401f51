"""An engine that measures its statements."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from storage.engine import Engine, EngineWrapper, Pieces
from storage.errors import NotAppliedError, OutcomeUnknownError

__all__ = ["FAILURES", "OPERATIONS", "MeasureStatement", "MeasuredEngine"]

OPERATIONS = ("execute", "insert", "query")
"""Kinds of statements."""

FAILURES = ("refused", "unknown", "other")
"""Kinds of failures: storage could not be reached or refused; the outcome is unknown; any other error."""

MeasureStatement = Callable[[str, float, str], None]
"""Function that is called with the kind of a statement, its duration in seconds, and the kind of its failure or ""."""


class MeasuredEngine(EngineWrapper):
    """An engine that calls a function after each statement, in the thread of the statement."""

    def __init__(self, engine: Engine, measure: MeasureStatement) -> None:
        """Measure the statements of an engine."""
        super().__init__(engine)
        self._measure = measure

    def execute(self, statement: str, /) -> None:
        """As ``Engine.execute``."""
        with self._measuring("execute"):
            super().execute(statement)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        """As ``Engine.insert``."""
        with self._measuring("insert"):
            super().insert(table, columns, block, token)

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        """As ``Engine.query``."""
        with self._measuring("query"):
            return super().query(select, parameters, settings=settings)

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        """As ``Engine.query_in_pieces``; measured until all pieces were read, or the reader stopped."""
        with self._measuring("query"):
            yield from super().query_in_pieces(select, parameters, settings=settings)

    @contextlib.contextmanager
    def _measuring(self, operation: str) -> Iterator[None]:
        began = time.monotonic()
        failure = ""
        try:
            yield
        except NotAppliedError:
            failure = "refused"
            raise
        except OutcomeUnknownError:
            failure = "unknown"
            raise
        except Exception:
            failure = "other"
            raise
        finally:
            self._measure(operation, time.monotonic() - began, failure)

"""An engine whose statements a process cuts off when it stops: to callers, storage did not answer them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storage.engine import EngineWrapper, Pieces
from storage.errors import CutOffError
from storage.interrupt import InterruptedQueryError

__all__ = ["StoppableEngine"]


class StoppableEngine(EngineWrapper):
    """An engine whose interrupted statements raise CutOffError, as if the connection had broken.

    So what writes to storage needs no case of its own for a shutdown: a batch that was cut off stays in the journal.
    """

    def execute(self, statement: str, /) -> None:
        """As ``Engine.execute``."""
        with _unanswered():
            super().execute(statement)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        """As ``Engine.insert``."""
        with _unanswered():
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
        with _unanswered():
            return super().query(select, parameters, settings=settings)

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        """As ``Engine.query_in_pieces``."""
        with _unanswered():
            yield from super().query_in_pieces(select, parameters, settings=settings)


@contextlib.contextmanager
def _unanswered() -> Iterator[None]:
    try:
        yield
    except InterruptedQueryError as error:
        raise CutOffError("the server stopped before storage answered") from error

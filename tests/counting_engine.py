"""An engine that notes the queries it passes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storage.engine import Engine, EngineWrapper, Pieces

__all__ = ["CountingEngine"]


class CountingEngine(EngineWrapper):
    """Passes everything on to an engine, and notes the queries.

    Attributes:
        queries: the SELECT of each query, whether or not its answer comes in pieces.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.queries: list[str] = []

    def query(self, select: str, parameters: Mapping[str, Any] | None = None, /, **options: Any) -> bytes:
        self.queries.append(select)
        return super().query(select, parameters, **options)

    def query_in_pieces(self, select: str, parameters: Mapping[str, Any] | None = None, /, **options: Any) -> Pieces:
        self.queries.append(select)
        return super().query_in_pieces(select, parameters, **options)

    def tables(self) -> list[str]:
        """Return which table of evidence each query read since the last call."""
        found = [query.split(" FROM ", 1)[1].split()[0] for query in self.queries]
        self.queries.clear()
        return found

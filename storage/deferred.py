"""Deferred engine: raises NotAppliedError until the real engine is connected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from storage.engine import Engine, EngineInfo, Pieces
from storage.errors import NotAppliedError
from storage.interrupt import Interrupt

__all__ = ["DeferredEngine"]


class DeferredEngine:
    """Stand-in for an engine that is not connected yet; implements ``Engine``."""

    def __init__(self) -> None:
        """Start without an engine."""
        self._engine: Engine | None = None

    def arrive(self, engine: Engine) -> None:
        """Delegate to an engine from now on; whoever opened the engine closes it."""
        self._engine = engine

    @property
    def info(self) -> EngineInfo:
        """Description of the engine; raises NotAppliedError until it is connected."""
        return self._arrived().info

    def execute(self, statement: str, /) -> None:
        """Run a statement, as ``Engine`` says."""
        self._arrived().execute(statement)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        """Insert a block, as ``Engine`` says."""
        self._arrived().insert(table, columns, block, token)

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        """Answer a query, as ``Engine`` says."""
        return self._arrived().query(select, parameters, settings=settings)

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        """Answer a query in pieces, as ``Engine`` says."""
        return self._arrived().query_in_pieces(select, parameters, settings=settings)

    def interrupted_by(self, interrupt: Interrupt, /) -> AbstractContextManager[None]:
        """Let an interrupt end queries, as ``Engine`` says."""
        return self._arrived().interrupted_by(interrupt)

    def close(self) -> None:
        """Do nothing."""

    def _arrived(self) -> Engine:
        if self._engine is None:
            raise NotAppliedError("storage has not been reached yet")
        return self._engine

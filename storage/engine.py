"""Interface of a ClickHouse engine, embedded or a server.

The engine moves bytes: statements go in as SQL, inserts as ready-made Native blocks. Answers come back as RowBinary,
or in pieces as Native blocks. The modules that read and write rows know their meaning. An engine is thread-safe.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from storage.interrupt import Interrupt

__all__ = ["Engine", "EngineInfo", "EngineWrapper", "Pieces"]

Pieces = Generator[bytes, None, None]
"""Pieces of an answer. Close it unless all pieces were read: until then it occupies a connection."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Description of an engine.

    Attributes:
        name: the storage URL without its password.
        version: ClickHouse's version, such as (26, 9).
        exclusive: True if no other process can use the storage (the embedded engine).
    """

    name: str
    version: tuple[int, int]
    exclusive: bool


class Engine(Protocol):
    """A connection to ClickHouse."""

    @property
    def info(self) -> EngineInfo:
        """Description of this engine."""

    def execute(self, statement: str, /) -> None:
        """Run a statement without a result.

        Raises:
            NotAppliedError: storage could not be reached, or refused the statement.
            OutcomeUnknownError: the statement was sent, but no answer came.
        """

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        """Insert one Native block atomically.

        Args:
            table: the table.
            columns: the names of the block's columns.
            block: the block; all its rows belong to one partition.
            token: deduplication token; repeated inserts with the same token are stored once.

        Raises:
            NotAppliedError: nothing was stored.
            OutcomeUnknownError: the block may have been stored; retry with the same token.
        """

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        """Run a SELECT and return its whole result as RowBinary.

        Args:
            select: SQL without a SETTINGS or FORMAT clause; ``{name:Type}`` stands for a parameter.
            parameters: their values.
            settings: settings of ClickHouse for this query, beside those that every query sends (``read_settings``).

        Raises:
            StorageError: the query could not be answered.
        """

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        """Run a SELECT and stream its result as blocks of the Native format, cut anywhere: for results of any size.

        An interrupted result raises an error after the pieces that arrived. A server that does not mark such
        an end may send the error's text as if it were a block: trust only data that can be verified.

        Args:
            select: as for ``query``.
            parameters: as for ``query``.
            settings: as for ``query``.

        Raises:
            StorageError: the query could not be answered completely.
        """

    def interrupted_by(self, interrupt: Interrupt, /) -> AbstractContextManager[None]:
        """Let an interrupt end the queries that begin in the block, in its context (contextvars), also after the block.

        A query then raises InterruptedQueryError: at once with a server, otherwise once it was answered.
        """

    def close(self) -> None:
        """Release connections and, for the embedded engine, the directory."""


class EngineWrapper:
    """Base of engines that change a part of what another engine does."""

    def __init__(self, engine: Engine) -> None:
        """Wrap an engine."""
        self._engine = engine

    def _wrapped(self) -> Engine:
        return self._engine

    @property
    def info(self) -> EngineInfo:
        """Description of the wrapped engine."""
        return self._wrapped().info

    def execute(self, statement: str, /) -> None:
        """As ``Engine.execute``."""
        self._wrapped().execute(statement)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        """As ``Engine.insert``."""
        self._wrapped().insert(table, columns, block, token)

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        """As ``Engine.query``."""
        return self._wrapped().query(select, parameters, settings=settings)

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        """As ``Engine.query_in_pieces``."""
        return self._wrapped().query_in_pieces(select, parameters, settings=settings)

    def interrupted_by(self, interrupt: Interrupt, /) -> AbstractContextManager[None]:
        """As ``Engine.interrupted_by``."""
        return self._wrapped().interrupted_by(interrupt)

    def close(self) -> None:
        """Close the wrapped engine."""
        self._wrapped().close()

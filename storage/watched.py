"""An engine that does not wait for a server that is known not to answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from storage.engine import Engine, EngineWrapper, Pieces
from storage.errors import NotAppliedError, OutcomeUnknownError
from storage.interrupt import Interrupt, InterruptedQueryError

__all__ = ["StorageWatch", "WatchedEngine"]


class StorageWatch(Protocol):
    """Knowledge of whether storage answers, which others gather; thread-safe."""

    @property
    def outage(self) -> Interrupt:
        """Interrupt that is set while storage does not answer."""

    def silence(self) -> str:
        """Return the reason if storage does not answer, else an empty string; does not block."""


class WatchedEngine(EngineWrapper):
    """An engine whose statements fail at once while storage does not answer, also those that wait already."""

    def __init__(self, engine: Engine, watch: StorageWatch) -> None:
        """Wrap an engine of a server: the embedded engine cannot be interrupted."""
        super().__init__(engine)
        self._watch = watch

    def execute(self, statement: str, /) -> None:
        """As ``Engine.execute``."""
        with self._while_it_answers():
            super().execute(statement)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        """As ``Engine.insert``."""
        with self._while_it_answers():
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
        with self._while_it_answers():
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
        with contextlib.closing(super().query_in_pieces(select, parameters, settings=settings)) as pieces:
            # An interrupt belongs to a thread until the query begins, and other threads may read on.
            with self._while_it_answers() as interrupt:
                piece = next(pieces, None)
            while piece is not None:
                yield piece
                with self._explained(interrupt):
                    piece = next(pieces, None)

    @contextlib.contextmanager
    def _while_it_answers(self) -> Iterator[Interrupt]:
        if reason := self._watch.silence():
            raise NotAppliedError(reason)
        outage = self._watch.outage
        with self._explained(outage), self.interrupted_by(outage):
            yield outage

    @contextlib.contextmanager
    def _explained(self, outage: Interrupt) -> Iterator[None]:
        try:
            yield
        except InterruptedQueryError as error:
            if not outage.is_set:  # the caller has gone, or the server stops
                raise
            raise OutcomeUnknownError(self._watch.silence() or "storage did not answer for some time") from error

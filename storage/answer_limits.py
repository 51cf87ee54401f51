"""Limits of time, rows and memory that statements of answers send, as far as the user may send them.

A replay of these statements (``server.verification.lookup_check``) sends the same settings, since a filter that hides
rows may examine the whole text of a statement.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from storage.engine import Engine, EngineWrapper, Pieces
from storage.errors import SettingRefusedError

__all__ = ["AnsweringEngine", "QueryLimits"]


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """Limits of a query.

    Attributes:
        seconds: duration of all statements of the query together.
        rows: rows that one statement reads.
        memory: bytes that one statement uses in storage.
    """

    seconds: float = 30
    rows: int = 2_000_000_000
    memory: int = 2 << 30

    def settings(self, seconds: float) -> dict[str, str | int]:
        """Return the settings of a statement that may take this many seconds."""
        return {
            "max_execution_time": max(1, math.ceil(seconds)),
            "max_rows_to_read": self.rows,
            "max_memory_usage": self.memory,
        }


class AnsweringEngine(EngineWrapper):
    """An engine that sends limits with its queries.

    A user with fixed limits sends only the settings that it may change; a query that ends at an administrator's limit
    is an error.
    """

    def __init__(self, engine: Engine, settings: Callable[[], Mapping[str, str | int]]) -> None:
        """Wrap an engine.

        Args:
            engine: the storage.
            settings: function that returns the settings of the next statement.
        """
        super().__init__(engine)
        self._settings = settings
        self._refused: frozenset[str] = frozenset()

    def may_send(self, setting: str) -> bool:
        """Return whether a setting may be sent: no statement was refused because of the setting."""
        return setting not in self._refused

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        """As ``Engine.query``."""
        while True:
            sent = self._sent()
            try:
                return super().query(select, parameters, settings={**(settings or {}), **sent} or None)
            except SettingRefusedError as error:
                self._learn(error, sent, settings or {})

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        """As ``Engine.query_in_pieces``."""
        while True:
            sent = self._sent()
            with closing(super().query_in_pieces(select, parameters, settings={**(settings or {}), **sent})) as pieces:
                try:
                    first = next(pieces, None)
                except SettingRefusedError as error:
                    self._learn(error, sent, settings or {})
                    continue
                if first is not None:
                    yield first
                    yield from pieces
                return

    def _sent(self) -> dict[str, str | int]:
        return {name: value for name, value in self._settings().items() if name not in self._refused}

    def _learn(self, error: SettingRefusedError, sent: Mapping[str, str | int], others: Iterable[str]) -> None:
        """Note the settings that may not be sent; raise the error if another setting is the reason."""
        named = _named(error, sent)
        if not sent or (not named and _named(error, others)):
            raise error
        self._refused |= named or sent.keys()


def _named(error: SettingRefusedError, settings: Iterable[str]) -> set[str]:
    return {name for name in settings if re.search(rf"\b{name}\b", str(error))}

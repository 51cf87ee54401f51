"""The keys that the API believes: those it was given, and those that follow on them by statements in storage."""

from __future__ import annotations

import time

from server.notary.statement import StatementKind
from server.notary.statement_check import learn_keys
from server.notary.trust import TrustedKeys
from storage.engine import Engine
from storage.statements import read_statements

__all__ = ["KnownKeys"]

_FRESH = 1.0  # seconds for which a change of keys may go unseen


class KnownKeys:
    """Learns from statements now and then; may be used by several threads."""

    def __init__(self, engine: Engine, given: TrustedKeys) -> None:
        """Believe keys that were given."""
        self._engine = engine
        self.given = given
        self._learned: tuple[float, TrustedKeys] | None = None

    def now(self) -> TrustedKeys:
        """Return the keys to believe.

        Raises:
            StorageError: storage cannot be read.
        """
        learned = self._learned
        if learned is None or time.monotonic() - learned[0] > _FRESH:
            rows = read_statements(self._engine, None, StatementKind.KEYS)
            learned = self._learned = (time.monotonic(), learn_keys(rows, self.given))
        return learned[1]

    def forget(self) -> None:
        """Learn anew the next time."""
        self._learned = None

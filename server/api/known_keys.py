"""The keys that the API believes: those it was given, and those that follow on them by statements in storage."""

from __future__ import annotations

import threading
import time

from server.notary.statement import StatementKind, StatementRow
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
        self._rows: list[StatementRow] = []  # from which that was learned
        self._refreshing = threading.Lock()

    def now(self) -> TrustedKeys:
        """Return the keys to believe; while one thread learns them anew, others are given those of before.

        Raises:
            StorageError: storage cannot be read.
        """
        learned = self._learned
        if learned is None:
            with self._refreshing:
                return (self._learned or self._refresh())[1]
        if time.monotonic() - learned[0] <= _FRESH or not self._refreshing.acquire(blocking=False):
            return learned[1]
        try:
            return self._refresh()[1]
        finally:
            self._refreshing.release()

    def _refresh(self) -> tuple[float, TrustedKeys]:
        rows = list(read_statements(self._engine, None, StatementKind.KEYS))
        # Their signatures need not be checked again, second after second, where no statement has come.
        before = self._learned
        keys = before[1] if before is not None and rows == self._rows else learn_keys(rows, self.given)
        learned = (time.monotonic(), keys)
        self._rows, self._learned = rows, learned
        return learned

"""The keys that the API trusts: the given keys, and the keys that replaced them according to statements in storage."""

from __future__ import annotations

import threading
import time

from server.notary.statement import StatementKind, StatementRow
from server.notary.statement_check import learn_keys
from server.notary.trust import TrustedKeys
from storage.bound import unlimited
from storage.engine import Engine
from storage.statements import read_statements

__all__ = ["KnownKeys"]

_FRESH = 1.0  # seconds


class KnownKeys:
    """Trusted keys, updated from statements from time to time; thread-safe."""

    def __init__(self, engine: Engine, given: TrustedKeys, *, fresh: float = _FRESH) -> None:
        """Start with the given keys; ``fresh`` is the number of seconds for which a key change may go unnoticed."""
        self._fresh = fresh
        self._engine = engine
        self.given = given
        self._learned: tuple[float, TrustedKeys] | None = None
        self._rows: list[StatementRow] = []  # the statements that the keys were learned from
        self._refreshing = threading.Lock()

    def now(self) -> TrustedKeys:
        """Return the trusted keys; while one thread updates them, other threads get the previous keys.

        Raises:
            StorageError: storage cannot be read.
        """
        learned = self._learned
        if learned is None:
            with self._refreshing:
                return (self._learned or self._refresh())[1]
        if time.monotonic() - learned[0] <= self._fresh or not self._refreshing.acquire(blocking=False):
            return learned[1]
        try:
            return self._refresh()[1]
        finally:
            self._refreshing.release()

    def _refresh(self) -> tuple[float, TrustedKeys]:
        with unlimited():  # which keys are trusted does not depend on who asks
            rows = list(read_statements(self._engine, None, StatementKind.KEYS))
        # If there is no new statement, the signatures need not be checked again every second.
        before = self._learned
        keys = before[1] if before is not None and rows == self._rows else learn_keys(rows, self.given)
        learned = (time.monotonic(), keys)
        self._rows, self._learned = rows, learned
        return learned

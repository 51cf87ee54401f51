"""The way of statements to storage, for the logs of a stream: through a journal, a few at a time or many together."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from server.errors.ingest import EndedWaitError, StorageRefusedError
from server.log.journal import Journal
from server.log.retry_insert import retry_until_visible
from server.notary.counted import counted
from server.notary.statement import StatementRow
from storage.engine import Engine
from storage.errors import NotAppliedError
from storage.log_tenants import TenantOf, no_tenant
from storage.statements import are_stated, encode_statement, insert_statements

__all__ = ["StatementStore"]


class StatementStore:
    """Stores signed statements; thread-safe. While the outcome of some is unknown, all others wait."""

    def __init__(
        self, engine: Engine, journal: Journal, give_up: threading.Event, tenant_of: TenantOf = no_tenant
    ) -> None:
        """Store statements of the logs that share a journal.

        Args:
            engine: the storage.
            journal: journal that holds statements until they are stored, so that no other statement takes the number
                of one that may be on its way to storage.
            give_up: event that ends the retries.
            tenant_of: returns the tenant of a log.
        """
        self.engine = engine
        """The storage."""
        self._journal = journal
        self._give_up = give_up
        self._tenant_of = tenant_of
        self._turn = threading.Lock()

    def check_open(self) -> None:
        """Check that statements are still stored.

        Raises:
            EndedWaitError: a statement may be unfinished, so no other may take its number.
        """
        if self._give_up.is_set():
            raise EndedWaitError("the server is shutting down")

    def store(self, rows: Sequence[StatementRow]) -> None:
        """Store statements with one INSERT: all or none.

        Args:
            rows: the statements, at least one; those of one log in their order.

        Raises:
            RefusedError: they were not stored.
            EndedWaitError: the server is shutting down, and the next start stores them.
        """
        what = f"statement {rows[0].number} of the log {rows[0].log_id}"
        if len(rows) > 1:
            what += f" and {counted(len(rows) - 1, 'other')}"
        with self._turn:
            self.check_open()
            kept = self._journal.append([encode_statement(row) for row in rows])
            try:
                insert_statements(self.engine, rows, tenant_of=self._tenant_of)
            except NotAppliedError as error:
                self._journal.retract(kept)
                raise StorageRefusedError(f"a statement was not stored: {error}") from error
            except Exception as error:  # an unexpected error leaves the outcome unknown too
                # The next statement follows these numbers, so these must be stored first.
                retry_until_visible(
                    what,
                    lambda renewed: insert_statements(self.engine, rows, renewed=renewed, tenant_of=self._tenant_of),
                    lambda: are_stated(self.engine, rows),
                    self._give_up,
                    error,
                )
            self._journal.release(kept)

"""Inserts of a group of batches, one for each table, of which the table may have some batches already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server.log.group import Group
from server.notary.batch import Batch
from server.notary.origin import Stream
from storage.commit import insert_batches, insert_records, insert_tiles, pick_records, stored_batches
from storage.engine import Engine
from storage.log_tenants import TenantOf, no_tenant
from storage.schema import RECORD_TABLES

__all__ = ["TableInsert", "name_batches", "table_inserts"]


class TableInsert:
    """The insert of a group into one table: one INSERT, which stores all batches or none.

    A table has some batches of a group only if it has lost the others. Then each of these goes alone: an INSERT of all
    would store the batches that are there a second time.
    """

    def __init__(
        self, engine: Engine, table: str, batches: Sequence[Batch], send: Callable[[Sequence[int], int], None]
    ) -> None:
        """Prepare an insert.

        Args:
            engine: the storage.
            table: name of the table.
            batches: the group's batches.
            send: function that inserts the batches with given places in ``batches`` with one INSERT; takes the number
                of renewals of the deduplication token too.
        """
        self._engine = engine
        self._table = table
        self._batches = batches
        self._send = send
        self._missing: Sequence[int] = range(len(batches))

    @property
    def name(self) -> str:
        """Name of the insert in log messages."""
        return f"{name_batches(self._batches)} into {self._table}"

    def insert(self, renewed: int) -> None:
        """Insert the batches that are missing, as far as is known.

        Args:
            renewed: number of renewals of the deduplication token, which storage knew although it had lost the rows.

        Raises:
            NotAppliedError: nothing was stored, unless some batches were missing.
            OutcomeUnknownError: the batches may have been stored; call again.
        """
        if len(self._missing) == len(self._batches):
            self._send(self._missing, renewed)
            return
        for place in self._missing:
            self._send([place], renewed)

    def is_stored(self) -> bool:
        """Return whether the table has all batches.

        Raises:
            StorageError: storage cannot be read.
        """
        there = stored_batches(self._engine, self._table, self._batches)
        self._missing = [place for place, batch in enumerate(self._batches) if batch.batch_id not in there]
        return not self._missing


def table_inserts(engine: Engine, stream: Stream, group: Group, tenant_of: TenantOf = no_tenant) -> list[TableInsert]:
    """Return the inserts of a group in their order; the last one commits the batches.

    Args:
        engine: the storage.
        stream: stream of the group's logs.
        group: the group.
        tenant_of: returns the tenant of a log.
    """
    batches, block = group.batches, group.block(stream)

    def send_records(places: Sequence[int], renewed: int) -> None:
        some = [batches[place] for place in places]
        rows = block if len(some) == len(batches) else pick_records(stream, batches, block, places[0])
        insert_records(engine, stream, some, rows, renewed=renewed)

    def send_tiles(places: Sequence[int], renewed: int) -> None:
        fragments = [group.fragments[place] for place in places]
        some = [batches[place] for place in places]
        insert_tiles(engine, some, fragments, renewed=renewed, tenant_of=tenant_of)

    def send_batches(places: Sequence[int], renewed: int) -> None:
        insert_batches(engine, [batches[place] for place in places], renewed=renewed, tenant_of=tenant_of)

    sends = {RECORD_TABLES[stream]: send_records, "log_tiles": send_tiles, "log_batches": send_batches}
    return [TableInsert(engine, table, batches, send) for table, send in sends.items()]


def name_batches(batches: Sequence[Batch]) -> str:
    """Return what batches are called in log messages, such as "batches 3 to 7 of example.org/audit/node-1"."""
    first, last = batches[0], batches[-1]
    logs = len({batch.origin for batch in batches})
    if logs > 1:
        return f"{len(batches)} batches of {logs} logs, the first of {first.origin},"
    what = f"batch {first.sequence}" if first is last else f"batches {first.sequence} to {last.sequence}"
    return f"{what} of {first.origin}"

"""Recovery of a log's statements: those in the journal are stored before any other takes their numbers.

A statement is released from the journal only if storage has exactly that statement.
"""

from __future__ import annotations

from collections.abc import Collection

from server.errors.ingest import JournalDamagedError
from server.log.journal import Journal
from server.log.retry_insert import insert_and_verify
from server.notary.counted import entries_of
from server.notary.statement import StatementKind, StatementRow
from storage.engine import Engine
from storage.errors import StorageError
from storage.evidence import last_batch
from storage.log_tenants import TenantOf, no_tenant
from storage.statements import (
    are_stated,
    decode_statements,
    insert_statements,
    last_statements,
    read_numbered_statements,
)

__all__ = ["store_waiting_statements"]


def store_waiting_statements(engine: Engine, journal: Journal, tenant_of: TenantOf = no_tenant) -> None:
    """Store statements that an earlier process may have been sending to storage when it ended.

    Raises:
        JournalDamagedError: the journal is damaged, or does not continue the stored statements; nothing was released.
        StorageError: storage cannot be reached, or refused a statement.
    """
    entries = [(number, _read(journal, number)) for number in journal.waiting]
    logs: dict[str, list[StatementRow]] = {}
    for _, rows in entries:
        for row in rows:
            logs.setdefault(row.log_id, []).append(row)
    # The last segment has many stored statements: each was stored before the next one was signed.
    last = last_statements(engine, logs)
    stored = {log_id: last[log_id].number if log_id in last else 0 for log_id in logs}
    may_be_there = {
        (row.log_id, row.number) for rows in logs.values() for row in rows if row.number <= stored[row.log_id]
    }
    there = {(row.log_id, row.number, row.note) for row in read_numbered_statements(engine, may_be_there)}
    new = {
        row for log_id, rows in logs.items() for row in _without_stored(log_id, rows, stored[log_id], there, journal)
    }
    for row in new:
        _check_place(engine, row, journal)
    for number, rows in entries:
        for row in (row for row in rows if row in new):
            insert_and_verify(
                f"statement {row.number} of the log {row.log_id}",
                lambda renewed, row=row: insert_statements(  # type: ignore[misc]
                    engine, [row], renewed=renewed, tenant_of=tenant_of
                ),
                lambda row=row: are_stated(engine, [row]),  # type: ignore[misc]
            )
        journal.release(number)


def _read(journal: Journal, number: int) -> list[StatementRow]:
    try:
        return decode_statements(journal.read(number))
    except StorageError as error:
        raise JournalDamagedError(
            f"the journal in {journal.directory} has an entry that is not a statement: {error}"
        ) from error


def _without_stored(
    log_id: str, rows: list[StatementRow], stored: int, there: Collection[tuple[str, int, str]], journal: Journal
) -> list[StatementRow]:
    """Return the statements of a log that come after those in storage.

    Args:
        log_id: the log.
        rows: its statements in the journal.
        stored: number of its last statement in storage, 0 if there is none.
        there: LogId, number and note of all statements in storage that have the number of one in the journal.
        journal: the journal.

    Raises:
        JournalDamagedError: the others are not those in storage, or there is a gap.
    """
    new = []
    for row in rows:
        if row.number > stored + 1:
            raise JournalDamagedError(
                f"storage has lost statements: the journal in {journal.directory} has number {row.number} of the log "
                f"{log_id}, but storage has {stored}. Restore the storage, or start a new log under another name "
                "(--writer)"
            )
        if row.number == stored + 1:
            new.append(row)
            stored = row.number
        elif (log_id, row.number, row.note) not in there and row not in new:
            raise JournalDamagedError(
                f"storage has a different statement {row.number} of the log {log_id} than the journal in "
                f"{journal.directory}, or has lost it. Another server may have continued the log under the same name. "
                f"{_advice(journal)}"
            )
    return new


def _check_place(engine: Engine, row: StatementRow, journal: Journal) -> None:
    """Check that no batch was stored past a key change, which no other key may have signed.

    Raises:
        JournalDamagedError: a later batch is in storage.
    """
    if row.kind != StatementKind.KEYS.value:
        return
    last = last_batch(engine, row.log_id)
    if last is not None and last.tree_size > row.tree_size:
        raise JournalDamagedError(
            f"the journal in {journal.directory} has a key change at {entries_of(row.tree_size)} of the log "
            f"{row.log_id} that is not in storage, but storage has {entries_of(last.tree_size)}. Another server has "
            "continued the log "
            f"under the same name. {_advice(journal)}"
        )


def _advice(journal: Journal) -> str:
    return (
        f"Nothing was deleted. To start without these statements, move the directory {journal.directory} to a safe "
        "place and keep it. Give each server a --writer of its own"
    )

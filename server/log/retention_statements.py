"""Statements of how long the records of logs are kept, which are made where something else was said last."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from server.log.log_memory import LogMemory
from server.log.statement_store import StatementStore
from server.log.statement_writer import StatementWriter, retention_words, store_together
from server.notary.errors import SigningError, VerificationError
from server.notary.statement import StatementKind, StatementRow, open_statement, read_retention
from storage.statements import read_statements_of_logs

__all__ = ["keep_for"]

_STATED_AT_ONCE = 500  # logs


def keep_for(
    store: StatementStore, memory: LogMemory, writers: Sequence[StatementWriter], seconds: int | None, rules: str = ""
) -> None:
    """State how long records are kept in each of some logs whose last statement about it says something else.

    Args:
        store: stores the statements.
        memory: remembers them.
        writers: writers of the statements of these logs.
        seconds: seconds for which every record is kept, None for ever.
        rules: rules by which records are kept for different times; empty if all are kept equally long.

    Raises:
        SigningError: a key cannot be used now; other logs may have their statement.
        StorageRefusedError: statements were not stored.
        StorageError: storage cannot be read.
    """
    wanted = seconds, rules.encode()
    ids = {writer: writer.name.log_id for writer in writers}
    stated = read_statements_of_logs(store.engine, list(ids.values()), StatementKind.RETENTION)
    others = [writer for writer, log_id in ids.items() if _said(stated.get(log_id, ())) != wanted]
    words = retention_words(*wanted)
    for begin in range(0, len(others), _STATED_AT_ONCE):
        some = others[begin : begin + _STATED_AT_ONCE]
        if left_out := store_together(store, memory, some, StatementKind.RETENTION, words, wanted[1]):
            raise SigningError(f"{left_out[0].origin}: the key cannot sign how long records are kept")


def _said(rows: Collection[StatementRow]) -> tuple[int | None, bytes]:
    said: tuple[int | None, bytes] = (-1, b"")
    for row in rows:
        try:
            said = (read_retention(open_statement(row.note)[0]), row.data)
        except VerificationError:  # altered: verification reports it
            said = (-1, b"")
    return said

"""The last statements of logs in storage, and the keys that sign the logs according to their statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from server.log.stored_log import LogUnusableError
from server.notary.batch import Batch
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import VerificationError
from server.notary.keys import VerifierKey
from server.notary.origin import LogName
from server.notary.statement import Statement, StatementKind, StatementRow, open_statement, read_key_change
from storage.batch_lookup import read_last_of_logs
from storage.engine import Engine
from storage.statements import last_statements, read_statements_of_logs

__all__ = ["open_statements"]


@dataclass(frozen=True, slots=True)
class _Stored:
    """Rows of a log in storage: its last statement, those of key changes, and its last batch if it has no statement."""

    last: StatementRow | None
    changes: Sequence[StatementRow]
    batch: Batch | None


def open_statements(
    engine: Engine, logs: Mapping[LogName, Statement | None], own: Callable[[LogName], Collection[VerifierKey]]
) -> dict[LogName, tuple[Statement | None, tuple[VerifierKey, ...]]]:
    """Return the last statement of each of some logs, and the keys that sign it.

    Args:
        engine: the storage.
        logs: the logs, each with the last statement that this writer remembers, if any.
        own: returns the current and former Ed25519 keys that this server has for a log.

    Returns:
        For each log its last statement, None if there is none; and the keys, empty if it has no signature yet.

    Raises:
        LogUnusableError: the last statement of a log does not verify, or statements were lost.
        StorageError: storage cannot be read.
    """
    stored = _read(engine, list(logs))
    return {name: _open(name, own(name), known, stored[name]) for name, known in logs.items()}


def _read(engine: Engine, names: Collection[LogName]) -> dict[LogName, _Stored]:
    ids = [name.log_id for name in names]
    last = last_statements(engine, ids)
    changes = read_statements_of_logs(engine, ids, StatementKind.KEYS)
    batches = read_last_of_logs(engine, [log_id for log_id in ids if log_id not in last])
    return {
        name: _Stored(last.get(log_id), changes.get(log_id, ()), batches.get(log_id))
        for name, log_id in zip(names, ids, strict=True)
    }


def _open(
    name: LogName, keys: Collection[VerifierKey], known: Statement | None, stored: _Stored
) -> tuple[Statement | None, tuple[VerifierKey, ...]]:
    try:
        last = _read_statement(stored.last, keys) if stored.last else None
        in_force = _keys_in_force(keys, stored)
    except VerificationError as error:
        raise LogUnusableError(
            f"the statements of the log {name.origin} in storage do not verify ({error}). Run 'lognotary verify'; "
            "to continue without them, start with another writer name (--writer)"
        ) from error
    if known is not None and (last is None or last.number < known.number):
        raise LogUnusableError(
            f"storage has lost statements: the log {name.origin} had {known.number} when this server last wrote, but "
            f"has {last.number if last else 0} now. Restore it, or start a new log under another name (--writer)"
        )
    return last, in_force


def _read_statement(row: StatementRow, keys: Collection[VerifierKey]) -> Statement:
    statement, note = open_statement(row.note)
    note.verify(keys)
    return statement


def _keys_in_force(own: Collection[VerifierKey], stored: _Stored) -> tuple[VerifierKey, ...]:
    in_force: tuple[VerifierKey, ...] = ()
    for row in stored.changes:
        change = read_key_change(*open_statement(row.note))
        if set(own) & set(change.after):
            in_force = change.after
    if in_force:
        return in_force
    # The keys have never changed, so every signature is by these keys.
    if stored.last is not None:
        return tuple(open_statement(stored.last.note)[1].verify(own))
    last = stored.batch
    return tuple(open_checkpoint(last.checkpoint)[1].verify(own)) if last else ()

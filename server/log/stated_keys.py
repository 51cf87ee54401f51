"""The last statement of a log in storage, and the keys that sign the log according to its statements."""

from __future__ import annotations

from collections.abc import Collection

from server.log.stored_log import LogUnusableError
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import VerificationError
from server.notary.keys import VerifierKey
from server.notary.origin import LogName
from server.notary.statement import Statement, StatementKind, StatementRow, open_statement, read_key_change
from server.notary.trust import TrustedKeys
from storage.engine import Engine
from storage.evidence import last_batch
from storage.statements import last_statement, read_statements

__all__ = ["open_statements"]


def open_statements(
    engine: Engine, name: LogName, own: TrustedKeys, known: Statement | None
) -> tuple[Statement | None, tuple[VerifierKey, ...]]:
    """Return the last statement of a log, and the keys that sign it.

    Args:
        engine: the storage.
        name: the log.
        own: the current and former keys of this server.
        known: the last statement that this writer remembers, if any.

    Returns:
        The last statement, None if there is none; and the keys, empty if the log has no signature yet.

    Raises:
        LogUnusableError: the last statement does not verify, or statements were lost.
        StorageError: storage cannot be read.
    """
    stored = last_statement(engine, name.log_id)
    keys = own.for_origin(name.origin)
    try:
        last = _read_statement(stored, keys) if stored else None
        in_force = _keys_in_force(engine, name, keys, stored)
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


def _keys_in_force(
    engine: Engine, name: LogName, own: Collection[VerifierKey], stated: StatementRow | None
) -> tuple[VerifierKey, ...]:
    in_force: tuple[VerifierKey, ...] = ()
    for row in read_statements(engine, name.log_id, StatementKind.KEYS):
        change = read_key_change(*open_statement(row.note))
        if set(own) & set(change.after):
            in_force = change.after
    if in_force:
        return in_force
    # The keys have never changed, so every signature is by these keys.
    if stated is not None:
        return tuple(open_statement(stated.note)[1].verify(own))
    last = last_batch(engine, name.log_id)
    return tuple(open_checkpoint(last.checkpoint)[1].verify(own)) if last else ()

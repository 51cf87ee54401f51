"""Recovery: the state of a log in storage and journal, before anything is appended to it.

An entry is released from the journal only if storage has exactly its batch. If storage has another one at its place,
another server has continued the log, and the journal has the only copy of the records.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from server.errors.base import LognotaryError
from server.log.journal import Journal
from server.log.journal_entry import Entry, decode_entry
from server.notary.batch import Batch, LogState, compute_batch_id
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.counted import counted, entries_of
from server.notary.errors import VerificationError
from server.notary.keys import VerifierKey
from server.notary.merkle import CompactRange
from server.notary.origin import LogName
from server.notary.statement import Statement, StatementKind, StatementRow, open_statement, read_key_change
from server.notary.trust import TrustedKeys
from storage.engine import Engine
from storage.evidence import last_batch, read_batches_at, read_batches_of_leaves, read_fragments
from storage.statements import last_statement, read_statements
from storage.stored_records import count_after

__all__ = ["LogUnusableError", "SignedFrom", "open_log", "open_statements"]

_logger = logging.getLogger(__name__)

_COMPARED_AT_ONCE = 500  # batches of the journal that are looked up with one query


class LogUnusableError(LognotaryError):
    """The log in storage is not the log that this writer wrote; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SignedFrom:
    """The keys that signed consecutive batches of a journal.

    Attributes:
        size: number of entries in the log before the first of these batches.
        keys: the keys, all of which signed.
    """

    size: int
    keys: frozenset[VerifierKey]


def open_log(
    engine: Engine,
    name: LogName,
    keys: Collection[VerifierKey],
    known: Checkpoint | None,
    journal: Journal,
) -> tuple[LogState, LogState, list[SignedFrom]]:
    """Return the state of a log, after checking that it can be continued.

    Batches in the journal that storage has too are released from the journal. If an error is raised, the journal is
    unchanged.

    Args:
        engine: the storage.
        name: the log.
        keys: the keys that may have signed the log's last batches.
        known: the last checkpoint that this writer remembers, if any.
        journal: the log's journal.

    Returns:
        The state of the log in storage, its state including the journal, and the keys that signed the batches in the
        journal.

    Raises:
        LogUnusableError: the log's last batch does not verify, or does not extend ``known``; or storage has gone on
            without a batch that is in the journal.
        JournalDamagedError: the journal does not continue the log.
        StorageError: storage cannot be read.
    """
    last = last_batch(engine, name.log_id)
    try:
        state = _state_after(engine, name, keys, last) if last else LogState(name)
    except VerificationError as error:
        raise LogUnusableError(
            f"the last batch of the log {name.origin} in storage does not verify ({error}). Run 'lognotary verify'; "
            "to continue without it, start with another writer name (--writer)"
        ) from error
    stored, waiting = _compare(engine, name, last, journal)
    head = state
    signed: list[SignedFrom] = []
    known_in_journal = False
    for number in waiting:
        # One at a time: a journal may be larger than the memory.
        entry = _entry_of(journal, number, name)
        signers = _check_signature(entry, keys)
        if not signed or signed[-1].keys != signers:
            signed.append(SignedFrom(head.range.size, signers))
        head, _ = entry.extend(head)
        known_in_journal = known_in_journal or (known is not None and _is_after(entry, known))
    if waiting:
        what = counted(len(waiting), "batch in the journal is", "batches in the journal are")
        _logger.warning("%s: %s not in storage yet", name.origin, what)
    if known is not None and not known_in_journal:
        _check_known(engine, state, known)
    left_over = 0 if waiting else count_after(engine, name.stream, name.log_id, state.range.size)
    if left_over:
        _logger.warning(
            "%s: %s to a batch that was never committed and is not in the journal: unsigned, and listed by "
            "'lognotary verify'",
            name.origin,
            counted(left_over, "row belongs", "rows belong"),
        )
    journal.release(stored)
    return state, head, signed


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


def _compare(engine: Engine, name: LogName, last: Batch | None, journal: Journal) -> tuple[int, list[int]]:
    """Compare the batches in the journal with those in storage.

    Args:
        engine: the storage.
        name: the log.
        last: its last batch in storage.
        journal: its journal.

    Returns:
        The number of the last entry that storage has, 0 if it has none of them; and the numbers of the entries that it
        does not have.

    Raises:
        LogUnusableError: storage has later batches, but not one that is in the journal.
    """
    newest = {name.origin: last}
    compared: list[Batch] = []
    stored = 0
    numbers = list(journal.waiting)
    for number in numbers:
        batch = decode_entry(journal.read(number)).batch
        if batch.origin not in newest:
            newest[batch.origin] = last_batch(engine, batch.log_id)
        end = newest[batch.origin]
        if end is None or batch.sequence > end.sequence:
            break  # entries are released in order, so storage has none of those behind it
        compared.append(batch)
        stored = number
        if len(compared) == _COMPARED_AT_ONCE:
            _check_stored(engine, compared, journal)
            compared.clear()
    _check_stored(engine, compared, journal)
    return stored, [number for number in numbers if number > stored]


def _entry_of(journal: Journal, number: int, name: LogName) -> Entry:
    """Return an entry of the journal that storage does not have; raises LogUnusableError if it is of another log."""
    entry = decode_entry(journal.read(number))
    if entry.batch.origin != name.origin:
        raise LogUnusableError(
            f"the journal has records of another log, {entry.batch.origin}, which were acknowledged but are not in "
            f"this storage. Start once as before, so that they are stored; or move {journal.directory} away, "
            "and keep it"
        )
    return entry


def _check_stored(engine: Engine, batches: Iterable[Batch], journal: Journal) -> None:
    """Check that storage has exactly these batches, each at its place in its log; raises LogUnusableError."""
    logs: dict[str, list[Batch]] = {}
    for batch in batches:
        logs.setdefault(batch.log_id, []).append(batch)
    for log_id, of_log in logs.items():
        there = read_batches_at(engine, log_id, [(batch.sequence, batch.tree_size) for batch in of_log])
        identities = {(batch.sequence, batch.tree_size, batch.batch_id) for batch in there}
        for batch in of_log:
            if (batch.sequence, batch.tree_size, batch.batch_id) not in identities:
                raise LogUnusableError(_explain_difference(engine, batch, journal))


def _explain_difference(engine: Engine, batch: Batch, journal: Journal) -> str:
    if read_batches_of_leaves(engine, batch.log_id, [batch.first_leaf]):
        what = (
            f"storage has another history: batch {batch.sequence} of the log {batch.origin} is not the one in the "
            "journal. Another server has continued the log under the same name"
        )
    else:
        what = (
            f"storage has lost records: it has later batches of the log {batch.origin}, but not batch "
            f"{batch.sequence}, which is in the journal. If you can, restore the storage"
        )
    return (
        f"{what}. The records of this batch and of later ones in the journal may have been acknowledged and are not in "
        f"storage. Nothing was deleted: 'lognotary journal inspect {journal.directory}' lists them. To start without "
        f"them, move the directory {journal.directory} to a safe place, keep it, and have the sources send the "
        "records again. Give each server a --writer of its own"
    )


def _check_signature(entry: Entry, keys: Collection[VerifierKey]) -> frozenset[VerifierKey]:
    try:
        note = open_checkpoint(entry.batch.checkpoint)[1]
        signers = frozenset(note.verify(keys))
    except VerificationError as error:
        raise LogUnusableError(
            f"the journal has a batch of the log {entry.batch.origin} signed by none of the log's keys ({error})"
        ) from error
    if len(signers) != len(note.signatures):
        raise LogUnusableError(
            f"the journal has a batch of the log {entry.batch.origin} that was signed by a key which is missing now: "
            "put the key back, so that the batch can be stored as it was acknowledged"
        )
    return signers


def _is_after(entry: Entry, known: Checkpoint) -> bool:
    """Return whether a checkpoint is the checkpoint of a batch."""
    return (entry.batch.tree_size, entry.batch.root_hash) == (known.size, known.root)


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


def _state_after(engine: Engine, name: LogName, keys: Collection[VerifierKey], last: Batch) -> LogState:
    checkpoint, note = open_checkpoint(last.checkpoint)
    note.verify(keys)
    if (checkpoint.origin, checkpoint.size, checkpoint.root) != (name.origin, last.tree_size, last.root_hash):
        raise VerificationError("the checkpoint does not belong to this batch")
    if compute_batch_id(last) != last.batch_id:
        raise VerificationError("the batch was altered")
    leaves = b"".join(
        fragment.hashes
        for fragment, batch_id in read_fragments(engine, name.log_id, last.first_leaf, last.tree_size)
        if fragment.level == 0 and batch_id == last.batch_id
    )
    before = CompactRange.from_bytes(last.first_leaf, last.frontier)
    after, _ = before.extend(leaves)
    if after.size != last.tree_size or after.root() != last.root_hash:
        raise VerificationError("its hashes in log_tiles are incomplete or were altered")
    return LogState(name, last.sequence, after)


def _check_known(engine: Engine, state: LogState, known: Checkpoint) -> None:
    if known.size == 0:
        return
    if known.size > state.range.size:
        raise LogUnusableError(
            f"storage has lost records: the log {known.origin} had {entries_of(known.size)} when this server last "
            f"wrote, but has {state.range.size} now. Restore the storage, or start a new log under another name "
            "(--writer)"
        )
    batches = read_batches_of_leaves(engine, state.name.log_id, [known.size - 1])
    if not any(batch.tree_size == known.size and batch.root_hash == known.root for batch in batches):
        raise LogUnusableError(
            f"storage has another history: the log {known.origin} is not the one whose checkpoint of {known.size} "
            "entries this server signed. Is another server writing under the same name? Give each a --writer of its own"
        )

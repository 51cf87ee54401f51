"""Recovery: the states of logs in storage and journal, before anything is appended to them.

An entry is released from the journal only if storage has exactly its batches. If storage has another batch in the place
of one, another server has continued the log, and the journal has the only copy of the records. If storage has lost some
batches of an entry, the entry stays in the journal, and these are stored again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from server.log.journal import Journal
from server.log.journal_entry import SignedBatch, decode_entry
from server.log.stored_log import LogUnusableError, check_known, read_stored_logs
from server.notary.batch import Batch, LogState
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.counted import counted
from server.notary.errors import VerificationError
from server.notary.keys import VerifierKey
from server.notary.origin import LogName
from storage.batch_lookup import read_batches_at_places
from storage.engine import Engine
from storage.evidence import last_batch, read_batches_of_leaves
from storage.stored_records import count_after

__all__ = ["KnownLog", "RecoveredLog", "SignedFrom", "recover_logs"]

_logger = logging.getLogger(__name__)

_COMPARED_AT_ONCE = 500  # batches of the journal that are looked up with one query


@dataclass(frozen=True, slots=True)
class SignedFrom:
    """The keys that signed consecutive batches of a journal.

    Attributes:
        size: number of entries in the log before the first of these batches.
        keys: the keys, all of which signed.
    """

    size: int
    keys: frozenset[VerifierKey]


@dataclass(frozen=True, slots=True)
class KnownLog:
    """Facts about a log that do not come from its storage or journal.

    Attributes:
        keys: the keys that may have signed the log's last batches.
        checkpoint: the last checkpoint that this writer remembers, if any.
    """

    keys: Collection[VerifierKey]
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, slots=True)
class RecoveredLog:
    """The state in which a log was found.

    Attributes:
        state: state of the log in storage.
        head: state of the log, including the batches in the journal.
        newest: last batch of the log, in the journal or in storage; None if the log has none.
        signed: the keys that signed the log's batches in the journal, in their order.
    """

    state: LogState
    head: LogState
    newest: Batch | None
    signed: tuple[SignedFrom, ...]


def recover_logs(
    engine: Engine,
    logs: Mapping[LogName, KnownLog],
    journal: Journal | None,
    discover: Callable[[str], tuple[LogName, KnownLog] | None] = lambda _origin: None,
) -> dict[LogName, RecoveredLog]:
    """Return the states of the logs of a stream that share a journal, after checking that they can be continued.

    Entries in the journal of which storage has all batches are released from the journal. If an error is raised, the
    journal is unchanged.

    Args:
        engine: the storage.
        logs: the logs, all of one stream.
        journal: their journal; None if it has nothing of them.
        discover: function that is called with the origin of another log in the journal, and returns its name and what
            is known about it, None if this writer has no such log.

    Returns:
        The states of the logs, those included that were discovered in the journal.

    Raises:
        LogUnusableError: a log's last batch does not verify, or does not extend the known checkpoint; or storage has
            gone on without a batch that is in the journal.
        JournalDamagedError: the journal does not continue the logs.
        StorageError: storage cannot be read.
    """
    found = _recoveries(engine, logs)
    stored, waiting = _read_journal(engine, found, journal, discover) if journal is not None else (0, 0)
    if waiting:
        what = counted(waiting, "batch in the journal is", "batches in the journal are")
        origins = [origin for origin, log in found.items() if log.signed]
        others = f" and {counted(len(origins) - 1, 'other log')}" if len(origins) > 1 else ""
        _logger.warning("%s%s: %s not in storage yet", origins[0], others, what)
    for log in found.values():
        log.check_known()
    _warn_of_rows_left_over(engine, [log.state for log in found.values() if not log.signed])
    if journal is not None:
        journal.release(stored)
    return {log.name: log.result() for log in found.values()}


class _Recovery:
    """A log while the journal is read."""

    def __init__(self, engine: Engine, name: LogName, known: KnownLog, state: LogState, last: Batch | None) -> None:
        self._engine = engine
        self.name = name
        self._known = known
        self.state, self.last = state, last
        self._newest = self.last
        self._head = self.state
        self.signed: list[SignedFrom] = []
        self._known_in_journal = False

    def extend(self, signed: SignedBatch) -> None:
        """Go on to the state after a batch in the journal that is not in storage."""
        signers = _check_signature(signed.batch, self._known.keys)
        if not self.signed or self.signed[-1].keys != signers:
            self.signed.append(SignedFrom(self._head.range.size, signers))
        self._head, _ = signed.extend(self._head)
        self._newest = signed.batch
        known = self._known.checkpoint
        self._known_in_journal = self._known_in_journal or (known is not None and _is_after(signed.batch, known))

    def check_known(self) -> None:
        """Check that the log has the checkpoint that the writer remembers; raises LogUnusableError."""
        if self._known.checkpoint is not None and not self._known_in_journal:
            check_known(self._engine, self.state, self._known.checkpoint)

    def result(self) -> RecoveredLog:
        """Return the state in which the log was found."""
        return RecoveredLog(self.state, self._head, self._newest, tuple(self.signed))


def _recoveries(engine: Engine, logs: Mapping[LogName, KnownLog]) -> dict[str, _Recovery]:
    """Return logs as storage has them, by origin; raises LogUnusableError."""
    stored = read_stored_logs(engine, {name: known.keys for name, known in logs.items()})
    return {name.origin: _Recovery(engine, name, known, *stored[name]) for name, known in logs.items()}


def _warn_of_rows_left_over(engine: Engine, states: Sequence[LogState]) -> None:
    """Log how many rows of each log belong to no batch, neither in storage nor in the journal."""
    if not states:
        return
    sizes = {state.name.log_id: state.range.size for state in states}
    left_over = count_after(engine, states[0].name.stream, sizes)
    for state in states:
        if rows := left_over.get(state.name.log_id):
            _logger.warning(
                "%s: %s to a batch that was never committed and is not in the journal: unsigned, and listed by "
                "'lognotary verify'",
                state.name.origin,
                counted(rows, "row belongs", "rows belong"),
            )


def _read_journal(
    engine: Engine,
    logs: dict[str, _Recovery],
    journal: Journal,
    discover: Callable[[str], tuple[LogName, KnownLog] | None],
) -> tuple[int, int]:
    """Extend the logs by the batches in the journal that storage does not have.

    Args:
        engine: the storage.
        logs: the logs, by origin; those that are discovered are added.
        journal: their journal.
        discover: see ``recover_logs``.

    Returns:
        The number of the last entry before which storage has all batches, 0 if there is none; and the number of batches
        that storage does not have.

    Raises:
        LogUnusableError: storage has later batches of a log, but not one that is in the journal.
    """
    newest = {origin: log.last for origin, log in logs.items()}
    compared: list[Batch] = []
    stored = waiting = 0
    for number in journal.waiting:
        # One at a time: a journal may be larger than the memory.
        entry = decode_entry(journal.read(number))
        missing = [signed for signed in entry.signed if not _may_have(engine, signed.batch, newest)]
        ids = {signed.batch.batch_id for signed in missing}
        compared += (batch for batch in entry.batches if batch.batch_id not in ids)
        if not missing and not waiting:
            stored = number
        if missing or len(compared) >= _COMPARED_AT_ONCE:
            _check_stored(engine, compared, journal)
            compared.clear()
        for signed in missing:
            if signed.batch.origin not in logs and (discovered := discover(signed.batch.origin)) is not None:
                logs |= _recoveries(engine, dict([discovered]))
            _log_of(signed.batch, logs, journal).extend(signed)
        waiting += len(missing)
        del entry, missing  # before the next one is read
    _check_stored(engine, compared, journal)
    return stored, waiting


def _may_have(engine: Engine, batch: Batch, newest: dict[str, Batch | None]) -> bool:
    """Return whether storage has this batch of a log, or another one in its place; batches are stored in order."""
    if batch.origin not in newest:
        newest[batch.origin] = last_batch(engine, batch.log_id)
    end = newest[batch.origin]
    return end is not None and batch.sequence <= end.sequence


def _log_of(batch: Batch, logs: Mapping[str, _Recovery], journal: Journal) -> _Recovery:
    """Return the log of a batch that storage does not have; raises LogUnusableError if it is another log."""
    log = logs.get(batch.origin)
    if log is None:
        raise LogUnusableError(
            f"the journal has records of another log, {batch.origin}, which were acknowledged but are not in "
            f"this storage. Start once as before, so that they are stored; or move {journal.directory} away, "
            "and keep it"
        )
    return log


def _check_stored(engine: Engine, batches: Sequence[Batch], journal: Journal) -> None:
    """Check that storage has exactly these batches, each at its place in its log; raises LogUnusableError."""
    there = read_batches_at_places(engine, [(batch.log_id, batch.sequence, batch.tree_size) for batch in batches])
    stored = {(batch.log_id, batch.sequence, batch.tree_size, batch.batch_id) for batch in there}
    for batch in batches:
        if (batch.log_id, batch.sequence, batch.tree_size, batch.batch_id) not in stored:
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


def _check_signature(batch: Batch, keys: Collection[VerifierKey]) -> frozenset[VerifierKey]:
    try:
        note = open_checkpoint(batch.checkpoint)[1]
        signers = frozenset(note.verify(keys))
    except VerificationError as error:
        raise LogUnusableError(
            f"the journal has a batch of the log {batch.origin} signed by none of the log's keys ({error})"
        ) from error
    if len(signers) != len(note.signatures):
        raise LogUnusableError(
            f"the journal has a batch of the log {batch.origin} that was signed by a key which is missing now: "
            "put the key back, so that the batch can be stored as it was acknowledged"
        )
    return signers


def _is_after(batch: Batch, known: Checkpoint) -> bool:
    """Return whether a checkpoint is the checkpoint of a batch."""
    return (batch.tree_size, batch.root_hash) == (known.size, known.root)

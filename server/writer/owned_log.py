"""A log that a process writes: its writer and its statements, and where it stood when it was opened."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from server.keys.keyring import Keyring
from server.keys.known_keys import KnownKeys
from server.log.committed_log import CommittedLog
from server.log.key_changes import DecidedChange, KeyChanges
from server.log.log_memory import LogMemory
from server.log.log_writer import LogWriter
from server.log.open_log import OpenLog
from server.log.receipt_floor import ReceiptFloor
from server.log.recovery import RecoveredLog, SignedFrom
from server.log.statement_store import StatementStore
from server.log.statement_writer import StatementWriter
from server.log.stream_writer import StreamWriter
from server.notary.keys import VerifierKey
from server.notary.origin import LogName
from server.notary.signers import Signer
from server.notary.statement import Statement

__all__ = ["FoundLog", "LogWriting", "OwnedLog"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A log as it was found, before it is gone on with.

    Attributes:
        name: its name.
        last: its last statement in storage, None if there is none.
        in_force: the keys that sign it, according to its statements; empty if it has no signature yet.
        recovered: its states in storage and in the journal.
    """

    name: LogName
    last: Statement | None
    in_force: tuple[VerifierKey, ...]
    recovered: RecoveredLog


@dataclass(frozen=True, slots=True)
class LogWriting:
    """The parts that all logs of a stream share.

    Attributes:
        stream: the writer of the stream's logs.
        store: stores the statements of all of them.
        memory: remembers how far each log went.
        keys: the keys to sign with, and those that did before.
        clock: the time of statements, in seconds since the epoch; records are received by the same clock.
    """

    stream: StreamWriter
    store: StatementStore
    memory: LogMemory
    keys: Keyring
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class OwnedLog:
    """A log that this process writes.

    Attributes:
        name: its name.
        writer: appends batches to it.
        statements: states how it stands.
        latest: when the last record was received, or the last statement signed, that it had when it was opened, in
            nanoseconds since the epoch.
        opened_at: when it was opened, in seconds since the epoch.
    """

    name: LogName
    writer: LogWriter
    statements: StatementWriter
    latest: int
    opened_at: float = field(default_factory=time.time)

    @classmethod
    def open(cls, found: FoundLog, writing: LogWriting, signer: Signer, keys: KnownKeys) -> OwnedLog:
        """Go on with a log, to be signed by the keys that signed it last.

        Args:
            found: the log.
            writing: the parts that it shares with others.
            signer: the keys to sign with, if the log has no signature yet.
            keys: all keys that may have signed it.

        Raises:
            KeyStoreError: a key is missing.
        """
        name, recovered = found.name, found.recovered
        # If storage has nothing signed, a second key must be stated too: a verifier is given only one key.
        first = keys.signer_of(recovered.signed[0].keys) if recovered.signed else signer
        before = keys.signer_of(found.in_force) if found.in_force else Signer(first.ed25519)
        decided = _decided_changes(before.verifier_keys(name.origin), recovered.signed, keys)
        committed, receipts = CommittedLog(recovered.state), ReceiptFloor(recovered.head.range.size)
        statements = StatementWriter(
            writing.store, found.last, before, committed, writing.memory, writing.clock, receipts
        )
        changes = KeyChanges(name.origin, before, statements, decided)
        writer = LogWriter(writing.stream, OpenLog(committed, changes, recovered.head, receipts))
        newest = recovered.newest.ingested_at if recovered.newest else 0
        return cls(name, writer, statements, max(newest, found.last.time * 10**9 if found.last else 0))

    def change_keys(self, signer: Signer) -> None:
        """Sign with other keys as soon as possible, if these are others; does not wait for storage."""
        if self.writer.change_keys(signer):
            _logger.info("%s: a key change is pending", self.name.origin)

    @property
    def checkpoint_age(self) -> float:
        """Seconds since the last checkpoint was stored, or since the log was last written to before it was opened."""
        return max(0.0, time.time() - (self.writer.committed_at or self.latest / 10**9 or self.opened_at))

    @property
    def stated_keys(self) -> Signer | None:
        """The keys that sign the log, as storage has it; None while that changes."""
        keys = self.writer.keys
        return None if keys.pending else keys.stated


def _decided_changes(
    before: Collection[VerifierKey], signed: Iterable[SignedFrom], keys: KnownKeys
) -> Iterator[DecidedChange]:
    """Yield the changes of keys that were decided, and not stated in storage, when an earlier process ended."""
    sign = frozenset(before)
    for some in signed:
        if some.keys != sign:
            yield DecidedChange(some.size, keys.signer_of(some.keys))
            sign = some.keys

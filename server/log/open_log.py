"""A log that is being written, and the set of those logs that share a journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from server.codec.rows import Rows
from server.errors.ingest import JournalDamagedError, RefusedError, StorageRefusedError
from server.log.committed_log import CommittedLog
from server.log.journal_entry import SignedBatch
from server.log.key_changes import KeyChanges
from server.log.receipt_floor import ReceiptFloor
from server.notary.batch import Batch, LogState, TileFragment, notarize
from server.notary.errors import SigningError
from server.notary.origin import LogName

__all__ = ["LogRecords", "OpenLog", "OpenLogs", "Outcomes", "SealedBatch"]

Outcomes = dict[LogName, Batch | RefusedError]
"""For each log of a commit its batch, or the reason why its records were refused."""


@dataclass(frozen=True, slots=True)
class LogRecords:
    """Records for one log.

    Attributes:
        parts: rows of the log's stream, at least one part, all received on one day (UTC).
        requests: digests of the requests of the rows, 32 bytes each.
    """

    parts: Sequence[Rows]
    requests: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """A batch that is signed, and is not in the journal yet.

    Attributes:
        log: the batch's log.
        signed: the batch.
        fragments: the hashes that the batch adds to the tree.
        state: state of the log after the batch.
        parts: rows of the batch.
    """

    log: OpenLog
    signed: SignedBatch
    fragments: tuple[TileFragment, ...]
    state: LogState
    parts: Sequence[Rows]


class OpenLog:
    """A log that is being written: its state in storage and in the journal, its keys, its receipt floor."""

    def __init__(
        self,
        committed: CommittedLog,
        keys: KeyChanges,
        head: LogState | None = None,
        receipts: ReceiptFloor | None = None,
    ) -> None:
        """Continue a log.

        Args:
            committed: state of the log in storage, which each commit replaces.
            keys: the keys that sign the log, and key changes.
            head: state of the log, including the batches in the journal; None if there are none.
            receipts: receipt floor that statements have promised; None if no statement promises one.
        """
        self.committed = committed
        """State of the log in storage."""
        self.keys = keys
        """The keys that sign the log."""
        self.head = head or committed.state
        """State of the log, including the batches in the journal; changed by one thread at a time."""
        self.receipts = ReceiptFloor(self.head.range.size) if receipts is None else receipts
        """The receipt floor that the log's statements have promised."""
        self.signed = 0
        """Number of checkpoints signed."""

    @property
    def name(self) -> LogName:
        """Name of the log."""
        return self.committed.name

    def seal(self, records: LogRecords) -> SealedBatch:
        """Sign records as the next batch of the log; the log itself stays as it is until ``advance``.

        Raises:
            StorageRefusedError: the batch cannot be signed, or a statement has promised that records received so long
                ago will not be appended.
        """
        parts = records.parts
        leaf_hashes = b"".join(part.leaf_hashes for part in parts)
        count = sum(part.count for part in parts)
        self.receipts.admit(min(part.first_ingested_at for part in parts), self.head.range.size + count)
        try:
            notarized = notarize(
                self.head,
                leaf_hashes,
                self.keys.signer,
                min_timestamp=min(part.min_timestamp for part in parts),
                max_timestamp=max(part.max_timestamp for part in parts),
                ingested_at=max(part.ingested_at for part in parts),
            )
        except SigningError as error:
            raise StorageRefusedError(
                f"the batch cannot be signed: {error}", retry_after=2.0, public="the batch cannot be signed now"
            ) from error
        signed = SignedBatch(notarized.batch, leaf_hashes, tuple(records.requests))
        return SealedBatch(self, signed, notarized.fragments, notarized.state, parts)

    def advance(self, state: LogState) -> None:
        """Go on to the state after a batch that is in the journal."""
        self.head = state
        self.signed += 1

    def retreat(self) -> None:
        """Go back to the state in storage, since the batches in the journal were refused or are stored."""
        self.head = self.committed.state


class OpenLogs:
    """The logs of one stream that share a journal; thread-safe."""

    def __init__(self) -> None:
        """Begin without logs."""
        self._by_origin: dict[str, OpenLog] = {}

    def __iter__(self) -> Iterator[OpenLog]:
        """Iterate over the logs that there are now."""
        return iter(tuple(self._by_origin.values()))

    def add(self, log: OpenLog) -> None:
        """Add a log.

        Raises:
            ValueError: there is a log with this name.
        """
        if self._by_origin.setdefault(log.name.origin, log) is not log:
            raise ValueError(f"the log {log.name.origin} is open already")

    def named(self, name: LogName) -> OpenLog:
        """Return a log; raises KeyError if it was not added."""
        return self._by_origin[name.origin]

    def of(self, batch: Batch) -> OpenLog:
        """Return the log of a batch in the journal.

        Raises:
            JournalDamagedError: it is none of these logs.
        """
        log = self._by_origin.get(batch.origin)
        if log is None:
            raise JournalDamagedError(
                f"the journal has batch {batch.sequence} of the log {batch.origin}, which this server does not write. "
                "No file was changed. Start the server as before, so that the batch is stored"
            )
        return log

    def seal(self, records: Mapping[LogName, LogRecords], outcomes: Outcomes) -> list[SealedBatch]:
        """Sign the batch of each log, and note the outcomes of those that cannot be signed.

        Raises:
            KeyError: a log was not added.
        """
        sealed = []
        for name, some in records.items():
            try:
                sealed.append(self.named(name).seal(some))
            except RefusedError as error:
                outcomes[name] = error
        return sealed

"""The writer of one log of a stream."""

from __future__ import annotations

from collections.abc import Sequence

from server.codec.rows import Rows
from server.errors.ingest import RefusedError
from server.log.key_changes import KeyChanges
from server.log.open_log import LogRecords, OpenLog, Outcomes
from server.log.stream_writer import StreamWriter
from server.notary.batch import Batch
from server.notary.checkpoint import Checkpoint
from server.notary.signers import Signer

__all__ = ["LogWriter"]


class LogWriter:
    """Writer that appends batches to one log, and shares a journal with the stream's other logs."""

    def __init__(self, stream: StreamWriter, log: OpenLog) -> None:
        """Add a log to the writer of its stream."""
        self.stream = stream
        """The writer of the stream's logs."""
        self.log = log
        """The log."""
        stream.add(log)

    @property
    def keys(self) -> KeyChanges:
        """The keys that sign the log."""
        return self.log.keys

    @property
    def signed(self) -> int:
        """Number of checkpoints signed."""
        return self.log.signed

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint of the log's last batch in storage."""
        return self.log.committed.checkpoint

    @property
    def committed_at(self) -> float:
        """Time of the last commit of this process, in seconds since the epoch; 0 if there was none."""
        return self.log.committed.committed_at

    def change_keys(self, signer: Signer) -> bool:
        """Request that other keys sign as soon as possible; does not block.

        Returns:
            True if the keys differ from the current keys.
        """
        changes = self.keys.want(signer)
        self.stream.wake()
        return changes

    def commit(self, parts: Sequence[Rows], requests: Sequence[bytes] = ()) -> Batch:
        """Sign and store records as one batch.

        Args:
            parts: rows of this log's stream, all received on one day (UTC).
            requests: digests of the requests of the rows.

        Raises:
            BatchOutcomeUnknownError: the batch may be committed; ``StreamWriter.store_waiting`` commits it.
            RefusedError: the batch was not committed.
        """
        return self._batch(self.stream.commit({self.log.name: LogRecords(parts, requests)}))

    def append(self, parts: Sequence[Rows], requests: Sequence[bytes] = ()) -> Batch:
        """Sign records as one batch and append it to the journal. Args as ``commit``.

        Raises:
            RefusedError: the batch was not appended.
        """
        return self._batch(self.stream.append({self.log.name: LogRecords(parts, requests)}))

    def _batch(self, outcomes: Outcomes) -> Batch:
        outcome = outcomes[self.log.name]
        if isinstance(outcome, RefusedError):
            raise outcome
        return outcome

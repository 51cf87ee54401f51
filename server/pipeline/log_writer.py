"""The writer of one log: notarizes batches and commits them, one after the other.

A batch is written in three steps: its records, the tree's new hashes, and last its row in
``log_batches``, which commits it. While it is open whether a step took effect, the step is repeated
with the same deduplication token; the log never goes on past a batch whose outcome is unknown.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from server.notary.batch import Batch, LogState, notarize
from server.notary.checkpoint import Checkpoint
from server.notary.errors import SigningError
from server.notary.signers import Signer
from server.pipeline.errors import StorageRefusedError
from server.pipeline.rows import Rows
from server.pipeline.statement_writer import StatementWriter
from server.pipeline.sure_insert import repeat_insert
from storage.commit import encode_records_block, insert_batch, insert_records, insert_tiles, is_stored
from storage.engine import Engine
from storage.errors import NotAppliedError, StorageError
from storage.schema import RECORD_TABLES

__all__ = ["LogWriter"]

_logger = logging.getLogger(__name__)


class LogWriter:
    """Appends batches to a log."""

    def __init__(
        self,
        engine: Engine,
        state: LogState,
        signer: Signer,
        on_commit: Callable[[Batch], None],
        give_up: threading.Event,
    ) -> None:
        """Go on with a log.

        Args:
            engine: the storage.
            state: where the log stands.
            signer: its key.
            on_commit: called with every batch that was committed.
            give_up: once set, steps are not repeated any more.
        """
        self._engine = engine
        self._state = state
        self._signer = signer
        self._on_commit = on_commit
        self._give_up = give_up
        self._lock = threading.Lock()
        self.blocked = False
        """A batch has been started and cannot be finished yet."""

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the log stands: what its last committed batch signed."""
        return Checkpoint(self._state.name.origin, self._state.range.size, self._state.range.root())

    def change_keys(self, statements: StatementWriter, signer: Signer) -> bool:
        """Let other keys sign from now on, once that is stated; no batch is committed meanwhile.

        Returns:
            Whether they are others than signed so far.

        Raises:
            SigningError: a key cannot be used now.
            StorageRefusedError: it was not stored.
        """
        with self._lock:
            origin = self._state.name.origin
            if set(signer.verifier_keys(origin)) == set(self._signer.verifier_keys(origin)):
                return False
            statements.change_keys(self._signer, signer)
            self._signer = signer
            return True

    def commit(self, parts: Sequence[Rows]) -> Batch:
        """Store and sign records as one batch.

        Args:
            parts: rows of this log's stream, of one day.

        Raises:
            StorageRefusedError: the batch was not committed.
        """
        with self._lock:
            return self._commit(parts)

    def _commit(self, parts: Sequence[Rows]) -> Batch:
        if self._give_up.is_set():  # a batch may have been left unfinished: nothing may take its place
            raise StorageRefusedError("the server is shutting down")
        try:
            notarized = notarize(
                self._state,
                b"".join(part.leaf_hashes for part in parts),
                self._signer,
                min_timestamp=min(part.min_timestamp for part in parts),
                max_timestamp=max(part.max_timestamp for part in parts),
                ingested_at=max(part.ingested_at for part in parts),
            )
        except SigningError as error:
            raise StorageRefusedError(f"the batch cannot be signed: {error}", retry_after=2.0) from error
        batch = notarized.batch
        block = encode_records_block(batch, [part.columns for part in parts])
        records = RECORD_TABLES[parts[0].stream]
        try:
            insert_records(self._engine, batch, block)
        except NotAppliedError as error:
            # Nothing was stored, so the log can take another batch in this one's place.
            _logger.warning("%s: a batch of %d records was refused: %s", batch.origin, batch.record_count, error)
            raise StorageRefusedError(f"storage refused the batch: {error}", retry_after=2.0) from error
        except StorageError as error:
            self._repeat(lambda n: insert_records(self._engine, batch, block, renewed=n), records, batch, error)
        self._until_done(
            lambda n: insert_tiles(self._engine, batch, notarized.fragments, renewed=n), "log_tiles", batch
        )
        self._until_done(lambda n: insert_batch(self._engine, batch, renewed=n), "log_batches", batch)
        self._state = notarized.state
        try:
            self._on_commit(batch)
        except OSError as error:
            # Committed is committed, whether or not it can be remembered here too.
            _logger.warning("%s: the checkpoint of batch %d is not kept: %s", batch.origin, batch.sequence, error)
        return batch

    def _until_done(self, insert: Callable[[int], None], table: str, batch: Batch) -> None:
        try:
            insert(0)
        except StorageError as error:
            self._repeat(insert, table, batch, error)

    def _repeat(self, insert: Callable[[int], None], table: str, batch: Batch, error: StorageError) -> None:
        what = f"{batch.origin}: batch {batch.sequence} in {table}"
        self.blocked = True
        try:
            repeat_insert(what, insert, lambda: is_stored(self._engine, table, batch), self._give_up, error)
        finally:
            self.blocked = False

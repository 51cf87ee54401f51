"""A log as it is submitted to witnesses and timestamp authorities."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from server.errors.ingest import RefusedError
from server.notary.checkpoint import Checkpoint
from server.notary.errors import SigningError, VerificationError
from server.notary.note import SignedNote, parse_note
from server.notary.proofs import consistency_nodes, consistency_path
from server.notary.statement import StatementKind
from server.verification.tree import read_tree
from server.witness.errors import LogUnavailableError
from server.writer.owned_log import OwnedLog
from storage.checkpoints import read_batches_of_size
from storage.engine import Engine
from storage.errors import StorageError

__all__ = ["WitnessedLog"]


class WitnessedLog:
    """A log's checkpoints and proofs, read from storage, and the statements about their attestations."""

    def __init__(self, log: OwnedLog, engine: Engine) -> None:
        """Wrap a log and the storage it is in."""
        self._log = log
        self._engine = engine

    @property
    def origin(self) -> str:
        """Origin of the log."""
        return self._log.name.origin

    def latest(self) -> SignedNote | None:
        """Return the last committed checkpoint, None if there is none."""
        committed = self._log.writer.checkpoint
        if committed.size == 0:
            return None
        with _available():
            # Others may have inserted rows; the writer knows what it signed.
            rows = read_batches_of_size(self._engine, self._log.name.log_id, committed.size)
            notes = (parse_note(row.checkpoint) for row in rows if row.checkpoint.startswith(committed.text()))
            return next(notes, None)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the consistency proof between two sizes (RFC 6962, section 2.1.2)."""
        with _available():
            tree = read_tree(self._engine, self._log.name.log_id, new, consistency_nodes(old, new))
            return consistency_path(old, new, tree.node)

    def keep_cosignatures(self, text: str, lines: str) -> None:
        """Store cosignature lines of witnesses for a checkpoint's text."""
        self._keep(text, StatementKind.WITNESSED, lines.encode())

    def keep_timestamp(self, text: str, der: bytes) -> None:
        """Store an RFC 3161 response for a checkpoint's text."""
        self._keep(text, StatementKind.TIMESTAMPED, der)

    def _keep(self, text: str, kind: StatementKind, data: bytes) -> None:
        with _available():
            self._log.statements.state_of(Checkpoint.parse(text), kind, data)


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except (RefusedError, SigningError, StorageError, VerificationError) as error:
        raise LogUnavailableError(str(error)) from error

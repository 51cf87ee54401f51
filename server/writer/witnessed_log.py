"""A log as it is submitted to witnesses and timestamp authorities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from server.errors.ingest import RefusedError
from server.notary.checkpoint import Checkpoint
from server.notary.errors import SigningError, VerificationError
from server.notary.keys import VerifierKey
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
            rows = read_batches_of_size(self._engine, self._log.name.log_id, committed.size)
        notes = [note for row in rows for note in _parsed(row.checkpoint) if note.text == committed.text()]
        keys = self._log.writer.keys
        known = [*keys.stated.verifier_keys(self.origin), *keys.signer.verifier_keys(self.origin)]
        # Others may have inserted rows. Until the next batch, a key that was just replaced is not among the known ones.
        return next((note for note in notes if _is_signed(note, known)), next(iter(notes), None))

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


def _parsed(text: str) -> Iterator[SignedNote]:
    """Yield the note if the text is one."""
    with suppress(VerificationError):
        yield parse_note(text)


def _is_signed(note: SignedNote, keys: Iterable[VerifierKey]) -> bool:
    try:
        return bool(note.verify(keys))
    except VerificationError:
        return False


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except (RefusedError, SigningError, StorageError, VerificationError) as error:
        raise LogUnavailableError(str(error)) from error

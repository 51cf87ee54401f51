"""The keys that sign logs now, according to the last checkpoints and statements that a data directory remembers."""

from __future__ import annotations

from collections.abc import Iterable

from server.notary.checkpoint import open_checkpoint
from server.notary.errors import VerificationError
from server.notary.keys import KeyType, VerifierKey
from server.notary.note import SignedNote
from server.notary.statement import StatementKind, open_statement, read_key_change
from server.notary.trust import fingerprint

__all__ = ["keys_in_force"]


def keys_in_force(notes: Iterable[str], public_keys: Iterable[bytes]) -> dict[str, set[str]]:
    """Return the keys that sign each log, according to storage.

    Both a log's last statement and its last checkpoint show the keys. The two are remembered at different times, so if
    they differ, the log has the keys of both.

    Args:
        notes: the last signed checkpoint and the last statement of each log; unreadable notes are ignored.
        public_keys: raw Ed25519 public keys to look for.

    Returns:
        The fingerprints of the keys, by origin.
    """
    known = list(public_keys)
    found: dict[str, set[str]] = {}
    for text in notes:
        try:
            checkpoint, note = open_checkpoint(text)
            keys = _signers(note, [VerifierKey(checkpoint.origin, key) for key in known])
            if note.text != checkpoint.text():
                statement, _ = open_statement(text)
                if statement.kind is StatementKind.KEYS:
                    keys = [key for key in read_key_change(statement, note).after if key.key_type is KeyType.ED25519]
        except VerificationError:
            continue
        found.setdefault(checkpoint.origin, set()).update(fingerprint(key.public_key) for key in keys)
    return found


def _signers(note: SignedNote, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
    named = {(signature.name, signature.key_id) for signature in note.signatures}
    return [key for key in keys if (key.name, key.key_id) in named]

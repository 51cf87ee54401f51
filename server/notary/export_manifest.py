"""Manifests of exports: signed statements of what a file has, and of which state of which logs.

A manifest is a signed note (C2SP signed-note). Its text has two lines, each ending with a newline:

    lognotary/export/v1
    <JSON object, in ASCII>

Its second line is no number, so it cannot be taken for a checkpoint. The name of the key that signs is
``lognotary/export``, whatever else the key signs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from server.notary.errors import MalformedError
from server.notary.keys import VerifierKey
from server.notary.note import NoteSignature, SignedNote, check_text, parse_note
from server.notary.signers import SigningKey

__all__ = [
    "KEY_NAME",
    "LARGEST_LOGS",
    "ExportManifest",
    "ExportedLog",
    "checkpoints_in",
    "is_manifest",
    "open_manifest",
    "sign_manifest",
]

KEY_NAME = "lognotary/export"
LARGEST_LOGS = 900_000
"""Characters that the logs of a manifest may have: a note has at most 1 MiB."""

_HEADER = "lognotary/export/v1\n"


@dataclass(frozen=True, slots=True)
class ExportedLog:
    """A log that an export looked at.

    Attributes:
        checkpoint: the signed checkpoint up to which the log was read.
        origin: origin of the log.
        records: number of its records in the file.
        first_leaf: leaf of the first one; 0 if there is none.
        end_leaf: leaf after the last one; 0 if there is none.
    """

    checkpoint: str
    origin: str
    records: int = 0
    first_leaf: int = 0
    end_leaf: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the log as it stands in a manifest."""
        return {
            "Origin": self.origin,
            "Records": self.records,
            "FirstLeaf": self.first_leaf,
            "EndLeaf": self.end_leaf,
            "Checkpoint": self.checkpoint,
        }


@dataclass(frozen=True, slots=True)
class ExportManifest:
    """A manifest.

    Attributes:
        query: the query.
        streams: names of the streams.
        since: earliest time of a record, by RFC 3339; None if it is open.
        until: time after the latest one.
        file_format: format of the file.
        columns: its columns.
        records: number of records in the file.
        size: bytes of the file.
        sha256: their SHA-256.
        entries_root: root hash (RFC 9162, section 2.1.1) of the tree whose entries are those of the records, in order.
        tampered: number of records that match and are not what was signed; they are not in the file.
        unsigned: number of matching unsigned records; they are not in the file.
        later: number of records that match and come after the checkpoints; they are not in the file.
        logs: the logs, in the order of the file.
        begun: time at which the export began, by RFC 3339.
        ended: time at which it ended.
    """

    query: str
    streams: Sequence[str]
    since: str | None
    until: str | None
    file_format: str
    columns: Sequence[str]
    records: int
    size: int
    sha256: bytes
    entries_root: bytes
    tampered: int
    unsigned: int
    later: int
    logs: Sequence[ExportedLog]
    begun: str
    ended: str

    def text(self) -> str:
        """Return the note text that is signed."""
        content = {
            "Query": self.query,
            "Streams": list(self.streams),
            "Since": self.since,
            "Until": self.until,
            "Format": self.file_format,
            "Columns": list(self.columns),
            "Records": self.records,
            "Size": self.size,
            "SHA256": self.sha256.hex(),
            "EntriesRoot": self.entries_root.hex(),
            "LeftOut": {"Tampered": self.tampered, "Unsigned": self.unsigned, "Later": self.later},
            "Logs": [log.as_json() for log in self.logs],
            "Begun": self.begun,
            "Ended": self.ended,
        }
        return f"{_HEADER}{json.dumps(content)}\n"


def sign_manifest(manifest: ExportManifest, key: SigningKey) -> SignedNote:
    """Sign a manifest with an Ed25519 key.

    Raises:
        SigningError: the key cannot sign at the moment.
    """
    text = manifest.text()
    check_text(text)
    public = VerifierKey(KEY_NAME, key.public_key)
    return SignedNote(text, (NoteSignature(KEY_NAME, public.key_id, key.sign(text.encode())),))


def is_manifest(note: str) -> bool:
    """Return whether a note claims to be a manifest."""
    return note.startswith(_HEADER)


def checkpoints_in(note: str) -> list[str]:
    """Return the checkpoints in a manifest, which are signed themselves; its own signature is not checked.

    Raises:
        MalformedError: the note is not a manifest.
    """
    content = _content(parse_note(note).text)
    logs = content.get("Logs")
    found = [log.get("Checkpoint") for log in logs if isinstance(log, dict)] if isinstance(logs, list) else []
    checkpoints = [checkpoint for checkpoint in found if isinstance(checkpoint, str)]
    if len(checkpoints) < len(found):
        raise MalformedError("the manifest has a log without a checkpoint")
    return checkpoints


def open_manifest(note: str, keys: Iterable[bytes]) -> dict[str, Any]:
    """Check the signature of a manifest and return its content.

    Args:
        note: the signed note.
        keys: raw Ed25519 public keys.

    Raises:
        MalformedError: the note is not a manifest.
        VerificationError: the note is signed by none of the keys.
    """
    signed = parse_note(note)
    if not is_manifest(signed.text):
        raise MalformedError("the note is not a manifest of an export")
    signed.verify(VerifierKey(KEY_NAME, key) for key in keys)
    return _content(signed.text)


def _content(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text.removeprefix(_HEADER))
    except (ValueError, RecursionError) as error:
        raise MalformedError("the manifest is not JSON") from error
    if not isinstance(content, dict):
        raise MalformedError("the manifest is not a JSON object")
    return content

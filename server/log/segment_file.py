"""One segment file of a journal: its frames are read, and decrypted if they are encrypted."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from server.errors.files import reason_of
from server.errors.ingest import JournalDamagedError, JournalKeyError
from server.log.journal_frames import Frame, Scan
from server.log.journal_keys import AlteredError, JournalKeys, SegmentCipher, UnknownKeyError, name_digest

__all__ = ["Segment", "cipher_of", "damaged"]


@dataclass(slots=True)
class Segment:
    """A segment file.

    Attributes:
        path: path of the file.
        marker: prefix of the segment's frames.
        size: bytes up to the end of the last good frame.
        header: size of the header in bytes.
        cipher: encryption of the frames; None if they are not encrypted.
    """

    path: Path
    marker: bytes
    size: int
    header: int
    cipher: SegmentCipher | None = None

    def read(self, frame: Frame) -> bytes:
        """Return the payload of a frame.

        Raises:
            JournalDamagedError: the frame cannot be read, or is not what was written.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(frame.payload)
                payload = file.read(frame.length)
        except OSError as error:
            raise JournalDamagedError(
                damaged(self.path, f"frame {frame.number} cannot be read ({reason_of(error)})")
            ) from error
        if len(payload) != frame.length or zlib.crc32(payload) != frame.checksum:
            raise JournalDamagedError(
                damaged(self.path, f"frame {frame.number} does not match what was written to disk")
            )
        if self.cipher is None:
            return payload
        try:
            return self.cipher.decrypt(frame.number, payload)
        except AlteredError:
            raise JournalDamagedError(
                damaged(self.path, f"frame {frame.number} is not what this server encrypted in its place")
            ) from None


def cipher_of(path: Path, file: BinaryIO, scan: Scan, journal: str, keys: JournalKeys) -> SegmentCipher | None:
    """Return the encryption of a segment, after checking that it is of this journal; None if it is not encrypted.

    Raises:
        JournalDamagedError: the header was changed, or belongs to another journal.
        JournalKeyError: none of the keys is the segment's.
    """
    if scan.seal is not None and scan.seal.journal != name_digest(journal):
        raise JournalDamagedError(damaged(path, "it is a segment of another journal"))
    try:
        return scan.cipher(file, keys)
    except UnknownKeyError as error:
        raise JournalKeyError(_locked(path, str(error))) from None
    except AlteredError:
        raise JournalDamagedError(damaged(path, "its header is not what this server wrote")) from None


def damaged(path: Path, damage: str) -> str:
    """Return the message about damage of a segment."""
    return (
        f"the journal is damaged: {path}: {damage}, and what follows was acknowledged to senders. No file was changed. "
        f"Restore the file if you can; 'lognotary journal inspect {path.parent}' shows what is readable. To start "
        f"without what the journal holds, move the directory {path.parent} away and keep it"
    )


def _locked(path: Path, key_id: str) -> str:
    return (
        f"the journal is encrypted with the key {key_id}, which is neither journal_key nor one of "
        f"journal_retired_keys: {path}. No file was changed. Give the key file or the PKCS #11 URI in "
        "journal_retired_keys, or restore the key file from a backup. If the key is lost, so is what only the journal "
        f"has: to start without it, move the directory {path.parent} away"
    )

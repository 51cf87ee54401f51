"""Mark of the last stored entry of a journal, for streams in which storage does not show the last entry.

The mark need not be durable: entries after an outdated mark are looked up in storage, and not stored again.
"""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path

from storage.unsigned_rows import TOKEN_SIZE

__all__ = ["StoredMark"]

_MARK = struct.Struct(f"<Q{TOKEN_SIZE}s")  # number of the last stored entry, its token


class StoredMark:
    """File beside the segments of a journal; used only by the thread that stores entries."""

    def __init__(self, directory: Path) -> None:
        """Use the mark in a journal's directory."""
        self._file = directory / "stored"

    def read(self) -> tuple[int, bytes]:
        """Return number and token of the last entry that is marked as stored; 0 and an empty token if there is none.

        The token tells a journal from its predecessor, if that was moved away: entry numbers start again.
        """
        try:
            content = self._file.read_bytes()
        except OSError:
            return 0, b""
        return _MARK.unpack(content) if len(content) == _MARK.size else (0, b"")

    def write(self, number: int, token: bytes) -> None:
        """Mark all entries up to a number as stored; errors are ignored, since unmarked entries are looked up."""
        with contextlib.suppress(OSError):
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(descriptor, _MARK.pack(number, token), 0)
            finally:
                os.close(descriptor)

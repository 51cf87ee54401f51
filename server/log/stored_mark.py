"""The mark of a journal whose entries storage does not show: how far they are stored.

It need not be durable: what it lacks after a power failure is looked up in storage, and not stored again.
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
    """The file beside the segments of a journal; bound to the thread that stores."""

    def __init__(self, directory: Path) -> None:
        """Use the mark in a journal's directory."""
        self._file = directory / "stored"

    def read(self) -> tuple[int, bytes]:
        """Return number and token of the last entry that is marked as stored; 0 and nothing if there is none.

        A journal that was moved away and begun anew has other tokens under the same numbers.
        """
        try:
            content = self._file.read_bytes()
        except OSError:
            return 0, b""
        return _MARK.unpack(content) if len(content) == _MARK.size else (0, b"")

    def write(self, number: int, token: bytes) -> None:
        """Mark all entries up to a number as stored; an error is ignored, for the entries are looked up then."""
        with contextlib.suppress(OSError):
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(descriptor, _MARK.pack(number, token), 0)
            finally:
                os.close(descriptor)

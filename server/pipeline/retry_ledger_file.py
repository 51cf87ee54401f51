"""Remembering over a restart which requests were left behind, and are kept (see ``left_behind``).

An entry is a digest of 32 bytes, the time (seconds since the epoch, Float64) and one byte: 1 where it was left, 2 where
another request has taken it over, 0 where there is no entry. It need not be on disk at once: what is lost with the
machine's power is a repetition that is not recognised. Room is taken at the start, for on a full disk much is refused.
"""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from server.pipeline.retry_ledger import REMEMBERED_SECONDS

__all__ = ["RetryLedgerFile"]

_logger = logging.getLogger(__name__)
_ENTRY = struct.Struct("<32sdB")
_LEFT, _TAKEN = 1, 2
_ROOM = 8192 * _ENTRY.size  # bytes


class RetryLedgerFile:
    """The file of one stream."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        """Use a file, which need not be there.

        Args:
            path: the file.
            now: returns the time, in seconds since the epoch.
        """
        self._path = path
        self._now = now
        self._end = 0

    def restart(self) -> list[bytes]:
        """Return what an earlier process has noted and nobody has taken over, and begin anew; raises OSError."""
        content = self._path.read_bytes() if self._path.exists() else b""
        whole = len(content) // _ENTRY.size * _ENTRY.size  # a crash may have cut the last one off
        left: Counter[bytes] = Counter()
        for request, noted_at, what in _ENTRY.iter_unpack(content[:whole]):
            if what == _LEFT and self._now() - noted_at < REMEMBERED_SECONDS:
                left[request] += 1
            elif what == _TAKEN and left[request]:
                left[request] -= 1
        self._path.unlink(missing_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with contextlib.suppress(OSError):  # where there is no room for all, there may be for some
                os.posix_fallocate(descriptor, 0, _ROOM)
        finally:
            os.close(descriptor)
        self._end = 0
        return list(left.elements())

    def note(self, request: bytes, left: bool) -> None:
        """Note that a request was left behind, or was taken over."""
        entry = _ENTRY.pack(request, self._now(), _LEFT if left else _TAKEN)
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._end += os.pwrite(descriptor, entry, self._end)
            finally:
                os.close(descriptor)
        except OSError as error:
            _logger.warning("what was left behind is not noted, and may be stored twice after a restart: %s", error)

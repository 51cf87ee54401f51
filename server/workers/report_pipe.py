"""Reports of a worker on their way to its supervisor: whole lines of any length through a pipe, or nothing of them.

A pipe holds 64 KiB. A supervisor that does not read for a while must neither stop a worker nor get half a line when it
reads again. So a thread of the worker writes, one report as a whole after the other, and only the newest report waits
behind the one that is being written.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator

__all__ = ["ReportPipe", "read_lines"]

_PIECE = 1 << 16  # bytes that are read at a time
_LONGEST_LINE = 64 << 20  # bytes; what is longer is no report


class ReportPipe:
    """The worker's end. May be used by several threads."""

    def __init__(self, descriptor: int) -> None:
        """Write to a pipe; the thread that does ends with the process, or when nobody reads any more."""
        self._descriptor = descriptor
        self._changed = threading.Condition()
        self._next: bytes | None = None
        self._is_writing = False
        self._broken = False
        threading.Thread(target=self._run, name="reports", daemon=True).start()

    def send(self, line: bytes) -> None:
        """Send a line without waiting; it takes the place of one that still waits."""
        with self._changed:
            self._next = line
            self._changed.notify_all()

    def send_last(self, line: bytes) -> None:
        """Send a line and wait until it is in the pipe as a whole, or nobody reads any more."""
        with self._changed:
            self._next = line
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._broken or (self._next is None and not self._is_writing))

    def _run(self) -> None:
        while not self._broken:
            with self._changed:
                self._changed.wait_for(lambda: self._next is not None)
                line, self._next, self._is_writing = self._next or b"", None, True
            broken = not self._write(line)
            with self._changed:
                self._is_writing, self._broken = False, broken
                self._changed.notify_all()

    def _write(self, line: bytes) -> bool:
        """Write a whole line; return whether somebody may read more."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:  # the supervisor has ended
            return False
        return True


async def read_lines(stream: asyncio.StreamReader, longest: int = _LONGEST_LINE) -> AsyncIterator[bytes]:
    """Yield the lines that come, without their ends, until the stream ends.

    What does not end with a line end was cut off when the writer ended, and is left out. So is a line that is too long.

    Args:
        stream: the stream; its own limit does not matter.
        longest: bytes of the longest line.
    """
    line = bytearray()
    too_long = False
    while piece := await stream.read(_PIECE):
        *ends, rest = piece.split(b"\n")
        for end in ends:
            line += end
            if not too_long and len(line) <= longest:
                yield bytes(line)
            line.clear()
            too_long = False
        if not too_long:
            line += rest
        if len(line) > longest:
            line.clear()
            too_long = True

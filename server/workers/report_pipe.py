"""Transport of a worker's reports to its supervisor: whole lines of any length through a pipe, never parts of a line.

A pipe holds 64 KiB. A supervisor that does not read for a while must neither block a worker nor get half a line when it
reads again. So a thread of the worker writes one whole report after another, and only the newest report waits while one
is being written.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator

__all__ = ["ReportPipe", "read_lines"]

_PIECE = 1 << 16  # bytes that are read at a time
_LONGEST_LINE = 64 << 20  # bytes; a longer line is not a report


class ReportPipe:
    """The worker's end of the pipe; thread-safe."""

    def __init__(self, descriptor: int) -> None:
        """Start a thread that writes to a pipe; it ends with the process, or when the pipe has no reader."""
        self._descriptor = descriptor
        self._changed = threading.Condition()
        self._next: bytes | None = None
        self._is_writing = False
        self._broken = False
        threading.Thread(target=self._run, name="reports", daemon=True).start()

    def send(self, line: bytes) -> None:
        """Send a line without blocking; it replaces a line that is still waiting."""
        with self._changed:
            self._next = line
            self._changed.notify_all()

    def send_last(self, line: bytes) -> None:
        """Send a line and wait until all of it is in the pipe, or the pipe has no reader."""
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
        """Write a whole line; return False if the pipe has no reader."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:  # the supervisor has ended
            return False
        return True


async def read_lines(stream: asyncio.StreamReader, longest: int = _LONGEST_LINE) -> AsyncIterator[bytes]:
    """Yield the lines of a stream, without line ends, until it ends.

    A last line without a line end was cut off when the writer ended, and is skipped. Lines that are too long are
    skipped too.

    Args:
        stream: the stream; its own limit has no effect.
        longest: maximum bytes of a line.
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

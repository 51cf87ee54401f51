"""A disk of which a crash leaves what was synced, and of the rest whatever a test likes."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from server.log.journal_frames import SEALED_SEGMENT_HEADER, scan_segment

__all__ = ["Choose", "Disk"]

Choose = Callable[[int], int]
"""Returns a number from 0 to the one that it is given."""


class Disk:
    """Knows what of the files of one directory is durable: what was in them when they were synced last.

    Attributes:
        failing: so many of the next syncs fail.
        before_sync: called before each sync.
        after_sync: called after each sync.
    """

    def __init__(self, directory: Path) -> None:
        self.failing = 0
        self.before_sync: Callable[[], None] = lambda: None
        self.after_sync: Callable[[], None] = lambda: None
        self._directory = directory
        self._durable: dict[Path, bytes] = {}
        self._listed: set[Path] = set()  # files whose place in the directory is durable

    def sync(self, descriptor: int) -> None:
        """Make durable what a descriptor stands for; takes the place of ``os.fsync``."""
        self.before_sync()
        if self.failing:
            self.failing -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path == self._directory:
            self._listed = set(path.iterdir())
        elif path.parent == self._directory:
            self._durable[path] = path.read_bytes()
        self.after_sync()

    def durable_frames(self) -> Iterator[bytes]:
        """Yield the payloads that are found if power fails now, and what was only written is lost."""
        for path in sorted(self._listed & self._durable.keys()):
            if path.suffix != ".journal":
                continue
            content = self._durable[path]
            for frame in scan_segment(io.BytesIO(content), int(path.stem)).frames:
                yield content[frame.payload : frame.end]

    def crash(self, choose: Choose) -> None:
        """Leave what was synced; what was only written stays in part, and what was only deleted may come back."""
        if not self._directory.exists():
            return
        for path in self._directory.iterdir():
            written = path.read_bytes()
            if path not in self._listed and choose(1):
                path.unlink()
            else:
                path.write_bytes(_left(self._durable.get(path, b""), written, choose))
        # Directories keep the order of what was done in them, so those that were deleted last come back.
        deleted = sorted(path for path in self._listed if not path.exists())
        for path in deleted[len(deleted) - choose(len(deleted)) :]:
            path.write_bytes(self._durable[path])
        self._listed = set(self._directory.iterdir())
        self._durable = {path: path.read_bytes() for path in self._listed}


def _left(durable: bytes, written: bytes, choose: Choose) -> bytes:
    """Return what a crash leaves of a file."""
    if durable.startswith(written):  # it was only cut
        return durable[: len(written) + _part(len(durable) - len(written), choose)]
    if not written.startswith(durable):
        assert len(durable) <= SEALED_SEGMENT_HEADER, "an entry that was durable is written over"
        if choose(1):
            return durable
        durable = b""
    tail = written[len(durable) :]
    kept = _part(len(tail), choose)
    # A file may have grown before its content has come: then zeros stand there.
    grown = choose(len(tail) - kept) if choose(1) else 0
    return durable + tail[:kept] + bytes(grown)


def _part(size: int, choose: Choose) -> int:
    """Choose how much of something a crash leaves: nothing, all or any part."""
    match choose(2):
        case 0:
            return 0
        case 1:
            return size
        case _:
            return choose(size)

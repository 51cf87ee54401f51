"""The journal of a log: a local write-ahead log (WAL), in segments.

``append`` returns once the entry is on disk. Entries are released in order, once they are in storage: a segment is
deleted when all of its entries have been released. The last segment stays, so its entries are read again at the next
start, which finds out from storage which of them are stored.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.errors.amounts import size as in_words
from server.errors.files import reason_of
from server.errors.ingest import JournalDamagedError, JournalFailedError, JournalFullError
from server.log.journal_frames import (
    FRAME_HEADER,
    MARKER_SIZE,
    SEGMENT_HEADER,
    Frame,
    Scan,
    encode_frame,
    encode_segment_header,
    scan_segment,
)
from storage.free_space import free_bytes

__all__ = ["Journal", "segment_files"]

_logger = logging.getLogger(__name__)

_SEGMENT_BYTES = 64 << 20  # a larger segment gets no further frame
_FEWEST_SEGMENTS = 8  # that fit into the limit: released entries of the last segment still take space
_LEAST_FREE = 64 << 10  # bytes of the disk below which nothing is expected to fit
_MOST_PIECES = 512  # in one write; IOV_MAX is 1024


@dataclass(slots=True)
class _Segment:
    path: Path
    marker: bytes  # prefix of its frames
    size: int  # bytes up to the end of the last good frame


class Journal:
    """An open journal; thread-safe."""

    def __init__(
        self,
        directory: Path,
        limit: int,
        *,
        segment_bytes: int = _SEGMENT_BYTES,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        """Open a journal, and create it if there is none.

        An incomplete frame that a crash left at its end is cut off, which is logged.

        Args:
            directory: directory of the segments.
            limit: maximum size of the journal in bytes.
            segment_bytes: size in bytes from which a segment gets no further entry.
            sync: function that makes the file or directory of a descriptor durable, as fsync does.

        Raises:
            JournalDamagedError: the journal is damaged before its end, or cannot be read or written.
        """
        self._directory = directory
        self._limit = limit
        # More than a header: a segment without a frame must not be followed by another with the same number.
        self._segment_bytes = max(SEGMENT_HEADER + 1, min(segment_bytes, limit // _FEWEST_SEGMENTS))
        self._sync = sync
        self._lock = threading.Lock()
        self._segments: deque[_Segment] = deque()
        self._size = 0
        self._frames: deque[tuple[_Segment, Frame]] = deque()  # frames that are not released
        self._last = 0  # number of the last frame
        self._descriptor = -1  # open file of the last segment
        self._doubtful = False  # the last segment may hold more than was acknowledged
        self._full = ""  # why the last entry did not fit, until entries are released
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds data of senders
            # The directories may be new, and an earlier process may have had no time to make segments durable.
            for changed in (directory, directory.parent, directory.parent.parent):
                self._sync_path(changed)
            self._load()
        except OSError as error:
            raise JournalDamagedError(
                f"the journal in {directory} cannot be used: {reason_of(error)}; let this user read and write it"
            ) from error

    def close(self) -> None:
        """Close the journal's files; its entries stay."""
        with self._lock:
            self._close_segment()

    @property
    def directory(self) -> Path:
        """The directory of the segments."""
        return self._directory

    @property
    def sync(self) -> Callable[[int], None]:
        """The function that makes the file or directory of a descriptor durable."""
        return self._sync

    @property
    def size(self) -> int:
        """Size of the journal in bytes."""
        return self._size  # read without the lock, so that the caller does not wait while an entry is written

    @property
    def limit(self) -> int:
        """Maximum size of the journal in bytes."""
        return self._limit

    @property
    def waiting(self) -> list[int]:
        """Numbers of the entries that are not released, in order."""
        with self._lock:
            return [frame.number for _, frame in self._frames]

    @property
    def free(self) -> int | None:
        """Free bytes on the journal's disk, None if they cannot be read."""
        return free_bytes(self._directory)

    @property
    def trouble(self) -> str:
        """Reason why nothing can be appended now, empty if something can; does not block."""
        if missing := self.missing:
            return missing
        free = self.free
        if free is not None and free < _LEAST_FREE:
            return (
                f"the disk of the journal is full: {in_words(free)} are free in {self._directory}, and the server "
                f"takes no records while less than {in_words(_LEAST_FREE)} are free. Free some space"
            )
        return self._full

    @property
    def missing(self) -> str:
        """Reason if the journal's files are gone, else an empty string; does not block."""
        path = self._segments[-1].path if self._segments else self._directory
        if path.exists():
            return ""
        return (
            f"the journal {path} is missing: it was deleted or moved while the server was running. Start the server "
            "again; batches that were only in the journal are lost, unless you restore it before"
        )

    def __len__(self) -> int:
        """Number of entries that are not released."""
        return len(self._frames)

    def append(self, payload: Sequence[bytes]) -> int:
        """Append an entry and wait until it is on disk.

        Args:
            payload: the entry, in pieces.

        Returns:
            The number of the entry.

        Raises:
            JournalFullError: the journal would exceed its size limit.
            JournalFailedError: the entry could not be written; the journal is unchanged.
        """
        with self._lock:
            length = FRAME_HEADER + sum(map(len, payload))
            if len(self._frames) and self.size + length > self._limit:
                self._full = self._fullness()
                raise JournalFullError(self._full, retry_after=10.0)
            if missing := self.missing:  # what is written to a deleted file is not kept
                raise JournalFailedError(missing, retry_after=5.0)
            try:
                self._settle()
                segment = self._open_segment()
                frame = self._write(segment, payload)
            except OSError as error:
                raise JournalFailedError(_unwritten(self._directory, error), retry_after=5.0) from error
            self._frames.append((segment, frame))
            segment.size = frame.end
            self._last = frame.number
            self._doubtful = False
            self._full = ""
            self._delete_released()
            return frame.number

    def read(self, number: int) -> bytes:
        """Return an entry that is not released.

        Raises:
            JournalDamagedError: the entry cannot be read, or is not what was written.
        """
        with self._lock:
            segment, frame = self._frames[number - self._frames[0][1].number]
        try:
            with segment.path.open("rb") as file:
                file.seek(frame.payload)
                payload = file.read(frame.length)
        except OSError as error:
            raise JournalDamagedError(
                _damaged(segment.path, f"frame {number} cannot be read ({reason_of(error)})")
            ) from error
        if len(payload) != frame.length or zlib.crc32(payload) != frame.checksum:
            raise JournalDamagedError(_damaged(segment.path, f"frame {number} does not match what was written to disk"))
        return payload

    def retract(self, number: int) -> None:
        """Remove the last entry from the journal: it will not be read again.

        Raises:
            JournalFailedError: the entry cannot be removed now; nothing is appended until it is removed.
        """
        with self._lock:
            segment, frame = self._frames[-1]
            if frame.number != number or segment is not self._segments[-1]:
                raise ValueError(f"{number} is not the last frame")
            self._frames.pop()
            self._last = number - 1
            segment.size = frame.offset
            self._measure()
            self._doubtful = True
            try:
                self._settle()
            except OSError as error:
                raise JournalFailedError(_unwritten(self._directory, error), retry_after=5.0) from error

    def release(self, number: int) -> None:
        """Release all entries up to a number, because they are stored; delete segments that have no other entries."""
        with self._lock:
            while self._frames and self._frames[0][1].number <= number:
                self._frames.popleft()
                self._full = ""
            self._delete_released()

    def _delete_released(self) -> None:
        """Delete the segments before the first waiting entry; the last segment stays."""
        waiting = self._frames[0][0] if self._frames else self._segments[-1] if self._segments else None
        # If a segment cannot be deleted, later ones stay too: without it, the journal would begin with a gap.
        with contextlib.suppress(OSError):
            while self._segments and self._segments[0] is not waiting:
                self._segments[0].path.unlink(missing_ok=True)
                self._segments.popleft()
        self._measure()

    def _fullness(self) -> str:
        waiting = sum(FRAME_HEADER + frame.length for _, frame in self._frames)
        batches = "1 batch waits" if len(self._frames) == 1 else f"{len(self._frames)} batches wait"
        return (
            f"the journal is full: {batches} to be stored ({in_words(waiting)}), and the journal's files have "
            f"{in_words(self._size)} of {in_words(self._limit)} (--journal-bytes)"
        )

    def _measure(self) -> None:
        self._size = sum(segment.size for segment in self._segments)

    def _load(self) -> None:
        files = segment_files(self._directory)
        for at, (first, path) in enumerate(files):
            with path.open("rb") as file:
                scan = scan_segment(file, first)
            if self._segments and first != self._last + 1:
                missing = f"frames {self._last + 1} to {first - 1} are missing before it"
                raise JournalDamagedError(_damaged(path, missing))
            if scan.damage and (not scan.torn or at + 1 < len(files)):
                raise JournalDamagedError(_damaged(path, scan.damage))
            self._last = first - 1 + len(scan.frames)
            if scan.damage:
                self._cut(path, scan)
            if scan.end:
                segment = _Segment(path, scan.marker, scan.end)
                self._segments.append(segment)
                self._frames.extend((segment, frame) for frame in scan.frames)
        self._measure()
        if self._segments:
            # An earlier process may have had no time to make its last write or cut durable.
            self._sync_path(self._segments[-1].path)

    def _cut(self, path: Path, scan: Scan) -> None:
        """Cut off an incomplete frame that a crash left."""
        lost = path.stat().st_size - scan.end
        _logger.warning(
            "%s: %s; the file is truncated there (%s). A crash during a write leaves this behind, and "
            "nothing in it was acknowledged. If there was no crash, the disk has lost what it had confirmed",
            path,
            scan.damage,
            in_words(lost),
        )
        if scan.end:
            os.truncate(path, scan.end)
        else:
            path.unlink()
            self._sync_path(self._directory)

    def _settle(self) -> None:
        """Truncate the last segment to the end of its last good frame, if more may follow it; raises OSError."""
        if not self._doubtful:
            return
        segment = self._segments[-1]
        if self._descriptor < 0:
            self._descriptor = os.open(segment.path, os.O_WRONLY | os.O_CLOEXEC)
        os.ftruncate(self._descriptor, segment.size)
        self._sync(self._descriptor)
        self._doubtful = False

    def _open_segment(self) -> _Segment:
        """Return the segment for the next frame, open for writing; raises OSError."""
        last = self._segments[-1] if self._segments else None
        if last is None or last.size >= self._segment_bytes:
            self._close_segment()
            return self._new_segment()
        if self._descriptor < 0:
            self._descriptor = os.open(last.path, os.O_WRONLY | os.O_CLOEXEC)
        return last

    def _new_segment(self) -> _Segment:
        first = self._last + 1
        path = self._directory / f"{first:020d}.journal"
        marker = secrets.token_bytes(MARKER_SIZE)
        header = encode_segment_header(first, marker)
        # A segment that could not be completed before is started again.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _write_all(descriptor, [header], 0)
            self._sync(descriptor)
            self._sync_path(self._directory)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        segment = _Segment(path, marker, len(header))
        self._segments.append(segment)
        self._measure()
        return segment

    def _write(self, segment: _Segment, payload: Sequence[bytes]) -> Frame:
        number = self._last + 1
        pieces = encode_frame(segment.marker, number, payload)
        checksum = int.from_bytes(pieces[0][MARKER_SIZE : MARKER_SIZE + 4], "little")
        frame = Frame(number, segment.size, sum(map(len, payload)), checksum)
        # Until the frame is known to be on disk, it does not count.
        self._doubtful = True
        try:
            _write_all(self._descriptor, pieces, frame.offset)
            self._sync(self._descriptor)
        except OSError:
            # The result of a failed fsync is unknown, so the frame is cut off before anything else is written.
            with contextlib.suppress(OSError):
                self._settle()
            raise
        return frame

    def _sync_path(self, path: Path) -> None:
        """Make the content of a file, or the entries of a directory, durable; raises OSError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._sync(descriptor)
        finally:
            os.close(descriptor)

    def _close_segment(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def segment_files(directory: Path) -> list[tuple[int, Path]]:
    """Return the segments of a journal as (number of the first frame, path), in order."""
    return sorted((int(path.stem), path) for path in directory.glob("*.journal") if path.stem.isdecimal())


def _write_all(descriptor: int, pieces: Sequence[bytes], offset: int) -> None:
    views = [memoryview(piece) for piece in pieces if piece]
    while views:
        written = os.pwritev(descriptor, views[:_MOST_PIECES], offset)
        offset += written
        while views and written >= len(views[0]):
            written -= len(views.pop(0))
        if written:
            views[0] = views[0][written:]


def _unwritten(directory: Path, error: OSError) -> str:
    return (
        f"the journal cannot be written: {reason_of(error)} (in {directory}). Its disk needs attention; the server "
        "tries again with the next batch"
    )


def _damaged(path: Path, damage: str) -> str:
    return (
        f"the journal is damaged: {path}: {damage}, and what follows was acknowledged to senders. No file was changed. "
        f"Restore the file if you can; 'lognotary journal inspect {path.parent}' shows what is readable. To start "
        f"without what the journal holds, move the directory {path.parent} away and keep it"
    )

"""The journal of a log: a local write-ahead log (WAL), in segments.

``append`` returns once the entry is on disk. Entries are released in order, once they are in storage: a segment is
deleted when all of its entries have been released. The last segment stays, so its entries are read again at the next
start, which finds out from storage which of them are stored.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from server.errors.amounts import size as in_words
from server.errors.files import reason_of
from server.errors.ingest import JournalDamagedError, JournalFailedError, JournalFullError
from server.log.journal_frames import FRAME_HEADER, SEGMENT_HEADER, Frame
from server.log.journal_keys import FRAME_OVERHEAD, NO_KEYS, JournalKeys
from server.log.journal_segments import JournalSegments, Segment
from storage.free_space import free_bytes

__all__ = ["Journal"]

_SEGMENT_BYTES = 64 << 20  # a larger segment gets no further frame
_FEWEST_SEGMENTS = 8  # that fit into the limit: released entries of the last segment still take space
_LEAST_FREE = 64 << 10  # bytes of the disk below which nothing is expected to fit


class Journal:
    """An open journal; thread-safe."""

    def __init__(
        self,
        directory: Path,
        limit: int,
        *,
        segment_bytes: int = _SEGMENT_BYTES,
        sync: Callable[[int], None] = os.fsync,
        keys: JournalKeys = NO_KEYS,
    ) -> None:
        """Open a journal, and create it if there is none.

        An incomplete frame that a crash left at its end is cut off, which is logged.

        Args:
            directory: directory of the segments.
            limit: maximum size of the journal in bytes.
            segment_bytes: size in bytes from which a segment gets no further entry.
            sync: function that makes the file or directory of a descriptor durable, as fsync does.
            keys: keys with which new segments are encrypted, and earlier ones are read.

        Raises:
            JournalDamagedError: the journal is damaged before its end, or cannot be read or written.
            JournalKeyError: the journal is encrypted with a key that was not given.
        """
        self._directory = directory
        self._limit = limit
        self._overhead = FRAME_HEADER + (FRAME_OVERHEAD if keys.current else 0)
        # More than a header: a segment without a frame must not be followed by another with the same number.
        segment_bytes = max(SEGMENT_HEADER + 1, min(segment_bytes, limit // _FEWEST_SEGMENTS))
        self._sync = sync
        self._lock = threading.Lock()
        self._segments = JournalSegments(directory, segment_bytes, sync, keys)
        self._full = ""  # why the last entry did not fit, until entries are released
        try:
            self._frames: deque[tuple[Segment, Frame]] = deque(self._segments.load())  # frames that are not released
        except OSError as error:
            raise JournalDamagedError(
                f"the journal in {directory} cannot be used: {reason_of(error)}; let this user read and write it"
            ) from error

    def close(self) -> None:
        """Close the journal's files; its entries stay."""
        with self._lock:
            self._segments.close()

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
        return self._segments.size  # read without the lock, so that the caller does not wait while an entry is written

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
        return self._segments.missing

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
            length = self._overhead + sum(map(len, payload))
            if len(self._frames) and self.size + length > self._limit:
                self._full = self._fullness()
                raise JournalFullError(self._full, retry_after=10.0)
            if missing := self.missing:  # what is written to a deleted file is not kept
                raise JournalFailedError(missing, retry_after=5.0)
            try:
                frame = self._segments.append(payload, self._frames)
            except OSError as error:
                raise JournalFailedError(_unwritten(self._directory, error), retry_after=5.0) from error
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
        return segment.read(frame)

    def retract(self, number: int) -> None:
        """Remove the last entry from the journal: it will not be read again.

        Raises:
            JournalFailedError: the entry cannot be removed now; nothing is appended until it is removed.
        """
        with self._lock:
            segment, frame = self._frames[-1]
            if frame.number != number or segment is not self._segments.last:
                raise ValueError(f"{number} is not the last frame")
            self._frames.pop()
            try:
                self._segments.cut_off(segment, frame)
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
        self._segments.delete_before(self._frames[0][0] if self._frames else None)

    def _fullness(self) -> str:
        waiting = sum(FRAME_HEADER + frame.length for _, frame in self._frames)
        batches = "1 batch waits" if len(self._frames) == 1 else f"{len(self._frames)} batches wait"
        return (
            f"the journal is full: {batches} to be stored ({in_words(waiting)}), and the journal's files have "
            f"{in_words(self.size)} of {in_words(self._limit)} (--journal-bytes)"
        )


def _unwritten(directory: Path, error: OSError) -> str:
    return (
        f"the journal cannot be written: {reason_of(error)} (in {directory}). Its disk needs attention; the server "
        "tries again with the next batch"
    )

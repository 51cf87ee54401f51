"""The segment files of a journal: scanned at the start, written at the end, deleted from the beginning."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from server.errors.amounts import size as in_words
from server.errors.ingest import JournalDamagedError
from server.log.journal_frames import (
    MARKER_SIZE,
    SEALED_SEGMENT_HEADER,
    SEGMENT_HEADER,
    Frame,
    Scan,
    encode_frame,
    encode_sealed_header,
    encode_segment_header,
    scan_segment,
)
from server.log.journal_keys import NO_KEYS, JournalKeys, Seal, SegmentCipher
from server.log.segment_file import Segment, cipher_of, damaged

__all__ = ["JournalSegments", "Segment", "segment_files"]

_logger = logging.getLogger(__name__)

_MOST_PIECES = 512  # in one write; IOV_MAX is 1024


class JournalSegments:
    """The segments of a journal, in order; the journal has its lock while it calls a method."""

    def __init__(
        self, directory: Path, segment_bytes: int, sync: Callable[[int], None], keys: JournalKeys = NO_KEYS
    ) -> None:
        self._directory = directory
        self._keys = keys
        self._segment_bytes = segment_bytes
        self._sync = sync
        self._segments: deque[Segment] = deque()
        self._size = 0
        self._last = 0  # number of the last frame
        self._descriptor = -1  # open file of the last segment
        self._doubtful = False  # the last segment may hold more than its good frames

    @property
    def size(self) -> int:
        """Size of the segments in bytes."""
        return self._size  # may be read without the lock

    @property
    def last(self) -> Segment | None:
        """The last segment, None if there is none."""
        return self._segments[-1] if self._segments else None

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

    def load(self) -> Iterator[tuple[Segment, Frame]]:
        """Read the segments, and create their directory if it does not exist; yield all frames.

        An incomplete frame that a crash left at the end is cut off, which is logged.

        Raises:
            JournalDamagedError: a segment is damaged before the end, or missing.
            JournalKeyError: a segment is encrypted with an unknown key.
            OSError: a file cannot be read or written.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds data of senders
        # The directories may be new, and an earlier process may have had no time to make segments durable.
        for changed in (self._directory, self._directory.parent, self._directory.parent.parent):
            self._sync_path(changed)
        files = segment_files(self._directory)
        for at, (first, path) in enumerate(files):
            with path.open("rb") as file:
                scan = scan_segment(file, first)
                cipher = cipher_of(path, file, scan, self._directory.name, self._keys)
            if self._segments and first != self._last + 1:
                missing = f"frames {self._last + 1} to {first - 1} are missing before it"
                raise JournalDamagedError(damaged(path, missing))
            if scan.damage and (not scan.torn or at + 1 < len(files)):
                raise JournalDamagedError(damaged(path, scan.damage))
            self._last = first - 1 + len(scan.frames)
            if scan.damage:
                self._cut(path, scan)
            if scan.end:
                header = SEALED_SEGMENT_HEADER if scan.seal else SEGMENT_HEADER
                segment = Segment(path, scan.marker, scan.end, header, cipher)
                self._segments.append(segment)
                yield from ((segment, frame) for frame in scan.frames)
        self._measure()
        if self._segments:
            # An earlier process may have had no time to make its last write or cut durable.
            self._sync_path(self._segments[-1].path)

    def append(self, payload: Sequence[bytes], frames: deque[tuple[Segment, Frame]]) -> Frame:
        """Append a frame to the last segment or to a new one, and return it once it is on disk.

        Args:
            payload: payload of the frame, in pieces.
            frames: frames that are not released; the frame is added to them with its segment.

        Raises:
            OSError: the frame cannot be written.
        """
        self._settle()
        segment = self._open_segment()
        number = self._last + 1
        if segment.cipher is not None:
            payload = segment.cipher.encrypt(number, payload)
        pieces = encode_frame(segment.marker, number, payload)
        checksum = int.from_bytes(pieces[0][MARKER_SIZE : MARKER_SIZE + 4], "little")
        frame = Frame(number, segment.size, sum(map(len, payload)), checksum)
        # Until the frame is on disk and among the others, it does not count.
        self._doubtful = True
        try:
            _write_all(self._descriptor, pieces, frame.offset)
            self._sync(self._descriptor)
        except OSError:
            # The result of a failed fsync is unknown, so the frame is cut off before anything else is written.
            with contextlib.suppress(OSError):
                self._settle()
            raise
        frames.append((segment, frame))
        segment.size = frame.end
        self._last = frame.number
        self._doubtful = False
        return frame

    def cut_off(self, segment: Segment, frame: Frame) -> None:
        """Remove the last frame; its number is used again.

        Raises:
            OSError: the file cannot be truncated now; nothing is written until it is.
        """
        self._last = frame.number - 1
        segment.size = frame.offset
        self._measure()
        self._doubtful = True
        self._settle()

    def delete_before(self, needed: Segment | None) -> None:
        """Delete the segments before one that is needed, or all but the last; one that cannot be deleted stays."""
        first = needed or self._renewed()
        # If a segment cannot be deleted, later ones stay too: without it, the journal would begin with a gap.
        with contextlib.suppress(OSError):
            while self._segments and self._segments[0] is not first:
                self._segments[0].path.unlink(missing_ok=True)
                self._segments.popleft()
        self._measure()

    def _renewed(self) -> Segment | None:
        """Return the last segment, which is a new one if what is there was written with another key or unencrypted.

        So what an earlier key encrypted, or what was not encrypted, is gone once it is stored.
        """
        last = self.last
        if last is not None and not self._is_current(last):
            with contextlib.suppress(OSError):
                self._settle()
                return self._open_segment()
        return last

    def close(self) -> None:
        """Close the open file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _measure(self) -> None:
        self._size = sum(segment.size for segment in self._segments)

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

    def _open_segment(self) -> Segment:
        """Return the segment for the next frame, open for writing; raises OSError."""
        last = self.last
        if last is None or last.size >= max(self._segment_bytes, last.header + 1) or not self._is_current(last):
            self.close()
            return self._new_segment()
        if self._descriptor < 0:
            self._descriptor = os.open(last.path, os.O_WRONLY | os.O_CLOEXEC)
        return last

    def _new_segment(self) -> Segment:
        first = self._last + 1
        path = self._directory / f"{first:020d}.journal"
        marker = secrets.token_bytes(MARKER_SIZE)
        header, cipher = encode_segment_header(first, marker), None
        if (key := self._keys.current) is not None:
            seal = Seal.new(key, self._directory.name)
            cipher = SegmentCipher(key, seal)
            header = encode_sealed_header(first, marker, seal, cipher)
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
        if (last := self.last) is not None and last.path == path:  # it had no frame, and another key
            self._segments.pop()
        segment = Segment(path, marker, len(header), len(header), cipher)
        self._segments.append(segment)
        self._measure()
        return segment

    def _is_current(self, segment: Segment) -> bool:
        """Return whether a segment is encrypted with the key of new ones, or is not encrypted if they are not."""
        key = self._keys.current
        return (segment.cipher.key_id if segment.cipher else None) == (key.key_id if key else None)

    def _sync_path(self, path: Path) -> None:
        """Make the content of a file, or the entries of a directory, durable; raises OSError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._sync(descriptor)
        finally:
            os.close(descriptor)


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

"""The retry ledger's file: remembers over a restart which requests were left behind, and are kept.

Entries are appended, and the file is replaced by a shorter one as a whole: at the start, and when it has grown. An
entry is a digest of 32 bytes, the time (seconds since the epoch, Float64) and one byte, 0 where there is no entry. It
need not be on disk at once: what is lost with the machine's power is a retry that is not recognised. Room is allocated
in advance, for on a full disk much is refused.
"""

from __future__ import annotations

import logging
import os
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from server.data_dir.atomic_files import replace_file
from server.pipeline.retry_ledger import REMEMBERED_SECONDS, NotedRequest

__all__ = ["RetryLedgerFile"]

_logger = logging.getLogger(__name__)
_ENTRY = struct.Struct("<32sdB")
_ROOM = 8192 * _ENTRY.size  # bytes
_MOST = 100_000  # entries that wait for a disk that takes nothing


class _Kind(IntEnum):
    LEFT = 1
    TAKEN = 2
    WAITING = 3  # its batch is in the journal; left behind as soon as it is not there any more


_KINDS = frozenset(_Kind)


@dataclass(frozen=True, slots=True)
class _Entry:
    request: bytes
    time: float  # seconds since the epoch
    kind: _Kind

    def encode(self) -> bytes:
        return _ENTRY.pack(self.request, self.time, self.kind)


class RetryLedgerFile:
    """The file of one stream. Notes are written by a thread of its own."""

    def __init__(
        self,
        path: Path,
        now: Callable[[], float] = time.time,
        *,
        room: int = _ROOM,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        """Use a file, which need not be there.

        Args:
            path: the file.
            now: returns the time, in seconds since the epoch.
            room: bytes that it may have before it is compacted.
            sync: makes durable what was written to the file, or changed in the directory, behind a descriptor.
        """
        self._path = path
        self._now = now
        self._room = room
        self._sync = sync
        self._descriptor = -1
        self._end = 0  # of the last entry, in bytes; known while the file is open
        self._compact_at = 0
        self._queue: list[bytes] = []  # entries that are not in the file
        self._queue_lock = threading.Lock()
        self._writing = threading.Lock()
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="retry-ledger")

    def open(self, waiting: Collection[bytes] = ()) -> list[NotedRequest]:
        """Return what an earlier process noted and nobody has taken over, and go on from there.

        Call it before any batch that waits in the journal is stored, and ``waiting_stored`` after that: once such a
        batch is stored, nothing else tells that its senders had no OK, should this process end then.

        Args:
            waiting: digests of the requests in those batches; they are not returned.

        Raises:
            OSError: the file cannot be read.
        """
        with self._writing:
            entries = self._read()
            now = self._now()
            left = _without_waiting(_replay(entries, now), waiting)
            inherited = [_Entry(request, now, _Kind.WAITING) for request in waiting]
            try:
                self._replace([*left, *inherited])
            except OSError as error:
                self._warn(error)
                # Then the file goes on as it is. It may name the waiting ones already; if not, they are appended.
                named = Counter(entry.request for entry in entries if entry.kind is _Kind.WAITING)
                for request in (Counter(waiting) - named).elements():
                    self._queue.append(_Entry(request, now, _Kind.WAITING).encode())
                self._drain()
        return [NotedRequest(entry.request, max(0.0, now - entry.time)) for entry in left]

    def waiting_stored(self) -> None:
        """Note that the batches that waited when the file was opened are stored: their requests are left behind."""
        with self._writing:
            try:
                entries = _replay(self._read(), now := self._now())
                if any(entry.kind is _Kind.WAITING for entry in entries):
                    self._replace(
                        _Entry(entry.request, now, _Kind.LEFT) if entry.kind is _Kind.WAITING else entry
                        for entry in entries
                    )
            except OSError as error:
                self._warn(error)

    def note(self, request: bytes, left: bool) -> Future[None]:
        """Note that a request was left behind, or was taken over.

        Returns:
            A future that is done when the file has it. When it cannot be written, that is logged and tried again with
            the next note.
        """
        entry = _Entry(request, self._now(), _Kind.LEFT if left else _Kind.TAKEN)
        with self._queue_lock:
            self._queue.append(entry.encode())
            if not self._closed:
                return self._thread.submit(self._write)
        self._write()
        self._close_file()
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def close(self) -> None:
        """Write what was noted, and close the file. What is noted later is written all the same."""
        with self._queue_lock:
            self._closed = True
        self._thread.shutdown()
        self._close_file()

    def _write(self) -> None:
        with self._writing:
            self._drain()

    def _drain(self) -> None:
        with self._queue_lock:
            entries, self._queue = self._queue, []
        if not entries:
            return
        content = b"".join(entries)
        try:
            if self._descriptor < 0:
                self._reopen()
            if self._end + len(content) > self._compact_at:
                self._compact()
            _write_all(self._descriptor, content, self._end)
            self._end += len(content)
        except OSError as error:
            self._warn(error)
            with self._queue_lock:
                self._queue = (entries + self._queue)[-_MOST:]

    def _compact(self) -> None:
        try:
            self._replace(_replay(self._read(), self._now()))
        except OSError as error:  # on a full disk there is room in the old file still
            _logger.warning("%s cannot be compacted, and goes on growing: %s", self._path, error)
        self._reopen()

    def _replace(self, entries: Iterable[_Entry]) -> None:
        self._close_file()
        content = b"".join(entry.encode() for entry in entries)
        replace_file(self._path, content, mode=0o600, room=self._room, sync=self._sync)

    def _reopen(self) -> None:
        self._end = len(self._read()) * _ENTRY.size
        self._compact_at = max(self._room, 2 * self._end)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _read(self) -> list[_Entry]:
        content = self._path.read_bytes() if self._path.exists() else b""
        whole = len(content) // _ENTRY.size * _ENTRY.size  # a crash may have cut the last one off
        return list(_entries(content[:whole]))

    def _close_file(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _warn(self, error: OSError) -> None:
        _logger.warning(
            "%s cannot be written: requests that are tried again after a restart may be stored twice: %s",
            self._path,
            error,
        )


def _entries(content: bytes) -> Iterator[_Entry]:
    for request, noted_at, kind in _ENTRY.iter_unpack(content):
        if kind not in _KINDS:
            return
        yield _Entry(request, noted_at, _Kind(kind))


def _replay(entries: Iterable[_Entry], now: float) -> list[_Entry]:
    """Return the entries that were not taken over, the oldest first; those whose time is over are left out."""
    left: dict[bytes, deque[_Entry]] = {}
    for entry in entries:
        waiting = left.setdefault(entry.request, deque())
        # As the ledger does: all of a request are remembered for as long as the last of them.
        if waiting and entry.time - waiting[-1].time >= REMEMBERED_SECONDS:
            waiting.clear()
        if entry.kind is not _Kind.TAKEN:
            waiting.append(entry)
        elif waiting:
            waiting.popleft()
    young = (waiting for waiting in left.values() if waiting and now - waiting[-1].time < REMEMBERED_SECONDS)
    return sorted((entry for waiting in young for entry in waiting), key=lambda entry: entry.time)


def _without_waiting(entries: Iterable[_Entry], waiting: Iterable[bytes]) -> list[_Entry]:
    """Return entries without those whose batches are in the journal still; the others are left behind by now."""
    in_journal = Counter(waiting)
    left = []
    for entry in entries:
        if entry.kind is _Kind.WAITING and in_journal[entry.request]:
            in_journal[entry.request] -= 1
        else:
            left.append(_Entry(entry.request, entry.time, _Kind.LEFT))
    return left


def _write_all(descriptor: int, content: bytes, offset: int) -> None:
    rest = memoryview(content)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        offset += written
        rest = rest[written:]

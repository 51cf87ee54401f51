"""The file of a retry ledger: it preserves over restarts which requests were left behind but are kept.

Entries are appended. The file is compacted into a new one at start, and when it has grown. An entry is a digest of 32
bytes, the time (seconds since the epoch, Float64) and one byte, 0 if there is no entry. Entries need not be durable at
once: after a power failure, a retry may not be recognised. Space is allocated in advance, because on a full disk many
requests are refused.
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
from server.data_dir.errors import DataDirectoryError
from server.errors.files import reason_of
from server.pipeline.retry_ledger import REMEMBERED_SECONDS, NotedRequest

__all__ = ["RetryLedgerFile"]

_logger = logging.getLogger(__name__)
_ENTRY = struct.Struct("<32sdB")
_ROOM = 8192 * _ENTRY.size  # bytes
_MOST = 100_000  # entries that wait while the disk cannot be written


class _Kind(IntEnum):
    LEFT = 1
    TAKEN = 2
    WAITING = 3  # its batch is in the journal; once the batch is stored, the request counts as left behind


_KINDS = frozenset(_Kind)


@dataclass(frozen=True, slots=True)
class _Entry:
    request: bytes
    time: float  # seconds since the epoch
    kind: _Kind

    def encode(self) -> bytes:
        return _ENTRY.pack(self.request, self.time, self.kind)


class RetryLedgerFile:
    """The retry ledger file of one stream; a thread of its own writes the notes."""

    def __init__(
        self,
        path: Path,
        now: Callable[[], float] = time.time,
        *,
        room: int = _ROOM,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        """Use a file, which need not exist.

        Args:
            path: path of the file.
            now: function that returns the time, in seconds since the epoch.
            room: size in bytes at which the file is compacted.
            sync: function that makes the file or directory of a descriptor durable, as fsync does.
        """
        self._path = path
        self._now = now
        self._room = room
        self._sync = sync
        self._descriptor = -1
        self._end = 0  # offset of the end of the last entry, in bytes; valid while the file is open
        self._compact_at = 0
        self._queue: list[bytes] = []  # entries that are not in the file yet
        self._queue_lock = threading.Lock()
        self._writing = threading.Lock()
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="retry-ledger")

    def open(self, waiting: Collection[bytes] = ()) -> list[NotedRequest]:
        """Open the file and return the requests that an earlier process noted and no retry has taken over.

        Call this before any batch in the journal is stored, and ``waiting_stored`` afterwards: once such a batch is
        stored, only this file shows that its senders got no OK, in case this process ends then.

        Args:
            waiting: digests of the requests of these batches; they are not returned.

        Raises:
            DataDirectoryError: the file cannot be read.
        """
        with self._writing:
            try:
                entries = self._read()
            except OSError as error:
                raise DataDirectoryError(
                    f"the retry ledger {self._path} cannot be read: {reason_of(error)}. Let this user "
                    "read the file, or move the file away. Without it, requests that were refused "
                    "before this start may be stored twice if they are sent again"
                ) from error
            now = self._now()
            left = _without_waiting(_replay(entries, now), waiting, now)
            inherited = [_Entry(request, now, _Kind.WAITING) for request in waiting]
            try:
                self._replace([*left, *inherited])
            except OSError as error:
                self._warn(error)
                # Then the file is continued as it is. If it does not have the waiting requests yet, they are appended.
                named = Counter(entry.request for entry in entries if entry.kind is _Kind.WAITING)
                for request in (Counter(waiting) - named).elements():
                    self._queue.append(_Entry(request, now, _Kind.WAITING).encode())
                self._drain()
        return [NotedRequest(entry.request, max(0.0, now - entry.time)) for entry in left]

    def waiting_stored(self) -> None:
        """Note that the batches that were waiting in ``open`` are stored: their requests count as left behind."""
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
        """Note that a request was left behind, or that a retry took it over.

        Returns:
            A future that is done once the note is in the file. If the file cannot be written, the error is logged, and
            the next note tries again.
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
        """Write all notes and close the file. Later notes are still written."""
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
        except OSError as error:  # on a full disk, the old file still has space
            _logger.warning("%s cannot be compacted and keeps growing: %s", self._path, reason_of(error))
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
            "%s cannot be written, so retries after a restart may be stored twice: %s",
            self._path,
            reason_of(error),
        )


def _entries(content: bytes) -> Iterator[_Entry]:
    for request, noted_at, kind in _ENTRY.iter_unpack(content):
        if kind not in _KINDS:
            return
        yield _Entry(request, noted_at, _Kind(kind))


def _replay(entries: Iterable[_Entry], now: float) -> list[_Entry]:
    """Return the entries that were not taken over, oldest first, without expired ones.

    Requests whose batches wait in the journal do not expire: they count from when these are stored.
    """
    left: dict[bytes, deque[_Entry]] = {}
    for entry in entries:
        waiting = left.setdefault(entry.request, deque())
        # As in the ledger: all entries of a request are remembered for as long as its last one.
        if waiting and entry.time - waiting[-1].time >= REMEMBERED_SECONDS:
            waiting = left[entry.request] = deque(one for one in waiting if one.kind is _Kind.WAITING)
        if entry.kind is not _Kind.TAKEN:
            waiting.append(entry)
        elif waiting:
            waiting.popleft()
    kept: list[_Entry] = []
    for waiting in left.values():
        if waiting and now - waiting[-1].time < REMEMBERED_SECONDS:
            kept += waiting
        else:
            kept += (entry for entry in waiting if entry.kind is _Kind.WAITING)
    return sorted(kept, key=lambda entry: entry.time)


def _without_waiting(entries: Iterable[_Entry], waiting: Iterable[bytes], now: float) -> list[_Entry]:
    """Return the entries whose batches are no longer in the journal; their requests count as left behind.

    If a batch was waiting when the process before ended, it is not known when it was stored: it counts as stored now.
    """
    in_journal = Counter(waiting)
    left = []
    for entry in entries:
        if entry.kind is _Kind.WAITING and in_journal[entry.request]:
            in_journal[entry.request] -= 1
        else:
            stored = now if entry.kind is _Kind.WAITING else entry.time
            left.append(_Entry(entry.request, stored, _Kind.LEFT))
    return left


def _write_all(descriptor: int, content: bytes, offset: int) -> None:
    rest = memoryview(content)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        offset += written
        rest = rest[written:]

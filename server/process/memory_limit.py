"""Keeping to ``--memory-limit``: what is planned with at the start, and what is done if a plan does not hold.

The limit is of resident memory, as the kernel counts it. What requests take is kept account of; what the embedded
engine takes, gRPC for bodies of unknown size, and freed memory that nobody has given back, is not. So that is looked
at, all the time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from server.admission.admission import MEMORY_FACTOR, Admission, AdmissionLimits
from server.codec.limits import MAX_RECORDS, MAX_REPEATED, RowLimits
from server.settings.settings import ConfigError

__all__ = [
    "MemoryGuard",
    "MemoryLimitError",
    "MemoryPlan",
    "largest_acceptable_request",
    "memory_for_requests",
    "plan_memory",
    "resident_memory",
]

_logger = logging.getLogger(__name__)

_MIB = 1 << 20
_STATM = Path("/proc/self/statm")

_STREAMS = 2  # each stores one batch at a time
# How many times its size a batch takes while it is stored, besides its rows.
_BATCH_TIMES = 1
_BATCH_TIMES_EMBEDDED = 6  # with what the engine takes to sort, to write and to merge it, as measured
_BATCH_TIMES_BEHIND = 1  # more with --ack journal: what is stored is read from there while others are appended
_ENGINE = 250 * _MIB  # that the embedded engine takes at least once it is open, its code for the most part
_LARGE_TIMES = 5  # of a request that is alone: it is encoded and put into a block while all of it is still there
_SPARE = 64 * _MIB  # for what is nobody's: answers of the API, and memory that lies between what is used
_MIN_LARGEST_REQUEST = 4 * _MIB  # bytes: a server that takes no requests of this size is no use
_BYTES_PER_RECORD = 100  # of a record without anything in it, once it is a row

# Below the limit, from where on memory is short: what may come between two looks. Twice as far below it, what has been
# freed is given back.
_MARGIN_PART = 8
_LEAST_MARGIN, _MOST_MARGIN = 48 * _MIB, 128 * _MIB
_LOOK = 0.05  # seconds
_LOOK_AFTER = 1.0  # seconds between looks at requests that arrive
_GIVE_BACK = 0.5  # seconds between attempts to give memory back
_TELL = 10.0  # seconds between warnings
_STOPPED_AT_ONCE = 8  # the part of the arriving requests that is ended in one look: an eighth


class MemoryLimitError(ConfigError):
    """The memory limit is too low for the server itself."""


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How the memory that the server may take is divided.

    Attributes:
        limit: bytes in all.
        admission: how much may be in flight.
        rows: what the rows of one request may be.
    """

    limit: int
    admission: AdmissionLimits
    rows: RowLimits


def resident_memory() -> int | None:
    """Return the bytes of this process that are in memory, None where the kernel does not tell (proc(5), statm)."""
    try:
        return int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def plan_memory(
    limit: int, resident: int, *, max_requests: int, batch_bytes: int, embedded: bool, behind: bool
) -> MemoryPlan:
    """Divide the memory of a process that receives records.

    Args:
        limit: bytes of resident memory that it may take.
        resident: bytes that it takes now, with storage open and no requests.
        max_requests: how many requests may be in flight.
        batch_bytes: bytes that close a batch.
        embedded: whether the engine is in this process.
        behind: whether batches are stored after they were acknowledged.

    Raises:
        MemoryLimitError: nothing would be left for requests.
    """
    times = _times(embedded=embedded, behind=behind)
    batches = _STREAMS * times * batch_bytes
    itself = resident + batches + _SPARE
    left = limit - itself
    if left < _LARGE_TIMES * _MIN_LARGEST_REQUEST:
        needed = -(-(itself + _LARGE_TIMES * _MIN_LARGEST_REQUEST) // _MIB)
        raise MemoryLimitError(
            f"a memory limit of {limit // _MIB} MiB is too low: the server itself takes {resident // _MIB} MiB, and up "
            f"to {batches // _MIB} MiB to store batches of {batch_bytes // _MIB} MiB. Give each of its "
            f"processes --memory-limit {needed * _MIB} ({needed} MiB) or more, or lower --batch-bytes"
        )
    # A request that is larger than a batch is a batch of its own, beside one of the other stream.
    largest = left // _LARGE_TIMES
    if largest > batch_bytes:
        largest = (left + times * batch_bytes) // (_LARGE_TIMES + times)
    return MemoryPlan(
        limit,
        AdmissionLimits(max_requests, left // MEMORY_FACTOR, largest),
        RowLimits(min(MAX_RECORDS, largest // _BYTES_PER_RECORD), min(MAX_REPEATED, largest)),
    )


def memory_for_requests(size: int, resident: int, *, batch_bytes: int, embedded: bool, behind: bool) -> int:
    """Return the lowest memory limit, in bytes, with which requests of a size can be taken in.

    Args:
        size: bytes of the request, once it is in rows.
        resident: as for ``plan_memory``.
        batch_bytes: likewise.
        embedded: likewise.
        behind: likewise.
    """
    times = _times(embedded=embedded, behind=behind)
    batches = times * (max(size, batch_bytes) + (_STREAMS - 1) * batch_bytes)
    return resident + _SPARE + batches + _LARGE_TIMES * max(size, _MIN_LARGEST_REQUEST)


def _times(*, embedded: bool, behind: bool) -> int:
    return (_BATCH_TIMES_EMBEDDED if embedded else _BATCH_TIMES) + _BATCH_TIMES_BEHIND * behind


def largest_acceptable_request(limit: int, resident: int, *, batch_bytes: int, embedded: bool, behind: bool) -> int:
    """Return the bytes above which a request can certainly never be taken in, before storage is open.

    What knows it refuses larger ones by what they declare, before they are in memory.

    Args:
        limit: bytes of resident memory that the process may take.
        resident: bytes that it takes now.
        batch_bytes: as for ``plan_memory``.
        embedded: likewise.
        behind: likewise.

    Raises:
        MemoryLimitError: no request can.
    """
    later = resident + (_ENGINE if embedded else 0)
    plan = plan_memory(limit, later, max_requests=1, batch_bytes=batch_bytes, embedded=embedded, behind=behind)
    return plan.admission.largest


class MemoryGuard:
    """Looks at the memory of this process, and refuses and ends requests while it is short. Lives on one event loop."""

    def __init__(
        self,
        limit: int,
        admission: Admission,
        give_back: Sequence[Callable[[], object]],
        *,
        resident: Callable[[], int | None] = resident_memory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Guard a process.

        Args:
            limit: bytes of resident memory that it may take.
            admission: of its requests.
            give_back: what gives freed memory back to the kernel; each may block, and is called in a thread.
            resident: tells the memory that is taken.
            clock: tells the time, in seconds.
        """
        margin = min(max(limit // _MARGIN_PART, _LEAST_MARGIN), _MOST_MARGIN)
        self._short = limit - margin
        self._much = limit - 2 * margin
        self._admission = admission
        self._give_back = give_back
        self._resident = resident
        self._clock = clock
        self._short_looks = 0  # one after the other
        self._looked_after = self._gave_back = self._told = float("-inf")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="give-back")

    async def run(self) -> None:
        """Look, again and again; never ends."""
        if self._resident() is None:
            _logger.warning("this system does not tell how much memory a process takes: the memory limit is estimated")
        try:
            while True:
                self.look()
                await asyncio.sleep(_LOOK)
        finally:
            self._thread.shutdown(wait=False)

    def look(self) -> None:
        """Look once."""
        now = self._clock()
        if now - self._looked_after >= _LOOK_AFTER:
            self._looked_after = now
            self._admission.expire_slow_arrivals()
        resident = self._resident() or 0
        if resident >= self._much and now - self._gave_back >= _GIVE_BACK:
            self._gave_back = now
            self._thread.submit(self._give_all_back)
        if resident < self._short:
            self._admission.short_of_memory(False)
            self._short_looks = 0
            return
        self._admission.short_of_memory(True)
        self._short_looks += 1
        if now - self._told >= _TELL:
            self._told = now
            _logger.warning(
                "memory is short: %d MiB are taken, %d requests are in flight, %d of them arrive",
                resident // _MIB,
                self._admission.requests,
                self._admission.arriving,
            )
        if self._short_looks > 1:  # the first time, requests that were taken may just have been acknowledged
            self._admission.stop_newest(-(-self._admission.arriving // _STOPPED_AT_ONCE))

    def _give_all_back(self) -> None:
        for give_back in self._give_back:
            try:
                give_back()
            except Exception as error:
                _logger.warning("memory could not be given back: %s", error)

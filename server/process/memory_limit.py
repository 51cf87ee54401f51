"""Enforcement of ``--memory-limit``: the plan that is made at start, and the guard that acts if the plan fails.

The limit applies to resident memory, as the kernel counts it. Memory of requests is accounted for; memory of the
embedded engine, of gRPC for bodies of unknown size, and freed memory that was not returned to the kernel is not. So
the guard checks resident memory all the time.
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
from server.codec.limits import MAX_DISCLOSED, MAX_RECORDS, MAX_REPEATED, RowLimits
from server.errors.amounts import size, typed_size
from server.notary.origin import Stream
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

_STREAMS = len(Stream)  # each stores one batch at a time
# Memory for storing a batch, as a multiple of the batch's size besides its rows.
_BATCH_TIMES = 1
_BATCH_TIMES_EMBEDDED = 6  # including sorting, writing and merging in the engine, as measured
_BATCH_TIMES_BEHIND = 1  # more with --ack journal: batches are read from the journal while others are appended
_ENGINE = 250 * _MIB  # minimum of the embedded engine once it is open, mostly its code
_LARGE_TIMES = 5  # of one large request, which is encoded and put into a block while it is still in memory
_SPARE = 64 * _MIB  # for unaccounted memory: answers of the API, and fragmentation
_MIN_LARGEST_REQUEST = 4 * _MIB  # bytes: a server that cannot accept requests of this size is useless
_BYTES_PER_RECORD = 100  # of the row of an empty record
_BYTES_PER_DISCLOSED = 1000  # of a value that a commitment replaces

# Memory counts as short this far below the limit: as much may be allocated between two checks. Twice as far below the
# limit, freed memory is returned to the kernel.
_MARGIN_PART = 8
_LEAST_MARGIN, _MOST_MARGIN = 48 * _MIB, 128 * _MIB
_LOOK = 0.05  # seconds
_LOOK_AFTER = 1.0  # seconds between checks of arriving requests
_GIVE_BACK = 0.5  # seconds between attempts to return memory
_TELL = 10.0  # seconds between warnings
_STOPPED_AT_ONCE = 8  # divisor: each check ends an eighth of the arriving requests


class MemoryLimitError(ConfigError):
    """The memory limit is too low for the server itself."""


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Division of the memory that a process may use.

    Attributes:
        limit: bytes in total.
        admission: limits on requests in flight.
        rows: limits on the rows of one request.
    """

    limit: int
    admission: AdmissionLimits
    rows: RowLimits


def resident_memory() -> int | None:
    """Return the resident memory of this process in bytes, None if the kernel does not report it (proc(5), statm)."""
    try:
        return int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def plan_memory(
    limit: int, resident: int, *, max_requests: int, batch_bytes: int, embedded: bool, behind: bool
) -> MemoryPlan:
    """Plan the memory of a process that receives records.

    Args:
        limit: maximum resident memory of the process in bytes.
        resident: current resident memory in bytes, with storage open and no requests.
        max_requests: maximum number of requests in flight.
        batch_bytes: size in bytes at which a batch is closed.
        embedded: True if the engine runs in this process.
        behind: True if batches are stored after they are acknowledged (``--ack journal``).

    Raises:
        MemoryLimitError: no memory would be left for requests.
    """
    times = _times(embedded=embedded, behind=behind)
    batches = _STREAMS * times * batch_bytes
    itself = resident + batches + _SPARE
    left = limit - itself
    if left < _LARGE_TIMES * _MIN_LARGEST_REQUEST:
        needed = -(-(itself + _LARGE_TIMES * _MIN_LARGEST_REQUEST) // _MIB) * _MIB
        raise MemoryLimitError(
            f"a memory limit of {size(limit)} is too low: the server itself takes {size(resident)}, and up to "
            f"{size(batches)} to store batches of {size(batch_bytes)}. Give each of its processes --memory-limit "
            f"{typed_size(needed)} or more, or lower --batch-bytes"
        )
    # A request that is larger than a batch is a batch of its own, beside one of each other stream.
    largest = left // _LARGE_TIMES
    if largest > batch_bytes:
        largest = (left + times * batch_bytes) // (_LARGE_TIMES + times)
    return MemoryPlan(
        limit,
        AdmissionLimits(max_requests, left // MEMORY_FACTOR, largest),
        RowLimits(
            min(MAX_RECORDS, largest // _BYTES_PER_RECORD),
            min(MAX_REPEATED, largest),
            min(MAX_DISCLOSED, largest // _BYTES_PER_DISCLOSED),
        ),
    )


def memory_for_requests(size: int, resident: int, *, batch_bytes: int, embedded: bool, behind: bool) -> int:
    """Return the lowest memory limit, in bytes, with which a request of a given size can be admitted.

    Args:
        size: size of the request's rows in bytes.
        resident: as in ``plan_memory``.
        batch_bytes: as in ``plan_memory``.
        embedded: as in ``plan_memory``.
        behind: as in ``plan_memory``.
    """
    times = _times(embedded=embedded, behind=behind)
    batches = times * (max(size, batch_bytes) + (_STREAMS - 1) * batch_bytes)
    return resident + _SPARE + batches + _LARGE_TIMES * max(size, _MIN_LARGEST_REQUEST)


def _times(*, embedded: bool, behind: bool) -> int:
    return (_BATCH_TIMES_EMBEDDED if embedded else _BATCH_TIMES) + _BATCH_TIMES_BEHIND * behind


def largest_acceptable_request(limit: int, resident: int, *, batch_bytes: int, embedded: bool, behind: bool) -> int:
    """Return the size in bytes above which a request can never be admitted, before storage is open.

    With this limit, receivers refuse larger requests by their declared size, before they are in memory.

    Args:
        limit: maximum resident memory of the process in bytes.
        resident: current resident memory in bytes.
        batch_bytes: as in ``plan_memory``.
        embedded: as in ``plan_memory``.
        behind: as in ``plan_memory``.

    Raises:
        MemoryLimitError: no request can be admitted.
    """
    later = resident + (_ENGINE if embedded else 0)
    plan = plan_memory(limit, later, max_requests=1, batch_bytes=batch_bytes, embedded=embedded, behind=behind)
    return plan.admission.largest


class MemoryGuard:
    """Guard of this process's memory: refuses and ends requests while memory is short; bound to one event loop."""

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
            limit: maximum resident memory of the process in bytes.
            admission: admission control of the process's requests.
            give_back: functions that return freed memory to the kernel; each may block, and is called in a thread.
            resident: function that returns the resident memory in bytes, or None.
            clock: function that returns the time in seconds.
        """
        margin = min(max(limit // _MARGIN_PART, _LEAST_MARGIN), _MOST_MARGIN)
        self._short = limit - margin
        self._much = limit - 2 * margin
        self._admission = admission
        self._give_back = give_back
        self._resident = resident
        self._clock = clock
        self._short_looks = 0  # consecutive checks that found memory short
        self._looked_after = self._gave_back = self._told = float("-inf")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="give-back")

    async def run(self) -> None:
        """Check the memory periodically; never returns."""
        if self._resident() is None:
            _logger.warning(
                "this system does not report the memory of a process: the memory limit is enforced by estimates"
            )
        try:
            while True:
                self.look()
                await asyncio.sleep(_LOOK)
        finally:
            self._thread.shutdown(wait=False)

    def look(self) -> None:
        """Check the memory once."""
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
                "memory is short: %s in use, %d requests in flight, %d of them still arriving",
                size(resident),
                self._admission.requests,
                self._admission.arriving,
            )
        if self._short_looks > 1:  # at the first check, accepted requests may just have been acknowledged
            self._admission.stop_newest(-(-self._admission.arriving // _STOPPED_AT_ONCE))

    def _give_all_back(self) -> None:
        for give_back in self._give_back:
            try:
                give_back()
            except Exception as error:
                _logger.warning("memory could not be returned to the kernel: %s", error)

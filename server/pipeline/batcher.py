"""Group commit: gathers the rows of many requests of one stream into batches.

A batch is closed when it has enough rows, enough bytes, or is old enough, and when rows of another
day come. While one batch is committed, the next gathers. What senders feel is gathering and commit
together, so a batch is closed earlier by what commits took lately.

To commit here means to bring a batch to where its senders may be told OK: into storage, or into the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from server.codec.rows import Rows
from server.errors.ingest import BatchOutcomeUnknownError, RefusedError, ShuttingDownError, StorageRefusedError
from server.pipeline.measures import BatchMeasure, MeasureBatch
from server.pipeline.retry_ledger import Note, NotedRequest, RetryLedger

__all__ = ["BatchLimits", "Batcher", "Gatherer", "RequestRows"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is closed.

    Attributes:
        rows: number of rows.
        size: bytes of encoded rows.
        age: seconds since its first rows came, within which it should be committed.
    """

    rows: int = 50_000
    size: int = 32 << 20
    age: float = 0.25


_MOST_AHEAD = 0.25  # of the age: where commits take longer, early batches would only make more of them


_SETTLE_AGAIN = 1.0  # seconds between attempts to bring batches of unknown outcome to an end


_STUCK = 5.0  # seconds that a commit takes before others are refused at once, and not after they waited


@dataclass(frozen=True, slots=True)
class RequestRows:
    """What one request has in a batch: its rows, and the request's digest."""

    rows: Rows
    request: bytes


@dataclass(slots=True)
class _Group:
    opened: float
    day: int
    parts: dict[asyncio.Future[None], RequestRows] = field(default_factory=dict)
    rows: int = 0
    size: int = 0


class Gatherer:
    """Decides which rows go into one batch. Pure: told the time, does no I/O."""

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._groups: deque[_Group] = deque()  # all but the last are closed
        self._group_of: dict[asyncio.Future[None], _Group] = {}

    def add(self, part: RequestRows, ticket: asyncio.Future[None], now: float) -> None:
        """Put rows into the open batch, or open the next one if they do not fit."""
        rows = part.rows
        group = self._groups[-1] if self._groups else None
        if (
            group is None
            or group.rows + rows.count > self._limits.rows
            or group.size + rows.size > self._limits.size
            or group.day != rows.day
        ):
            group = _Group(opened=now, day=rows.day)
            self._groups.append(group)
        group.parts[ticket] = part
        group.rows += rows.count
        group.size += rows.size
        self._group_of[ticket] = group

    def discard(self, ticket: asyncio.Future[None]) -> None:
        """Forget rows that nobody waits for any more, unless their batch has been taken."""
        group = self._group_of.pop(ticket, None)
        if group is None:
            return
        rows = group.parts.pop(ticket).rows
        group.rows -= rows.count
        group.size -= rows.size
        if not group.parts:
            self._groups.remove(group)

    def seconds_until_due(self, now: float, commit_seconds: float = 0.0) -> float | None:
        """Return how long the first batch may still gather, None if there is none.

        Args:
            now: the time, in seconds.
            commit_seconds: how long its commit will take.
        """
        if not self._groups:
            return None
        group = self._groups[0]
        full = group.rows >= self._limits.rows or group.size >= self._limits.size
        if len(self._groups) > 1 or full:
            return 0.0
        ahead = min(commit_seconds, _MOST_AHEAD * self._limits.age)
        return max(0.0, group.opened + self._limits.age - ahead - now)

    @property
    def opened(self) -> float | None:
        """When the first rows of the first batch came, None if there is none; may be read by other threads."""
        try:
            return self._groups[0].opened
        except IndexError:
            return None

    def take(self) -> dict[asyncio.Future[None], RequestRows]:
        """Remove the first batch and return its parts, by who waits for them."""
        group = self._groups.popleft()
        for ticket in group.parts:
            del self._group_of[ticket]
        return group.parts


class Batcher:
    """Runs the batches of one stream; lives on one event loop."""

    def __init__(
        self,
        limits: BatchLimits,
        commit: Callable[[list[Rows], list[bytes]], object],
        measure: MeasureBatch = lambda _: None,
        note_left: Note = lambda _request, _left: None,
        clock: Callable[[], float] = time.monotonic,
        *,
        settle: Callable[[], object] = lambda: None,
    ) -> None:
        """Gather batches.

        Args:
            limits: when a batch is closed.
            commit: commits a batch, given its rows and the digests of its requests; called in a thread, one call
                at a time; raises BatchOutcomeUnknownError when the batch may be committed, and RefusedError or any
                other error when it is not.
            measure: told of every batch.
            note_left: told of requests that were left behind, for a later start.
            clock: returns the time, in seconds.
            settle: returns when the batches of unknown outcome are committed; called as ``commit``, and again after
                an error.
        """
        self._gatherer = Gatherer(limits)
        self._commit = commit
        self._settle_batches = settle
        self._unknown: list[asyncio.Future[None]] = []  # outcomes of batches that may be committed
        self._measure = measure
        self._clock = clock
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._commit_seconds = 0.0  # lately
        self._began: float | None = None  # when the commit that runs began
        self._opened: float | None = None  # when the first rows of its batch came
        self._on_way: dict[asyncio.Future[None], bytes] = {}  # who waits for the batch that is committed: requests
        self._outcome: asyncio.Future[None] | None = None  # of that batch
        self._left_behind = RetryLedger(clock, note_left)
        self._task: asyncio.Task[None] | None = None
        # A thread of its own: commits never wait for whatever else runs in threads.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")

    def start(self) -> None:
        """Begin to commit."""
        self._task = asyncio.create_task(self._run())

    def add(self, rows: Rows, request: bytes) -> asyncio.Future[None]:
        """Take rows; the future is done when they are committed, or has a RefusedError.

        Cancelling it takes the rows back, unless their batch is being committed. Then the same request, when it
        comes again, takes over what becomes of them.

        Args:
            rows: the rows.
            request: digest of the request that they came with.

        Raises:
            ShuttingDownError: no rows are taken any more.
            StorageRefusedError: the commit that runs has not come to an end for long.
        """
        if self._closing.is_set():
            raise ShuttingDownError("the server is shutting down")
        left = self._left_behind.find(request)
        waited = self._clock() - self._began if self._began is not None else 0.0
        if waited > _STUCK and not (left and left.done()):
            raise StorageRefusedError(f"storage has not answered for {waited:.0f} s", retry_after=min(waited, 30.0))
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if left is not None:
            noted = self._left_behind.take(request)
            self._take_over(left, request, ticket, asyncio.wrap_future(noted) if noted is not None else None)
            return ticket
        self._gatherer.add(RequestRows(rows, request), ticket, self._clock())
        ticket.add_done_callback(self._abandoned)
        self._changed.set()
        return ticket

    def record_committed(self, requests: Iterable[bytes]) -> None:
        """Remember requests that were committed, and whose senders do not know it.

        Args:
            requests: their digests.
        """
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        outcome.set_result(None)
        for request in requests:
            self._left_behind.leave(request, outcome)

    def restore(self, requests: Iterable[NotedRequest]) -> None:
        """Remember requests of which an earlier process noted that they were left behind."""
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        outcome.set_result(None)
        self._left_behind.restore(requests, outcome)

    def _take_over(
        self,
        outcome: asyncio.Future[None],
        request: bytes,
        ticket: asyncio.Future[None],
        noted: asyncio.Future[None] | None,
    ) -> None:
        def pass_on(_: asyncio.Future[None]) -> None:
            if outcome.done() and (noted is None or noted.done()) and not ticket.done():
                _settle(ticket, outcome.exception())

        def leave_again(_: asyncio.Future[None]) -> None:
            if ticket.cancelled():
                self._left_behind.leave(request, outcome)

        ticket.add_done_callback(leave_again)
        outcome.add_done_callback(pass_on)
        if noted is not None:
            noted.add_done_callback(pass_on)

    def _abandoned(self, ticket: asyncio.Future[None]) -> None:
        # A sender that was refused, or has gone, sends its rows again: here they would be stored twice.
        self._gatherer.discard(ticket)
        request = self._on_way.pop(ticket, None)
        if ticket.cancelled() and request is not None and self._outcome is not None:
            self._left_behind.leave(request, self._outcome)

    @property
    def oldest(self) -> float:
        """Seconds for which the oldest rows have waited that are not committed, 0 where none wait.

        May be read by other threads.
        """
        opened = self._opened or self._gatherer.opened
        return self._clock() - opened if opened is not None else 0.0

    async def close(self) -> None:
        """Commit what has been gathered at once, then end."""
        self._closing.set()
        self._changed.set()
        if self._task is not None:
            await self._task
        while self._unknown:
            _settle(self._unknown.pop(), ShuttingDownError("the server is shutting down"))
        self._thread.shutdown(wait=False)

    async def _run(self) -> None:
        while True:
            if self._unknown and not self._closing.is_set():
                await self._settle_unknown()
                continue
            due = self._gatherer.seconds_until_due(self._clock(), self._commit_seconds)
            if due is None and self._closing.is_set():
                return
            if due is None or (due > 0 and not self._closing.is_set()):
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), due)
                continue
            await self._commit_next()

    async def _commit_next(self) -> None:
        opened = self._opened = self._gatherer.opened or self._clock()
        parts = self._gatherer.take()
        loop = asyncio.get_running_loop()
        self._on_way = {ticket: part.request for ticket, part in parts.items()}
        self._outcome = loop.create_future()
        began = self._began = self._clock()
        refusal: RefusedError | None = None
        unknown = False
        try:
            rows = [part.rows for part in parts.values()]
            await loop.run_in_executor(self._thread, self._commit, rows, list(self._on_way.values()))
            self._commit_seconds += (self._clock() - began - self._commit_seconds) / 4
        except RefusedError as error:
            refusal = error
            unknown = isinstance(error, BatchOutcomeUnknownError)
        except Exception as error:
            # Where the batch may be committed all the same, the error says so; here it is not.
            refusal = StorageRefusedError(f"the batch could not be committed: {str(error) or type(error).__name__}")
            refusal.__cause__ = error
        self._began = self._opened = None
        records = sum(part.rows.count for part in parts.values())
        self._measure(BatchMeasure(records, began - opened, self._clock() - began, kept=refusal is None))
        if unknown:
            self._unknown.append(self._outcome)
        else:
            _settle(self._outcome, refusal)
        for ticket, request in self._on_way.items():  # the others have gone
            if unknown or ticket.cancelled():
                self._left_behind.leave(request, self._outcome)
            if not ticket.cancelled():
                _settle(ticket, refusal)
        self._on_way = {}

    async def _settle_unknown(self) -> None:
        """Bring batches of unknown outcome to an end, or wait a little where that is not possible now."""
        if self._began is None:
            self._began = self._clock()
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._settle_batches)
        except Exception as error:
            _logger.warning("what became of a batch is not known yet: %s", str(error) or type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _SETTLE_AGAIN)
            return
        self._began = None
        for outcome in self._unknown:
            _settle(outcome, None)
        self._unknown.clear()


def _settle(future: asyncio.Future[None], error: BaseException | None) -> None:
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()  # that nobody may wait for it any more is no error

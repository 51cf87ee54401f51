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
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from server.codec.rows import Rows
from server.errors.ingest import BatchOutcomeUnknownError, RefusedError, ShuttingDownError, StorageRefusedError
from server.pipeline.gatherer import BatchLimits, Gatherer, RequestRows
from server.pipeline.measures import BatchMeasure, MeasureBatch
from server.pipeline.retry_ledger import Note, NotedRequest, RetryLedger

__all__ = ["Batcher"]

_logger = logging.getLogger(__name__)

_SETTLE_AGAIN = 1.0  # seconds between attempts to bring batches of unknown outcome to an end


_STUCK = 5.0  # seconds that a commit takes before others are refused at once, and not after they waited


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

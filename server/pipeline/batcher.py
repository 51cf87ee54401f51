"""Group commit: the rows of many requests of one stream are gathered into batches.

A batch is closed when it has enough rows or bytes, when it is old enough, and when rows of another day arrive.
While one batch is committed, the next is gathered. Senders wait for gathering and commit together, so a batch
is closed earlier by the time that its commit is expected to take.

"Commit" here means: bring a batch to the point at which its senders get OK, which is storage or the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from server.codec.rows import Rows
from server.errors.ingest import (
    BatchOutcomeUnknownError,
    EndedWaitError,
    RefusedError,
    ShuttingDownError,
    StorageRefusedError,
)
from server.notary.batch import Batch
from server.notary.origin import LogOwner
from server.pipeline.commit_time import CommitTime
from server.pipeline.gatherer import BatchLimits, Gatherer, Place, RequestRows
from server.pipeline.measures import BatchMeasure, MeasureBatch
from server.pipeline.retry_ledger import Note, NotedRequest, RetryLedger
from server.retry.trouble import Trouble

__all__ = ["Batcher", "Commit"]

Commit = Callable[[list[Rows], list[bytes]], Mapping[LogOwner, Batch | RefusedError] | None]
"""Function that commits a batch; see ``Batcher``."""

_logger = logging.getLogger(__name__)

_SETTLE_AGAIN = 1.0  # seconds between attempts to commit batches of unknown outcome


_STUCK = 5.0  # seconds that a commit may take before new requests are refused at once instead of waiting for it


class Batcher:
    """Group commit of one stream; bound to one event loop."""

    def __init__(
        self,
        limits: BatchLimits,
        commit: Commit,
        measure: MeasureBatch = lambda _: None,
        note_left: Note = lambda _request, _left: None,
        clock: Callable[[], float] = time.monotonic,
        *,
        settle: Callable[[], object] = lambda: None,
        cause: Callable[[], str] = str,
    ) -> None:
        """Prepare a batcher; ``start`` starts it.

        Args:
            limits: limits at which a batch is closed.
            commit: function that commits a batch, given its rows and the digests of its requests; called in a thread,
                one call at a time; returns for each owner its batch in a log, or the error because of which it is not
                committed: a BatchOutcomeUnknownError if it may be; or None if all rows are stored without a log. Raises
                such an error, or any other, if that is the outcome of all rows.
            measure: function that is called with the measure of every batch.
            note_left: function that records changes of the retry ledger for a later start.
            clock: function that returns the time in seconds.
            settle: function that returns once the batches of unknown outcome are committed; called as ``commit``, and
                again after an error.
            cause: function that returns why a commit takes long, empty if that is not known; must not block.
        """
        self._gatherer = Gatherer(limits)
        self._commit = commit
        self._settle_batches = settle
        self._cause = cause
        self._unsettled = Trouble(
            _logger, "the outcome of a batch is not known yet", "the outcome of all batches is known"
        )
        self._unknown: list[asyncio.Future[None]] = []  # outcomes of batches that may be committed
        self._measure = measure
        self._clock = clock
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._commit_time = CommitTime()
        self._began: float | None = None  # when the running commit began
        self._opened: float | None = None  # when the first rows of its batch arrived
        self._on_way: dict[asyncio.Future[None], RequestRows] = {}  # who waits for the batch being committed
        self._outcomes: dict[LogOwner, asyncio.Future[None]] = {}  # outcomes of the batch being committed, by owner
        self._ledger = RetryLedger(clock, note_left)
        self._task: asyncio.Task[None] | None = None
        # A thread of its own, so that commits never wait for other work in threads.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")

    def start(self) -> None:
        """Start to commit batches."""
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: self._closing.set())  # also if it failed: nothing is taken then

    async def running(self) -> None:
        """Wait until the batcher has ended; raises the error that ended it unexpectedly."""
        if self._task is not None:
            await asyncio.shield(self._task)

    def add(
        self, rows: Rows, request: bytes, kept: Callable[[Place], None] | None = None, waited: float = 0.0
    ) -> asyncio.Future[None]:
        """Add rows; the returned future is done when the rows are committed, or has a RefusedError.

        Cancelling the future takes the rows back, unless their batch is being committed. In that case a retry of the
        same request gets the outcome of that batch.

        Args:
            rows: encoded rows.
            request: digest of the rows' request.
            kept: see ``RequestRows``; not called if the rows were left behind by an earlier, equal request.
            waited: seconds that the rows have waited for something else; they count for the age of their batch.

        Raises:
            ShuttingDownError: the batcher is closed.
            StorageRefusedError: the running commit is taking too long.
        """
        if self._closing.is_set():
            raise ShuttingDownError("the server is shutting down")
        left = self._ledger.outcome_of(request)
        if (trouble := self.trouble) and not (left and left.done()):
            public = f"the last batch has waited for storage for {self._waited:.0f} s"
            raise StorageRefusedError(trouble, retry_after=min(self._waited, 30.0), public=public)
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if left is not None:
            noted = self._ledger.remove(request)
            self._take_over(left, request, ticket, asyncio.wrap_future(noted) if noted is not None else None)
            return ticket
        self._gatherer.add(RequestRows(rows, request, kept), ticket, self._clock() - waited)
        ticket.add_done_callback(self._abandoned)
        self._changed.set()
        return ticket

    @property
    def trouble(self) -> str:
        """Reason why new rows are refused now, empty if they are not; may be read by other threads."""
        waited = self._waited
        if waited <= _STUCK:
            return ""
        cause = self._cause()
        return (
            f"the last batch has waited for storage for {waited:.0f} s: {cause}"
            if cause
            else (f"storage has not answered for {waited:.0f} s")
        )

    @property
    def _waited(self) -> float:
        began = self._began
        return self._clock() - began if began is not None else 0.0

    def record_committed(self, requests: Iterable[bytes]) -> None:
        """Remember requests that were committed, but whose senders do not know it.

        Args:
            requests: digests of the requests.
        """
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        outcome.set_result(None)
        for request in requests:
            self._ledger.add(request, outcome)

    def take_left(self, request: bytes) -> asyncio.Future[None] | None:
        """Take a request out of the retry ledger, for a caller that will not send it again.

        Args:
            request: digest of the request.

        Returns:
            A future that is done once the rows are committed, or has the error because of which they are not; with a
            ShuttingDownError that is not known. None if the rows are not on their way.
        """
        outcome = self._ledger.outcome_of(request)
        if outcome is not None:
            self._ledger.remove(request)
        return outcome

    def restore(self, requests: Iterable[NotedRequest]) -> None:
        """Restore the requests that an earlier process noted as left behind."""
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        outcome.set_result(None)
        self._ledger.restore(requests, outcome)

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
                self._ledger.add(request, outcome)

        ticket.add_done_callback(leave_again)
        outcome.add_done_callback(pass_on)
        if noted is not None:
            noted.add_done_callback(pass_on)

    def _abandoned(self, ticket: asyncio.Future[None]) -> None:
        # A sender that was refused, or that has gone, will retry: rows left here would be stored twice.
        self._gatherer.discard(ticket)
        part = self._on_way.pop(ticket, None)
        if ticket.cancelled() and part is not None:
            self._ledger.add(part.request, self._outcomes[part.rows.owner])

    @property
    def oldest(self) -> float:
        """Seconds that the oldest uncommitted rows have waited; 0 if there are none.

        May be read by other threads.
        """
        opened = self._opened or self._gatherer.opened
        return self._clock() - opened if opened is not None else 0.0

    async def close(self) -> None:
        """Commit the gathered rows at once, then stop."""
        self._closing.set()
        self._changed.set()
        if self._task is not None:
            await asyncio.wait((self._task,))  # ``running`` raises its error
        while self._unknown:
            _settle(self._unknown.pop(), ShuttingDownError("the server is shutting down"))
        self._thread.shutdown(wait=False)

    async def _run(self) -> None:
        while True:
            if self._unknown and not self._closing.is_set():
                await self._settle_unknown()
                continue
            due = self._gatherer.seconds_until_due(self._clock(), self._commit_time.expected)
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
        self._on_way = dict(parts)
        owners = {part.rows.owner for part in parts.values()}
        self._outcomes = {owner: loop.create_future() for owner in owners}
        began = self._began = self._clock()
        refusals: dict[LogOwner, RefusedError] = {}
        try:
            rows, requests = [part.rows for part in parts.values()], [part.request for part in parts.values()]
            made = await loop.run_in_executor(self._thread, self._commit, rows, requests)
            self._commit_time.add(self._clock() - began)
            refusals = _tell_places(made or {}, parts.values())
        except RefusedError as error:
            refusals = dict.fromkeys(owners, error)
        except Exception as error:
            # If the batch might be committed, the error would be BatchOutcomeUnknownError; so it is not committed.
            refusal = StorageRefusedError(f"the batch could not be committed: {str(error) or type(error).__name__}")
            refusal.__cause__ = error
            refusals = dict.fromkeys(owners, refusal)
        self._began = self._opened = None
        for kept in (True, False):
            records = sum(part.rows.count for part in parts.values() if (part.rows.owner in refusals) is not kept)
            if records:
                self._measure(BatchMeasure(records, began - opened, self._clock() - began, kept=kept))
        self._settle_commit(refusals)

    def _settle_commit(self, refusals: Mapping[LogOwner, RefusedError]) -> None:
        unknown = {owner for owner, error in refusals.items() if isinstance(error, BatchOutcomeUnknownError)}
        for owner, outcome in self._outcomes.items():
            if owner in unknown:
                self._unknown.append(outcome)
            else:
                _settle(outcome, refusals.get(owner))
        for ticket, part in self._on_way.items():  # the other senders have gone
            owner = part.rows.owner
            if owner in unknown or ticket.cancelled():
                self._ledger.add(part.request, self._outcomes[owner])
            if not ticket.cancelled():
                _settle(ticket, refusals.get(owner))
        self._on_way = {}

    async def _settle_unknown(self) -> None:
        """Commit batches of unknown outcome; if that is not possible now, wait before the next attempt."""
        if self._began is None:
            self._began = self._clock()
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._settle_batches)
        except Exception as error:
            if not isinstance(error, EndedWaitError):
                self._unsettled.goes_on(str(error) or type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _SETTLE_AGAIN)
            return
        self._began = None
        self._unsettled.ends()
        for outcome in self._unknown:
            _settle(outcome, None)
        self._unknown.clear()


def _tell_places(
    made: Mapping[LogOwner, Batch | RefusedError], parts: Iterable[RequestRows]
) -> dict[LogOwner, RefusedError]:
    """Tell parts where they are in their logs; return the errors of the owners whose batches were refused."""
    batches = {owner: batch for owner, batch in made.items() if isinstance(batch, Batch)}
    leaves = {owner: batch.first_leaf for owner, batch in batches.items()}
    for part in parts:
        owner = part.rows.owner
        if owner in batches:
            if part.kept is not None:
                part.kept((batches[owner].origin, leaves[owner]))
            leaves[owner] += part.rows.count
    return {owner: error for owner, error in made.items() if isinstance(error, RefusedError)}


def _settle(future: asyncio.Future[None], error: BaseException | None) -> None:
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()  # marks the exception as retrieved, in case nobody waits for the future any more

"""The call ``Tail``: all tails of a process, the feed they share, and limits on their number and cost."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from functools import partial

from lognotary.v1 import correlation_pb2 as pb
from server.api.correlation import entries_of
from server.api.errors import InvalidArgumentError
from server.api.given_proofs import proofs_for
from server.api.queries import parse_query, parse_streams
from server.api.tail_cursors import make_cursor, parse_cursor
from server.notary.trust import TrustedKeys
from server.process.pools import Pool, PoolFullError
from server.query.batch_feed import BatchFeed
from server.query.limits import QueryLimits
from server.query.log_heads import Heads
from server.query.tail import Tail
from server.query.tail_steps import MOST_BEHIND, MissedWhy, TailStep, Wanted
from server.verification.tree import TileCache
from storage.bound import UNLIMITED, ReadScope, reading_as, scope_if_any
from storage.engine import Engine
from storage.interrupt import Interrupt

__all__ = ["HEARTBEAT", "MOST_OF_CALLER", "MOST_TAILS", "TAIL_LIMITS", "Tails"]

MOST_TAILS = 64
"""Number of tails that a process serves at the same time."""

MOST_OF_CALLER = 32
"""Number of tails that one caller may have at the same time."""

HEARTBEAT = 5.0
"""Seconds between answers of a tail that has no records to send."""

_LOG_ID_LENGTH = 16  # names of logs without a trusted signature are longer
_MOST_UNKNOWN = 1000  # logs in a cursor that the server does not know

TAIL_LIMITS = QueryLimits(seconds=5, memory=1 << 30)
"""Limits of each step of a tail."""

_THREADS = 2  # shared by all tails
_PACE = 0.2  # seconds between two looks for new batches
_SHARE = 2.0  # ratio of the pause of a tail that is up to date to the time of its last read
_LONGEST_REST = 0.5  # seconds

_REASONS = {MissedWhy.TOO_SLOW: pb.TOO_SLOW, MissedWhy.NOT_STORED: pb.NOT_STORED}


class _Bell:
    """Wakes a tail up, in its event loop, from any thread.

    Attributes:
        caller: name of the caller.
        feed: feed that the tail follows; None before it has begun.
        error: error with which the feed ended, if any.
    """

    def __init__(self, caller: str) -> None:
        self.caller = caller
        self.feed: BatchFeed | None = None
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()
        self.error: Exception | None = None

    def ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._rung.set)

    async def heard(self, seconds: float) -> None:
        """Wait until the bell is rung, or until the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        self._rung.clear()

    def check(self) -> None:
        """Raise the error with which the feed ended, if any."""
        if self.error is not None:
            raise self.error


class Tails:
    """All tails on one storage; may be used from several event loops.

    Tails share a feed if they may read the same logs (``storage.bound``): a feed knows of no others.
    """

    def __init__(
        self,
        engine: Engine,
        keys: Callable[[], TrustedKeys],
        cache: Callable[[], TileCache | None] = lambda: None,
        *,
        most: int = MOST_TAILS,
        most_of_caller: int = MOST_OF_CALLER,
    ) -> None:
        """Make a service without tails; it reads the storage only while there are tails.

        Args:
            engine: the storage.
            keys: function that returns the trusted public keys.
            cache: function that returns the cache of ``gather_evidence``.
            most: number of tails at the same time.
            most_of_caller: number of tails of one caller at the same time.
        """
        self._engine = engine
        self._keys = keys
        self._cache = cache
        self._most = most
        self._most_of_caller = most_of_caller
        self._pool = Pool("tail", _THREADS)
        self._lock = threading.Lock()  # of the bells, and of whether the thread runs
        self._bells: set[_Bell] = set()
        self._feeding = threading.Lock()  # held while a feed reads
        self._feeds: dict[ReadScope, BatchFeed] = {}  # while their threads run

    @property
    def number(self) -> int:
        """Number of tails."""
        return len(self._bells)

    async def follow(self, request: pb.TailRequest, caller: str = "") -> AsyncGenerator[pb.TailResponse, None]:
        """Answer ``Tail`` until the iterator is closed; the first answer is yielded at once.

        Args:
            request: the call.
            caller: name of the caller.

        Raises:
            InvalidArgumentError: the query, a stream or the cursor cannot be used.
            PoolFullError: the server, or the caller, has as many tails as are allowed.
            QueryTooExpensiveError: a limit was reached.
            StorageError, InterruptedQueryError: storage cannot be read (any more).
        """
        wanted = _wanted(request, self._keys())
        positions = parse_cursor(request.cursor) if request.cursor else None
        interrupt = Interrupt()
        with self._admitted(caller) as bell:
            try:
                tail = await self._pool.resume(partial(self._begin, wanted, positions, interrupt, bell))
                steps: list[TailStep] | None = [tail.position()]
                said = 0.0
                while True:
                    if not steps and time.monotonic() - said >= HEARTBEAT:
                        steps = [tail.position()]
                    for step in steps or ():
                        yield _response(step, request)
                        said = time.monotonic()
                    began = time.monotonic()
                    steps = await self._pool.resume(partial(self._read, tail, interrupt))
                    if steps is None:
                        await asyncio.sleep(min(_LONGEST_REST, _SHARE * (time.monotonic() - began)))
                        await bell.heard(said + HEARTBEAT - time.monotonic())
                    bell.check()
            finally:
                interrupt.set()  # a thread may still be reading a step

    def _begin(self, wanted: Wanted, positions: dict[str, int] | None, interrupt: Interrupt, bell: _Bell) -> Tail:
        with self._engine.interrupted_by(interrupt):
            feed = self._running_feed(bell)
            if positions is not None:
                _check_reached(positions, feed.now())
            return Tail(self._engine, self._keys, feed, wanted, positions, TAIL_LIMITS, cache=self._cache)

    def _read(self, tail: Tail, interrupt: Interrupt) -> list[TailStep] | None:
        with self._engine.interrupted_by(interrupt):
            interrupt.check()
            return tail.read()

    @contextlib.contextmanager
    def _admitted(self, caller: str) -> Iterator[_Bell]:
        bell = _Bell(caller)
        with self._lock:
            if len(self._bells) >= self._most:
                raise PoolFullError(
                    f"the server already has {self._most} tails, its limit: end another tail, or search instead"
                )
            if sum(other.caller == caller for other in self._bells) >= self._most_of_caller:
                raise PoolFullError(
                    f"the caller already has {self._most_of_caller} tails, the limit of one caller: "
                    "end another tail, or search instead"
                )
            self._bells.add(bell)
        try:
            yield bell
        finally:
            with self._lock:
                self._bells.discard(bell)

    def _running_feed(self, bell: _Bell) -> BatchFeed:
        """Return the feed for a bell, up to date with storage; start the feed if this is its first tail."""
        scope = (scope_if_any() or UNLIMITED).of_logs()
        with self._feeding, reading_as(scope):
            if (feed := self._feeds.get(scope)) is not None:
                if feed.poll():
                    self._ring(feed)
                bell.feed = feed
                return feed
            feed = BatchFeed(self._engine, self._keys)
            feed.begin()
            self._feeds[scope] = bell.feed = feed
            threading.Thread(target=self._run, args=(feed, scope), name="tail-feed", daemon=True).start()
            return feed

    def _run(self, feed: BatchFeed, scope: ReadScope) -> None:
        """Look for new batches while there are tails that follow the feed."""
        try:
            with reading_as(scope):
                while True:
                    time.sleep(_PACE)
                    with self._feeding:
                        if not self._followers(feed):
                            self._feeds.pop(scope, None)
                            return
                        if feed.poll():
                            self._ring(feed)
        except Exception as error:  # of any kind: without a feed, a tail would wait for ever
            with self._feeding:
                self._feeds.pop(scope, None)
                self._ring(feed, error)

    def _followers(self, feed: BatchFeed) -> list[_Bell]:
        with self._lock:
            return [bell for bell in self._bells if bell.feed is feed]

    def _ring(self, feed: BatchFeed, error: Exception | None = None) -> None:
        """Ring the bells of the tails that follow a feed; if the feed ended, give them its error."""
        for bell in self._followers(feed):
            bell.error = bell.error or error
            bell.ring()


def _wanted(request: pb.TailRequest, keys: TrustedKeys) -> Wanted:
    proofs_for(request)  # refused before the first answer
    streams = parse_streams(request.streams)
    unsigned = [stream.value for stream in streams if stream in keys.unsigned_streams]
    if request.streams and unsigned:
        raise InvalidArgumentError(
            f"streams: {' and '.join(unsigned)} records are not signed here (signed_streams), and a tail follows "
            "signed logs: search for them instead"
        )
    query = parse_query(request.query, request.check, streams)
    rehash = request.check != pb.CHECK_SIGNATURES
    return Wanted(query, streams, rehash=rehash, most_behind=request.most_behind or MOST_BEHIND)


def _check_reached(positions: Mapping[str, int], heads: Heads) -> None:
    signed = [log_id for log_id in positions if len(log_id) == _LOG_ID_LENGTH]
    unknown = sum(log_id not in heads.logs for log_id in signed)
    if len(positions) > len(heads.logs) + _MOST_UNKNOWN or (heads.logs and unknown == len(signed) > 0):
        raise InvalidArgumentError(
            "cursor: this storage does not have the logs of the cursor, which comes from another storage: leave the "
            "cursor out"
        )
    for log_id, size in positions.items():
        head = heads.logs.get(log_id)
        if head is not None and size > head.size:
            raise InvalidArgumentError(
                f"cursor: the cursor is after record {size - 1} of {head.origin}, but the log ends with record "
                f"{head.size - 1}: storage was rolled back, or is not the cursor's storage; leave the cursor out"
            )


def _response(step: TailStep, request: pb.TailRequest) -> pb.TailResponse:
    missed = [
        pb.MissedLeaves(origin=one.origin, first_leaf=one.first, end_leaf=one.end, reason=_REASONS[one.why])
        for one in step.missed
    ]
    return pb.TailResponse(
        entries=entries_of(step.rows, proofs_for(request)),
        missed=missed,
        missed_records=sum(one.end - one.first for one in step.missed),
        cursor=make_cursor(step.positions),
        behind=step.behind,
    )

"""A queue whose places are given to callers in turn, so that nobody waits behind all calls of somebody else."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Protocol

__all__ = ["QUERIES_AT_ONCE", "FairQueue", "Place", "QueueFullError"]

QUERIES_AT_ONCE = 2
"""Number of queries that run at the same time, unless settings say otherwise."""


class QueueFullError(Exception):
    """A call was refused, since as many wait as may, or it has waited for as long as it may; nothing was run."""


class Place(Protocol):
    """The place of a call that runs."""

    def end(self) -> None:
        """Give the place to the next call; again without effect."""


class FairQueue:
    """A bounded number of places; may be used from several event loops.

    A caller never has the last place, unless there is only one, so that another one is served at once. Callers who wait
    get places in turn, those first who have fewer. If the queue is full, the newest call of the caller who has most of
    them waiting is refused. Parts of calls that have begun are never refused, and do not fill the queue.
    """

    def __init__(self, places: int, *, waiting: int = 64, patience: float = 20.0) -> None:
        """Begin with no call.

        Args:
            places: number of calls that run at the same time.
            waiting: number of calls that wait for a place, without parts of calls that have begun.
            patience: seconds that a call waits.
        """
        self._places = places
        self._most_waiting = waiting
        self._patience = patience
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[Future[None]]] = OrderedDict()  # the next caller first
        self._refusable: dict[Future[None], str] = {}  # in order, with their callers

    @property
    def running(self) -> int:
        """Number of calls that run."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """Number of calls that wait."""
        return sum(map(len, self._waiting.values()))

    async def enter(self, caller: str, *, may_be_refused: bool = True) -> Place:
        """Wait for a place.

        Args:
            caller: name of who calls.
            may_be_refused: False for the next part of a call that has begun, which waits for as long as it takes.

        Raises:
            QueueFullError: the call was refused.
        """
        granted: Future[None] = Future()
        with self._lock:
            self._waiting.setdefault(caller, deque()).append(granted)
            if may_be_refused:
                self._refusable[granted] = caller
            self._grant()
            if len(self._refusable) > self._most_waiting:
                self._refuse_one(caller)
        place = _Place(self, caller)
        patience = self._patience if may_be_refused else None
        waited = asyncio.wrap_future(granted)
        waited.add_done_callback(_retrieved)
        try:
            done, _ = await asyncio.wait((waited,), timeout=patience)
        except BaseException:
            if not self._leave(caller, granted) and granted.exception() is None:
                place.end()
            raise
        if not done and self._leave(caller, granted):
            raise QueueFullError(
                f"the server answered other queries for {self._patience:g} s: try again later, or ask less at a time"
            )
        if (refusal := granted.exception()) is not None:
            raise refusal
        return place

    @asynccontextmanager
    async def place(self, caller: str, *, may_be_refused: bool = True) -> AsyncIterator[None]:
        """Run the block in a place; arguments and errors as for ``enter``."""
        place = await self.enter(caller, may_be_refused=may_be_refused)
        try:
            yield
        finally:
            place.end()

    def _refuse_one(self, newest: str) -> None:
        """Refuse the newest call of who has most of them waiting; if others have as many, that of ``newest``."""
        waiting = Counter(self._refusable.values())
        caller = max(waiting, key=lambda each: (waiting[each], each == newest))
        refused = next(call for call in reversed(self._refusable) if self._refusable[call] == caller)
        self._remove(caller, refused)
        refused.set_exception(
            QueueFullError(f"{self._most_waiting} queries wait for the server already: try again later")
        )

    def _leave(self, caller: str, granted: Future[None]) -> bool:
        """Stop waiting; return whether the call waited."""
        with self._lock:
            if granted not in self._waiting.get(caller, ()):
                return False
            self._remove(caller, granted)
            return True

    def _remove(self, caller: str, call: Future[None]) -> None:
        self._refusable.pop(call, None)
        theirs = self._waiting[caller]
        theirs.remove(call)
        if not theirs:
            del self._waiting[caller]

    def _ended(self, caller: str) -> None:
        with self._lock:
            self._running[caller] -= 1
            if not self._running[caller]:
                del self._running[caller]
            self._grant()

    def _grant(self) -> None:
        while self.running < self._places:
            caller = min(self._waiting, key=self._running.__getitem__, default=None)
            if caller is None or self._running[caller] >= max(1, self._places - 1):
                return
            theirs = self._waiting.pop(caller)
            first = theirs.popleft()
            self._refusable.pop(first, None)
            if theirs:
                self._waiting[caller] = theirs  # behind all others
            self._running[caller] += 1
            first.set_result(None)


def _retrieved(waited: asyncio.Future[None]) -> None:
    """Have asyncio know that somebody looks at an outcome."""
    if not waited.cancelled():
        waited.exception()


class _Place:
    def __init__(self, queue: FairQueue, caller: str) -> None:
        self._queue = queue
        self._caller = caller
        self._lock = threading.Lock()
        self._has_ended = False

    def end(self) -> None:
        with self._lock:
            if self._has_ended:
                return
            self._has_ended = True
        self._queue._ended(self._caller)

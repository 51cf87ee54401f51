"""Fair queue: callers take turns, so that no caller waits behind all the calls of another one."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, OrderedDict, deque
from concurrent.futures import Future
from typing import Protocol

__all__ = ["QUERIES_AT_ONCE", "FairQueue", "Place", "QueueFullError"]

QUERIES_AT_ONCE = 2
"""Number of queries that run at the same time, unless settings say otherwise."""


class QueueFullError(Exception):
    """The queue is full, or a call has waited too long: the call was refused, and nothing was run."""


class Place(Protocol):
    """Place of a running call."""

    def end(self) -> None:
        """Give the place to the next call; a second time has no effect."""


class FairQueue:
    """Bounded number of places for running calls; may be used from several event loops.

    No caller holds all places (unless there is only one), so a call of another caller runs at once. Waiting callers get
    places in turn, the caller with the fewest running calls first. If the queue is full, the newest call of the caller
    with the most waiting calls is refused. The later parts of a call are never refused, and do not fill the queue.
    """

    def __init__(self, places: int, *, waiting: int = 64, patience: float = 20.0) -> None:
        """Make a queue without calls.

        Args:
            places: number of calls that run at the same time.
            waiting: number of calls that may wait for a place; later parts of calls do not count.
            patience: seconds that a call may wait.
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
        """Number of running calls."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """Number of waiting calls."""
        return sum(map(len, self._waiting.values()))

    async def enter(self, caller: str, *, may_be_refused: bool = True) -> Place:
        """Wait for a place.

        Args:
            caller: name of the caller.
            may_be_refused: False for a later part of a call, which waits for as long as necessary.

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

    def _refuse_one(self, newest: str) -> None:
        """Refuse the newest call of the caller with the most waiting calls; on a tie, of the caller ``newest``."""
        waiting = Counter(self._refusable.values())
        caller = max(waiting, key=lambda each: (waiting[each], each == newest))
        refused = next(call for call in reversed(self._refusable) if self._refusable[call] == caller)
        self._remove(caller, refused)
        refused.set_exception(
            QueueFullError(f"{self._most_waiting} queries wait for the server already: try again later")
        )

    def _leave(self, caller: str, granted: Future[None]) -> bool:
        """Remove a call from the queue; return whether the call was still waiting."""
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
    """Mark an outcome as retrieved, so that asyncio does not log it."""
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

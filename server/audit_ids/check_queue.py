"""Queue of requests that are to be checked, one after the other, as far as there is time for them.

If all requests were checked side by side, none would be done in time once there are too many, and all work would be for
nothing. So each request waits for its turn, and is refused at once if its turn would come too late: then those before
it succeed, and its sender knows when to come again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from server.errors.ingest import OverloadedError

__all__ = ["CheckQueue"]

_WEIGHT = 0.3  # of the newest measurement
_SHORTEST, _LONGEST = 1.0, 30.0  # seconds after which a sender comes again
_LATE = "too many audit records are waiting to be checked"


@dataclass(eq=False, slots=True)
class _Running:
    size: int
    began: float


@dataclass(eq=False, slots=True)
class _Waiting:
    size: int
    latest: float
    turn: asyncio.Future[_Running]


class CheckQueue:
    """A queue; bound to one event loop."""

    def __init__(self, places: int, clock: Callable[[], float], taken: float = 0.0) -> None:
        """Create a queue.

        Args:
            places: number of requests that are checked at the same time.
            clock: clock in seconds.
            taken: seconds that a check takes for each byte, until that is measured.
        """
        self._places = places
        self._clock = clock
        self._taken = taken
        self._running: list[_Running] = []
        self._waiting: deque[_Waiting] = deque()

    @contextlib.asynccontextmanager
    async def turn(self, size: int, latest: float) -> AsyncIterator[None]:
        """Wait for the turn of a request, which lasts as long as the block.

        Args:
            size: size of the request in bytes.
            latest: time by which the check must have ended; a request that need not wait is checked in any case.

        Raises:
            OverloadedError: the check would end too late.
        """
        running = await self._enter(size, latest)
        is_done = False
        try:
            yield
            is_done = True
        finally:
            self._leave(running, is_done=is_done)

    async def _enter(self, size: int, latest: float) -> _Running:
        if len(self._running) < self._places:
            return self._begin(size)
        if self._is_late(self._ahead() + size * self._taken, latest):
            raise self._refusal()
        waiting = _Waiting(size, latest, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await asyncio.wait({waiting.turn}, timeout=max(0.0, latest - self._clock()))
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            elif waiting.turn.exception() is None:
                self._leave(waiting.turn.result(), is_done=False)
            raise
        if not waiting.turn.done():
            self._waiting.remove(waiting)
            raise self._refusal()
        return waiting.turn.result()

    def _begin(self, size: int) -> _Running:
        running = _Running(size, self._clock())
        self._running.append(running)
        return running

    def _leave(self, running: _Running, *, is_done: bool) -> None:
        self._running.remove(running)
        taken = (self._clock() - running.began) / running.size
        if is_done or taken > self._taken:  # what ended early says nothing, unless it was slow up to there
            self._taken += (_WEIGHT if self._taken else 1) * (taken - self._taken)
        while self._waiting and len(self._running) < self._places:
            first = self._waiting.popleft()
            first.turn.set_result(self._begin(first.size))
        self._refuse_late()

    def _refuse_late(self) -> None:
        """Refuse those that wait in vain: the checks before them take longer than it seemed."""
        ahead, left = self._ahead_running(), list(self._waiting)
        self._waiting.clear()
        for waiting in left:
            work = ahead + waiting.size * self._taken
            if self._is_late(work, waiting.latest):
                waiting.turn.set_exception(self._refusal())
            else:
                ahead = work
                self._waiting.append(waiting)

    def _ahead_running(self) -> float:
        """Return the seconds that running checks still take, one after the other."""
        now = self._clock()
        return sum(max(0.0, running.size * self._taken - (now - running.began)) for running in self._running)

    def _ahead(self) -> float:
        return self._ahead_running() + sum(waiting.size for waiting in self._waiting) * self._taken

    def _is_late(self, work: float, latest: float) -> bool:
        """Return whether a check ends too late, given the seconds of work up to its end."""
        return self._clock() + work / self._places > latest

    def _refusal(self) -> OverloadedError:
        wait = self._ahead() / self._places * random.uniform(0.75, 1.25)  # noqa: S311 - spreads senders
        wait = min(max(wait, _SHORTEST), _LONGEST)
        return OverloadedError(f"{_LATE}: retry in {wait:.1f} seconds", retry_after=wait)

"""Requests whose senders went away, or were refused, while their batch was on its way to storage.

Such a sender sends the same bytes again. They take over what was left behind, so that the records are stored once: one
request for one, since two that happen to be equal are two.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass

__all__ = ["REMEMBERED_SECONDS", "Note", "NotedRequest", "RetryLedger"]

REMEMBERED_SECONDS = 900.0
"""For how long it is remembered; senders give up sooner, the Collector after 300 seconds by default."""

_MOST = 100_000  # different requests that are remembered


Note = Callable[[bytes, bool], Future[None] | None]
"""Called with a request's digest: True when it was left behind and is kept, False when it was taken over after that.

Returns a future that is done when the note outlives the process, None if it does already.
"""


@dataclass(frozen=True, slots=True)
class NotedRequest:
    """A request of which an earlier process noted that it was left behind.

    Attributes:
        request: its digest.
        age: seconds since it was noted.
    """

    request: bytes
    age: float


@dataclass(slots=True, eq=False)
class _Left:
    since: float
    outcome: asyncio.Future[None]  # of the batch
    noted: bool = False


class RetryLedger:
    """What was left behind in one stream; lives on one event loop."""

    def __init__(
        self, now: Callable[[], float], note: Note = lambda _request, _left: None, *, most: int = _MOST
    ) -> None:
        """Begin with nothing.

        Args:
            now: returns the time, in seconds.
            note: told of what a later start has to know.
            most: how many different requests are remembered; the oldest are forgotten first.
        """
        self._now = now
        self._most = most
        self._note = note
        self._left: OrderedDict[bytes, deque[_Left]] = OrderedDict()  # by the request's digest, oldest first

    def __len__(self) -> int:
        """How many different requests were left behind."""
        return len(self._left)

    def leave(self, request: bytes, outcome: asyncio.Future[None]) -> None:
        """Remember a request that was left behind.

        Args:
            request: its digest.
            outcome: done when its batch is kept, with an exception if it is not.
        """
        self._forget_old(room=1)
        left = _Left(self._now(), outcome)
        self._left.setdefault(request, deque()).append(left)
        self._left.move_to_end(request)
        if outcome.done():
            self._settled(request, left)
        else:
            # Not before: what is refused after all leaves nothing.
            outcome.add_done_callback(lambda _: self._settled(request, left))

    def restore(self, noted: Iterable[NotedRequest], outcome: asyncio.Future[None]) -> None:
        """Remember what an earlier process noted; it is not noted again.

        Args:
            noted: the requests.
            outcome: is done, for they are kept.
        """
        for one in sorted(noted, key=lambda one: -one.age):
            left = _Left(self._now() - one.age, outcome, noted=True)
            self._left.setdefault(one.request, deque()).append(left)
            self._left.move_to_end(one.request)

    def find(self, request: bytes) -> asyncio.Future[None] | None:
        """Return the outcome of a batch in which such a request was left behind, None if there is none."""
        self._forget_old()
        waiting = self._left.get(request)
        while waiting:
            outcome = waiting[0].outcome
            if not outcome.done() or outcome.exception() is None:
                return outcome
            waiting.popleft()  # the batch was refused, so nothing is left of it
        self._left.pop(request, None)
        return None

    def take(self, request: bytes) -> Future[None] | None:
        """Forget the one that ``find`` found: another has taken over what it left.

        Returns:
            A future that is done when that is noted. The other must not be told OK before: after a crash, a third
            one would be taken for the second. None if there is nothing to wait for.
        """
        waiting = self._left[request]
        noted = self._note(request, False) if waiting.popleft().noted else None
        if not waiting:
            del self._left[request]
        return noted

    def _settled(self, request: bytes, left: _Left) -> None:
        if left.outcome.exception() is None and left in self._left.get(request, ()):
            left.noted = True
            self._note(request, True)

    def _forget_old(self, room: int = 0) -> None:
        """Forget those whose time is over, and the oldest where there is no room for so many more."""
        while self._left:
            request, waiting = next(iter(self._left.items()))
            if len(self._left) + room <= self._most and self._now() - waiting[-1].since < REMEMBERED_SECONDS:
                return
            del self._left[request]

"""The retry ledger: requests whose senders went away, or were refused, while their batch was being committed.

Such a sender retries with the same bytes. The retry gets the outcome of the request that was left behind, so that the
records are stored once. One retry stands for one request, because two requests that happen to be equal are two.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass

__all__ = ["REMEMBERED_SECONDS", "Note", "NotedRequest", "RetryLedger"]

REMEMBERED_SECONDS = 900.0
"""Seconds for which a request is remembered; senders give up sooner, the Collector after 300 seconds by default."""

_MOST = 100_000  # distinct requests that are remembered


Note = Callable[[bytes, bool], Future[None] | None]
"""Function called with a request's digest: True if it was left behind and is kept, False if a retry took it over.

It returns a future that is done once the note outlives the process, None if it does already.
"""


@dataclass(frozen=True, slots=True)
class NotedRequest:
    """A request that an earlier process noted as left behind.

    Attributes:
        request: digest of the request.
        age: seconds since the request was noted.
    """

    request: bytes
    age: float


@dataclass(slots=True, eq=False)
class _Left:
    since: float
    outcome: asyncio.Future[None]  # outcome of the batch
    noted: bool = False


class RetryLedger:
    """The retry ledger of one stream; bound to one event loop."""

    def __init__(
        self, now: Callable[[], float], note: Note = lambda _request, _left: None, *, most: int = _MOST
    ) -> None:
        """Create an empty ledger.

        Args:
            now: function that returns the time in seconds.
            note: function that records a change for a later start.
            most: maximum number of distinct requests; the oldest are forgotten first.
        """
        self._now = now
        self._most = most
        self._note = note
        self._left: OrderedDict[bytes, deque[_Left]] = OrderedDict()  # by the request's digest, oldest first

    def __len__(self) -> int:
        """Number of distinct requests that were left behind."""
        return len(self._left)

    def add(self, request: bytes, outcome: asyncio.Future[None]) -> None:
        """Add a request that was left behind.

        Args:
            request: digest of the request.
            outcome: future that is done once the batch is committed, with an exception if it is not.
        """
        self._forget_old(room=1)
        left = _Left(self._now(), outcome)
        self._left.setdefault(request, deque()).append(left)
        self._left.move_to_end(request)
        if outcome.done():
            self._settled(request, left)
        else:
            # Not before the outcome is known: a request that is refused after all leaves nothing behind.
            outcome.add_done_callback(lambda _: self._settled(request, left))

    def restore(self, noted: Iterable[NotedRequest], outcome: asyncio.Future[None]) -> None:
        """Add requests that an earlier process noted; they are not noted again.

        Args:
            noted: noted requests.
            outcome: a completed future, because the requests are committed.
        """
        for one in sorted(noted, key=lambda one: -one.age):
            left = _Left(self._now() - one.age, outcome, noted=True)
            self._left.setdefault(one.request, deque()).append(left)
            self._left.move_to_end(one.request)

    def outcome_of(self, request: bytes) -> asyncio.Future[None] | None:
        """Return the outcome of a batch in which this request was left behind, None if there is none."""
        self._forget_old()
        waiting = self._left.get(request)
        while waiting:
            outcome = waiting[0].outcome
            if not outcome.done() or outcome.exception() is None:
                return outcome
            waiting.popleft()  # the batch was refused, so nothing of the request is stored
        self._left.pop(request, None)
        return None

    def remove(self, request: bytes) -> Future[None] | None:
        """Remove the request that ``outcome_of`` found, because a retry has taken it over.

        Returns:
            A future that is done once the removal is noted, None if there is nothing to wait for. The retry must not
            get OK before: after a crash, a later equal request would be taken for the retry.
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
        """Forget expired requests, and the oldest ones if there is no room for this many more."""
        while self._left:
            request, waiting = next(iter(self._left.items()))
            if len(self._left) + room <= self._most and self._now() - waiting[-1].since < REMEMBERED_SECONDS:
                return
            del self._left[request]

"""Senders of a few requests, which come again and again, and what they know of each."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import cache
from hashlib import sha256

from server.codec.rows import Rows
from server.errors.ingest import BatchOutcomeUnknownError, JournalFailedError, RefusedError
from server.notary.merkle import HASH_SIZE
from server.notary.origin import Stream
from storage.errors import StorageError
from tests.codec.building import rows

__all__ = ["LAST", "REQUESTS", "Senders", "digest_of", "rows_of"]

REQUESTS = range(4)  # so few that the same bytes often come again
LAST = len(REQUESTS)


@cache
def rows_of(request: int) -> Rows:
    return rows(Stream.AUDIT, *(f"request {request}, record {number}" for number in range(1 + request % 3)))


def digest_of(request: int) -> bytes:
    return sha256(b"%d" % request).digest()


@cache
def _first_leaf_of(request: int) -> bytes:
    return rows_of(request).leaf_hashes[:HASH_SIZE]


class Senders:
    """Senders whose requests are in flight, and the outcomes of all requests so far.

    Attributes:
        waiting: the requests that are not answered yet, and their tickets.
        acknowledged: how often each request was answered OK.
        open: how many senders of each request got no answer that says whether it is stored.
        doubtful: how often each request was refused because the disk failed: open if the server ends now.
    """

    def __init__(self) -> None:
        self.waiting: list[tuple[int, asyncio.Future[None]]] = []
        self.acknowledged: Counter[int] = Counter()
        self.open: Counter[int] = Counter()
        self.doubtful: Counter[int] = Counter()

    def look(self) -> bool:
        """See who was answered; return whether anything was acknowledged."""
        waiting = []
        acknowledged = False
        for request, ticket in self.waiting:
            if not ticket.done():
                waiting.append((request, ticket))
            elif ticket.cancelled():
                self.open[request] += 1
            elif (error := ticket.exception()) is None:
                acknowledged = True
                self.acknowledged[request] += 1
            elif isinstance(error, JournalFailedError):
                self.doubtful[request] += 1
            elif isinstance(error, BatchOutcomeUnknownError):
                self.open[request] += 1
            else:
                assert isinstance(error, RefusedError)
                assert error.__cause__ is None or isinstance(error.__cause__, StorageError), error.__cause__
        self.waiting = waiting
        return acknowledged

    def lose_server(self) -> None:
        """Leave open what the server has not answered."""
        self.open.update(request for request, _ in self.waiting)
        self.waiting.clear()

    def leave_doubtful_open(self) -> None:
        """Leave open what was refused because the disk failed: the next server finds it, or not."""
        self.open.update(self.doubtful)
        self.doubtful.clear()

    def check_kept(self, kept: Counter[bytes]) -> None:
        """Check that what was acknowledged is among the leaves that are kept, as often."""
        for request, times in self.acknowledged.items():
            assert kept[_first_leaf_of(request)] >= times, f"request {request} was acknowledged and is not kept"

    def check_stored(self, leaves: Counter[bytes], unknown: Counter[int]) -> None:
        """Check that what was acknowledged is stored as often.

        Args:
            leaves: how often each leaf is stored.
            unknown: how often each request may be stored beyond that.
        """
        for request in REQUESTS:
            stored, expected = leaves[_first_leaf_of(request)], self.acknowledged[request]
            assert stored >= expected, f"request {request} was acknowledged and is not stored"
            assert stored <= expected + unknown[request], f"request {request} is stored too often"

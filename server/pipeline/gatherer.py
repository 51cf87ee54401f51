"""Assignment of rows to batches.

A batch is closed when it has enough rows or bytes, when it is old enough, and when rows of another day arrive.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from server.codec.rows import Rows

__all__ = ["BatchLimits", "Gatherer", "Place", "RequestRows"]

_MOST_AHEAD = 0.4  # of the age: if commits take longer, closing batches earlier would only make more of them


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Limits at which a batch is closed.

    Attributes:
        rows: maximum number of rows.
        size: maximum bytes of encoded rows.
        age: seconds after the arrival of its first rows within which a batch should be committed.
    """

    rows: int = 50_000
    size: int = 32 << 20
    age: float = 0.25


Place = tuple[str, int]
"""Origin of a log, and the leaf of the first row of a request in it."""


@dataclass(frozen=True, slots=True)
class RequestRows:
    """The part of one request in a batch.

    Attributes:
        rows: the rows.
        request: digest of the request.
        kept: function that is called with the place of the rows once they are committed in a log, even if their sender
            has gone; not if their outcome was unknown at first.
    """

    rows: Rows
    request: bytes
    kept: Callable[[Place], None] | None = None


@dataclass(slots=True)
class _Group:
    opened: float
    day: int
    parts: dict[asyncio.Future[None], RequestRows] = field(default_factory=dict)
    rows: int = 0
    size: int = 0


class Gatherer:
    """Assigns rows to batches. Pure: it does no I/O, and the caller passes the time."""

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._groups: deque[_Group] = deque()  # all but the last are closed
        self._group_of: dict[asyncio.Future[None], _Group] = {}

    def add(self, part: RequestRows, ticket: asyncio.Future[None], arrived: float) -> None:
        """Put rows into the open batch, or open the next one if they do not fit.

        Args:
            part: the rows.
            ticket: future that is done once they are committed.
            arrived: time of their arrival, in seconds.
        """
        rows = part.rows
        group = self._groups[-1] if self._groups else None
        if (
            group is None
            or group.rows + rows.count > self._limits.rows
            or group.size + rows.size > self._limits.size
            or group.day != rows.day
        ):
            group = _Group(opened=arrived, day=rows.day)
            self._groups.append(group)
        group.opened = min(group.opened, arrived)
        group.parts[ticket] = part
        group.rows += rows.count
        group.size += rows.size
        self._group_of[ticket] = group

    def discard(self, ticket: asyncio.Future[None]) -> None:
        """Discard rows that nobody waits for any more, unless their batch has been taken."""
        group = self._group_of.pop(ticket, None)
        if group is None:
            return
        rows = group.parts.pop(ticket).rows
        group.rows -= rows.count
        group.size -= rows.size
        if not group.parts:
            self._groups.remove(group)

    def seconds_until_due(self, now: float, commit_seconds: float = 0.0) -> float | None:
        """Return the seconds until the first batch is due, None if there is no batch.

        Args:
            now: the time, in seconds.
            commit_seconds: expected duration of the batch's commit, in seconds.
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
        """Arrival time of the first rows of the first batch, None if there is none; may be read by other threads."""
        try:
            return self._groups[0].opened
        except IndexError:
            return None

    def take(self) -> dict[asyncio.Future[None], RequestRows]:
        """Remove the first batch and return its parts, by the future that waits for each."""
        group = self._groups.popleft()
        for ticket in group.parts:
            del self._group_of[ticket]
        return group.parts

"""Records that retention has dropped: which may be gone, and counting them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from server.notary.batch import Batch
from server.notary.statement_check import LogStatements

__all__ = ["Expired", "Expiry"]

# Nanoseconds that a record may wait, after it was received, until it is committed: longer than any outage
# through which a server holds on to a batch.
_LONGEST_WAIT = 3600 * 10**9


@dataclass(frozen=True, slots=True)
class Expired:
    """Records of a day that retention has dropped; their log is whole without them.

    Attributes:
        origin: the log.
        day: when they were received, in UTC.
        batches: number of batches.
        records: number of records.
    """

    origin: str
    day: date
    batches: int
    records: int


class Expiry:
    """Which batches' records may have been dropped, by what the log itself has signed."""

    def __init__(self, stated: LogStatements, now: int) -> None:
        """Take a log's statements; ``now`` is in nanoseconds since the epoch."""
        self._before = stated.expired_before(now)
        times = stated.times()
        self._sizes = [size for size, _ in times]
        self._times = [time for _, time in times]
        self._batches: Counter[date] = Counter()
        self._records: Counter[date] = Counter()

    def covers(self, batch: Batch) -> bool:
        """Tell whether a batch's records may have been dropped.

        When it was received is not signed, so it is held against the times that are: what came after a
        statement cannot be older.
        """
        received = batch.ingested_at
        at = bisect_right(self._sizes, batch.first_leaf)
        if at:
            received = max(received, self._times[at - 1] - _LONGEST_WAIT)
        return received <= self._before

    def add(self, batch: Batch) -> None:
        """Count a batch whose records are gone."""
        day = datetime.fromtimestamp(batch.ingested_at // 10**9, UTC).date()
        self._batches[day] += 1
        self._records[day] += batch.record_count

    @property
    def records(self) -> int:
        """How many records are gone."""
        return self._records.total()

    def expired(self, origin: str) -> Iterator[Expired]:
        """Return what was counted, day by day."""
        for day in sorted(self._batches):
            yield Expired(origin, day, self._batches[day], self._records[day])

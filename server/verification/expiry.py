"""Records that retention has dropped: which batches may lack their records, and how many records are gone.

Rules of retention and legal holds keep some records of a batch for longer than others. What a missing record was is
only known by its hash, so any record that is older than the shortest retention of its log may be gone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from server.notary.batch import Batch
from server.notary.statement_check import LogStatements

__all__ = ["Expired", "Expiry"]


@dataclass(frozen=True, slots=True)
class Expired:
    """Records of one day that retention has dropped; their log is complete without them.

    Attributes:
        origin: origin of the log.
        day: day of receipt, in UTC.
        batches: number of batches that lack records.
        records: number of records.
    """

    origin: str
    day: date
    batches: int
    records: int


class Expiry:
    """The batches whose records may have been dropped, according to the log's signed statements.

    Attributes:
        before: time before which their records were received, in nanoseconds since the epoch.
    """

    def __init__(self, stated: LogStatements, now: int) -> None:
        """Evaluate a log's statements; ``now`` is in nanoseconds since the epoch."""
        self.before = stated.expired_before(now)
        bounds = stated.receipt_bounds()
        self._firsts = [bound.first for bound in bounds]
        self._earliest = [bound.earliest * 10**9 for bound in bounds]
        self._batches: Counter[date] = Counter()
        self._records: Counter[date] = Counter()

    def covers(self, batch: Batch) -> bool:
        """Return whether a batch's records may have been dropped.

        The time of receipt in the batch's row is not signed, so it is checked against the signed receipt bounds.
        """
        received = batch.ingested_at
        at = bisect_right(self._firsts, batch.first_leaf)
        if at:
            received = max(received, self._earliest[at - 1])
        return self.before > 0 and received <= self.before  # 0: no statement about retention

    def add(self, batch: Batch, records: int | None = None) -> None:
        """Count a batch of which a number of records is gone; None for all of them."""
        day = datetime.fromtimestamp(batch.ingested_at // 10**9, UTC).date()
        self._batches[day] += 1
        self._records[day] += batch.record_count if records is None else records

    @property
    def records(self) -> int:
        """Number of records that are gone."""
        return self._records.total()

    def expired(self, origin: str) -> Iterator[Expired]:
        """Yield the dropped records, day by day."""
        for day in sorted(self._batches):
            yield Expired(origin, day, self._batches[day], self._records[day])

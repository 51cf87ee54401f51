"""Records that retention has dropped: which batches may lack their records, and how many records are gone.

Rules of retention and legal holds keep some records of a batch for longer than others. What a missing record was is
only known by its hash, so any record that is older than the shortest retention of its log may be gone.

A verification may take hours. The log may state meanwhile that more of its records may be gone, such as when the data
of a tenant are dropped, and records are removed only after that. So the statements are read again for a batch of which
the first ones do not say so.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from server.notary.batch import Batch
from server.notary.origin import LogName
from server.notary.statement import StatementKind
from server.notary.statement_check import LogStatements, check_statements, learn_keys
from server.notary.trust import TrustedKeys
from storage.engine import Engine
from storage.errors import StorageError
from storage.statements import read_statements

__all__ = ["Expired", "Expiry", "expiry_of"]


@dataclass(frozen=True, slots=True)
class Expired:
    """Records of one day that retention has dropped; their log is complete without them.

    Attributes:
        origin: origin of the log.
        day: day of receipt, in UTC.
        batches: number of batches that lack records.
        records: number of records.
        dropped_at: when the log stated that all records that it had may be gone, in seconds since the epoch, if only
            this explains that these are; None if they are as old as retention lets go.
    """

    origin: str
    day: date
    batches: int
    records: int
    dropped_at: int | None = None


class Expiry:
    """The batches whose records may have been dropped, according to the log's signed statements.

    Attributes:
        before: time before which their records were received, in nanoseconds since the epoch.
    """

    def __init__(self, stated: LogStatements, now: int, again: Callable[[], LogStatements] | None = None) -> None:
        """Evaluate a log's statements.

        Args:
            stated: the statements.
            now: the time in nanoseconds since the epoch.
            again: returns the statements that the log has at the call; None if there are no others.
        """
        self.before = stated.expired_before(now)
        self._by_age = stated.expired_before(now, with_drops=False)
        self._drops = stated.drops
        self._again = again
        bounds = stated.receipt_bounds()
        self._firsts = [bound.first for bound in bounds]
        self._earliest = [bound.earliest * 10**9 for bound in bounds]
        # By day, and by the time of the statement by which they were dropped, 0 for none.
        self._batches: Counter[tuple[date, int]] = Counter()
        self._records: Counter[tuple[date, int]] = Counter()

    def covers(self, batch: Batch) -> bool:
        """Return whether a batch's records may have been dropped; call this after its records were read.

        The time of receipt in the batch's row is not signed, so it is checked against the signed receipt bounds.
        """
        received = self._received(batch)
        if received > self.before and self._again is not None:
            stated, now = self._again(), time.time_ns()
            self.before = max(self.before, stated.expired_before(now))
            self._drops = stated.drops or self._drops
        return self.before > 0 and received <= self.before  # 0: no statement about retention

    def add(self, batch: Batch, records: int | None = None) -> None:
        """Count a batch of which a number of records is gone; None for all of them."""
        day = datetime.fromtimestamp(batch.ingested_at // 10**9, UTC).date(), self._dropped_at(batch)
        self._batches[day] += 1
        self._records[day] += batch.record_count if records is None else records

    def _received(self, batch: Batch) -> int:
        at = bisect_right(self._firsts, batch.first_leaf)
        return max(batch.ingested_at, self._earliest[at - 1]) if at else batch.ingested_at

    def _dropped_at(self, batch: Batch) -> int:
        """Return the time of the statement by which a batch was dropped, in seconds; 0 if it is as old as that."""
        received = self._received(batch)
        if received <= self._by_age or not self._drops:
            return 0
        return next((drop for drop in self._drops if received <= drop * 10**9), self._drops[-1])

    @property
    def records(self) -> int:
        """Number of records that are gone."""
        return self._records.total()

    def expired(self, origin: str) -> Iterator[Expired]:
        """Yield the dropped records, day by day."""
        for of in sorted(self._batches):
            day, dropped_at = of
            yield Expired(origin, day, self._batches[of], self._records[of], dropped_at or None)


def expiry_of(engine: Engine, name: LogName, keys: TrustedKeys, stated: LogStatements, now: int) -> Expiry:
    """Return the expiry of a log in storage.

    Args:
        engine: the storage, in which the statements are read again if that may matter.
        name: the log.
        keys: the trusted keys.
        stated: its statements, as they were read.
        now: the time in nanoseconds since the epoch.
    """

    def again() -> LogStatements:
        try:
            rows = list(read_statements(engine, name.log_id, StatementKind.RETENTION, StatementKind.KEYS))
        except StorageError:  # without them, nothing more has expired, and the rest is verified all the same
            return LogStatements()
        return check_statements(rows, learn_keys(rows, keys)).get(name.log_id, LogStatements())

    return Expiry(stated, now, again)

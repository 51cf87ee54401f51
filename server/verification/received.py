"""Records that were received in a range of time, among those that a verification of the range reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from server.notary.batch import Batch
from server.notary.canonical import decode_record
from server.notary.errors import MalformedError
from server.notary.origin import LogName
from storage.engine import Engine
from storage.stored_records import read_records_of_batch

__all__ = ["Received"]


class Received:
    """Tells whether any record of one log was received in a range of time.

    The range that is verified has more than that: it begins and ends where something is signed.
    """

    def __init__(self, since: int | None, until: int | None) -> None:
        """Take a range of time, in nanoseconds since the epoch; None for no limit."""
        self._since, self._until = since, until
        self._any = False
        self._later: Batch | None = None  # the first that ends after the range: it may have begun in the range

    def add(self, batches: Sequence[Batch]) -> None:
        """Count batches, in order."""
        for batch in batches:
            if self._until is not None and batch.ingested_at >= self._until:
                self._later = self._later or batch
            elif self._since is None or batch.ingested_at >= self._since:
                self._any = True

    def any(self, engine: Engine, name: LogName) -> bool:
        """Return whether a record of the log was received in the range; raises StorageError."""
        return self._any or (self._later is not None and any(map(self._covers, _times(engine, name, self._later))))

    def _covers(self, time: int) -> bool:
        return (self._since is None or time >= self._since) and (self._until is None or time < self._until)


def _times(engine: Engine, name: LogName, batch: Batch) -> Iterable[int]:
    for stored in read_records_of_batch(engine, name.stream, name.log_id, batch.batch_id, batch.record_count):
        try:
            time = decode_record(name.stream, stored.canonical)["IngestedAt"]
        except MalformedError:
            continue
        if isinstance(time, int):
            yield time

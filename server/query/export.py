"""Export: all verified records that a query finds, log by log in the order of leaves, in constant memory.

Logs are read up to their latest checkpoints at the start, so that new records do not change the export. Each
record is verified as for a search. Records that are not what was signed are counted, and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from server.notary.batch import Batch
from server.notary.canonical import Value, decode_record, entry_of, version_of
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from server.query.limits import LimitedEngine, QueryLimits
from server.query.resolve import Query
from server.verification.last_batches import last_valid_batches
from server.verification.record_evidence import State, gather_evidence
from storage.condition_algebra import all_of, happened_within
from storage.conditions import NEVER, Condition
from storage.engine import Engine
from storage.leaf_reads import ClaimedLeaves, Claims, find_claims, read_leaves
from storage.lookups import of_condition
from storage.records import Lookup
from storage.stored_records import StoredRecord

__all__ = ["Export", "ExportedRecord", "Part", "Survey", "read_parts", "survey"]

_MOST_ROWS = 1000  # rows that are read at a time
_MOST_BYTES = 4 << 20  # bytes of their records, about
_FIRST_ROWS = 100  # until it is known how large they are


@dataclass(frozen=True, slots=True)
class Export:
    """Records that somebody wants.

    Attributes:
        query: the query.
        streams: the streams whose records are looked for, at least one.
        since: earliest time of a record, in nanoseconds since the epoch; the time of receipt if it has none.
        until: time after the latest one.
    """

    query: Query
    streams: tuple[Stream, ...]
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class ExportedRecord:
    """A verified record.

    Attributes:
        origin: origin of its log.
        leaf_index: number of its leaf.
        batch_id: batch that it was signed with.
        stream: stream of its log.
        canonical: the canonical record, as it was signed.
        values: its columns.
    """

    origin: str
    leaf_index: int
    batch_id: UUID
    stream: Stream
    canonical: bytes
    values: Mapping[str, Value]

    @property
    def entry(self) -> bytes:
        """Entry of the log: SHA-256 of the canonical record."""
        return entry_of(self.canonical)

    @property
    def version(self) -> int:
        """Version of the canonical record."""
        return version_of(self.canonical)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an export.

    Attributes:
        batch: latest batch of the log.
        records: verified records, in the order of leaves.
        read: number of rows that were read.
        left_out: number of rows that were left out, by the states of their evidence.
    """

    batch: Batch
    records: list[ExportedRecord]
    read: int
    left_out: Counter[State]


@dataclass(frozen=True, slots=True)
class Survey:
    """Extent of an export.

    Attributes:
        logs: latest batch of each log, with the records that match and their leaves; None if the log has none.
        outside: number of rows that match, and are in no log.
        later: number of rows that match, and claim leaves beyond the logs' checkpoints.
        lookups: rows of each stream that match.
    """

    logs: list[tuple[Batch, ClaimedLeaves | None]] = field(default_factory=list)
    outside: int = 0
    later: int = 0
    lookups: dict[Stream, Lookup] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows that match."""
        return self.outside + self.later + sum(claimed.rows for _, claimed in self.logs if claimed is not None)


def survey(engine: Engine, keys: TrustedKeys, wanted: Export, limits: QueryLimits) -> Survey:
    """Find out which leaves of which logs an export is about.

    Logs without a valid checkpoint are left out: their records cannot be verified.

    Raises:
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    limited = LimitedEngine(engine, limits)
    batches = list(last_valid_batches(limited, keys).values())
    found = Survey()
    for stream in wanted.streams:
        own = [batch for batch in batches if LogName.parse(batch.origin).stream is stream]
        condition = _condition(wanted, stream)
        claims = Claims({})
        if condition != NEVER:
            lookup = found.lookups[stream] = of_condition(stream, condition, latest_first=False)
            claims = find_claims(limited, lookup, {batch.log_id: batch.tree_size for batch in own})
        found.logs.extend((batch, claims.logs.get(batch.log_id)) for batch in own)
        found = replace(found, outside=found.outside + claims.outside, later=found.later + claims.later)
    return found


def read_parts(engine: Engine, keys: TrustedKeys, extent: Survey, limits: QueryLimits) -> Iterator[Part]:
    """Read the records of an export; limits apply to each part.

    Raises:
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    rows = _FIRST_ROWS
    for batch, claimed in extent.logs:
        if claimed is None:
            continue
        stream = LogName.parse(batch.origin).stream
        lookup = extent.lookups[stream]
        first, after = claimed.first, None
        width = max(rows, rows * (claimed.end - claimed.first) // claimed.rows)
        while first < claimed.end:
            limited = LimitedEngine(engine, limits)
            end = min(first + width, claimed.end)
            found = read_leaves(limited, lookup, batch.log_id, first, end, rows, after)
            is_full = len(found) == rows
            if is_full:
                # Equal rows must be checked together, and more like the last one may follow.
                last = found[-1]
                while len(found) > 2 and _is_same(found[-1], last):
                    found.pop()
                after = found[-1]
                first = after.leaf_index
            else:
                first, after = end, None
                width = 4 * width if len(found) < rows // 4 else width
            if found:
                yield _checked(limited, keys, batch, stream, found)
                rows = _fitting(found)


def _condition(wanted: Export, stream: Stream) -> Condition:
    return all_of([wanted.query.condition(stream), happened_within(wanted.since, wanted.until)])


def _checked(engine: Engine, keys: TrustedKeys, batch: Batch, stream: Stream, rows: list[StoredRecord]) -> Part:
    records: list[ExportedRecord] = []
    left_out: Counter[State] = Counter()
    for row, evidence in zip(rows, gather_evidence(engine, keys, rows, rehash=True), strict=True):
        if evidence.state is not State.VERIFIED:
            left_out[evidence.state] += 1
            continue
        values = decode_record(stream, evidence.canonical)
        records.append(ExportedRecord(batch.origin, row.leaf_index, row.batch_id, stream, evidence.canonical, values))
    return Part(batch, records, len(rows), left_out)


def _is_same(one: StoredRecord, other: StoredRecord) -> bool:
    return (one.leaf_index, one.batch_id, one.canonical) == (other.leaf_index, other.batch_id, other.canonical)


def _fitting(rows: list[StoredRecord]) -> int:
    """Return how many rows of this size can be read at a time; at least three, of which two may be equal."""
    each = sum(len(row.canonical) for row in rows) // len(rows) + 1
    return max(3, min(_MOST_ROWS, _MOST_BYTES // each))

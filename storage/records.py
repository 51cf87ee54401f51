"""Queries for the records and spans of a trace, and for audit events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from server.notary.canonical import CANONICAL_VERSION, versions_of
from server.notary.origin import Stream
from storage.engine import Engine
from storage.rowbinary import read_one, uint64
from storage.schema import RECORD_TABLES, canonical_expressions, rank_of
from storage.stored_records import StoredRecord, right_beside, select_records

__all__ = [
    "AuditFilter",
    "Lookup",
    "Place",
    "count_rows",
    "fitting",
    "leaf_expression",
    "of_audit_events",
    "of_trace",
    "read_records_at",
    "select_all",
    "select_fitting",
    "select_rows",
]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows that somebody asks for.

    Attributes:
        stream: the stream of their table.
        condition: the SQL condition for them.
        parameters: the values of its ``{name:Type}`` placeholders.
        latest_first: True for the order from the latest to the earliest row.
        without_log: True if rows that name no log and no batch count as fitting.
    """

    stream: Stream
    condition: str
    parameters: Mapping[str, object]
    latest_first: bool = False
    without_log: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Place of a row in the order of lookups; rows of the same place are equal in all that is signed.

    Attributes:
        stream: the stream of its table; in the order of all fields, it comes right after the leaf.
        timestamp: its Timestamp, in nanoseconds since the epoch.
        log_id: the log that it names.
        leaf_index: the leaf that it claims.
        batch_id: the batch that it names.
        leaf_hash: the leaf hash of its content, as a record of the version of new records.
    """

    stream: Stream
    timestamp: int
    log_id: str
    leaf_index: int
    batch_id: UUID
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Filter of audit events; all conditions must hold. Times are nanoseconds since the epoch.

    Attributes:
        equal: column -> value, for Action, ActorId, EffectiveActorId, TargetId, TargetType, SourceId, Outcome,
            Category, AuditRule, ServiceName and TraceId.
        prefixes: column -> beginning of the value, for the same columns; empty for any value that is not empty.
        text: text in the body, ignoring case.
        since: earliest Timestamp.
        until: upper limit of Timestamp, exclusive.
    """

    equal: Mapping[str, str]
    prefixes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    since: int | None = None
    until: int | None = None


_FILTER_COLUMNS = frozenset(
    (
        *("Action", "ActorId", "EffectiveActorId", "TargetId", "TargetType", "SourceId"),
        *("Outcome", "Category", "AuditRule", "ServiceName", "TraceId"),
    )
)


def of_trace(stream: Stream, trace_id: str) -> Lookup:
    """Look up a trace's records or spans in one stream, earliest first."""
    return Lookup(stream, "TraceId = {trace:String}", {"trace": trace_id})


def select_rows(engine: Engine, lookup: Lookup, limit: int, after: Place | None = None) -> list[StoredRecord]:
    """Return the first rows of a lookup in the order of (Timestamp, LogId, LeafIndex).

    Args:
        engine: the storage.
        lookup: the rows.
        limit: number of rows, at most.
        after: place after which they begin; other rows of the same leaf and time are skipped.

    Raises:
        StorageError: storage cannot be read.
    """
    return _select(engine, lookup, _LEAF_PLACE, "1", "", limit, after)


def select_fitting(engine: Engine, lookup: Lookup, limit: int, after: Place | None = None) -> list[StoredRecord]:
    """Return the first rows of a lookup whose hash the tree has at the leaf that they claim, each once.

    The tree's hashes are not verified. This keeps rows away that somebody inserted, however many they are.
    Args and errors as for ``select_rows``; rows are ordered by all fields of ``Place``.
    """
    return _select(
        engine, lookup, _WHOLE_PLACE, fitting(lookup), "LIMIT 1 BY LogId, LeafIndex, BatchId, Leaf", limit, after
    )


def select_all(engine: Engine, lookup: Lookup, limit: int, after: Place | None = None) -> list[StoredRecord]:
    """Return the first rows of a lookup in the order of all fields of ``Place``; of equal rows two.

    Args and errors as for ``select_rows``.
    """
    by = "LIMIT 2 BY Timestamp, LogId, LeafIndex, BatchId, Leaf"
    return _select(engine, lookup, _WHOLE_PLACE, "1", by, limit, after)


def fitting(lookup: Lookup) -> str:
    """Return the SQL condition that the tree has the hash of a row of a lookup at the leaf that the row claims.

    Rows that name no log fit too if the lookup says so.
    """
    signed = (
        "SELECT LogId, BatchId, TileIndex * 256 + Offset + n, toFixedString(substring(Hashes, 32 * n + 1, 32), 32) "
        "FROM log_tiles ARRAY JOIN range(intDiv(length(Hashes), 32)) AS n "
        "WHERE Level = 0 AND (LogId, TileIndex) IN ("
        f"SELECT LogId, intDiv(LeafIndex, 256) FROM {RECORD_TABLES[lookup.stream]} WHERE {lookup.condition})"
    )
    # A row does not say its version: one of them leads to the signed hash.
    forms = (
        f"{right_beside(lookup.stream, version)} AND "
        f"(LogId, BatchId, LeafIndex, {leaf_expression(lookup.stream, version)}) IN ({signed})"
        for version in versions_of(lookup.stream)
    )
    nothing = [f"LogId = '' AND BatchId = toUUID('{UUID(int=0)}')"] if lookup.without_log else []
    return f"({' OR '.join([*nothing, *forms])})"


_LEAF_PLACE = "Timestamp, LogId, LeafIndex"
_WHOLE_PLACE = f"{_LEAF_PLACE}, BatchId, Leaf"


def leaf_expression(stream: Stream, version: int = CANONICAL_VERSION) -> str:
    """Return the expression of a row's leaf hash, as a record of a version."""
    record = f"formatRowNoNewline('RowBinary', {canonical_expressions(stream, version)})"
    return f"SHA256(concat(unhex('00'), SHA256({record})))"


def _select(
    engine: Engine, lookup: Lookup, order: str, condition: str, limit_by: str, limit: int, after: Place | None
) -> list[StoredRecord]:
    conditions = [lookup.condition, condition]
    parameters = {**lookup.parameters, "limit": limit}
    if after is not None:
        at = f"fromUnixTimestamp64Nano({after.timestamp})"
        beyond = "<" if lookup.latest_first else ">"
        values = [at, "{log:String}", "{leaf:UInt64}"]
        parameters |= {"log": after.log_id, "leaf": after.leaf_index}
        if order == _WHOLE_PLACE:
            values += ["{batch:UUID}", "toFixedString(unhex({hash:String}), 32)"]
            parameters |= {"batch": str(after.batch_id), "hash": after.leaf_hash.hex()}
        columns = order
        if after.stream is not lookup.stream:
            # Rows of the same leaf and time come in the order of streams.
            columns, values = _LEAF_PLACE, values[:3]
            if (rank_of(lookup.stream) > rank_of(after.stream)) != lookup.latest_first:
                beyond += "="
        conditions.append(f"({columns}) {beyond} ({', '.join(values)})")
        conditions.append(f"Timestamp {beyond[0]}= {at}")  # this one uses an index
    direction = " DESC" if lookup.latest_first else ""
    ordered = ", ".join(column + direction for column in order.split(", "))
    where = f"{' AND '.join(conditions)} ORDER BY {ordered} {limit_by} LIMIT {{limit:UInt64}}"
    alias = f"{leaf_expression(lookup.stream)} AS Leaf" if order == _WHOLE_PLACE else ""
    return list(select_records(engine, lookup.stream, where, parameters, alias=alias))


def read_records_at(
    engine: Engine, stream: Stream, log_id: str, leaves: Collection[int], limit: int
) -> list[StoredRecord]:
    """Return the records of a log that claim given leaves, at most ``limit`` of each leaf, in any order."""
    if not leaves:
        return []
    condition = "LogId = {log:String} AND LeafIndex IN {leaves:Array(UInt64)} LIMIT {limit:UInt64} BY LeafIndex"
    parameters = {"log": log_id, "leaves": sorted(leaves), "limit": limit}
    return list(select_records(engine, stream, condition, parameters))


def count_rows(engine: Engine, lookup: Lookup) -> int:
    """Count the rows of a lookup, whether they can be proved or not."""
    select = f"SELECT count() FROM {RECORD_TABLES[lookup.stream]} WHERE {lookup.condition}"
    return int(read_one(engine.query(select, lookup.parameters), uint64))


def of_audit_events(wanted: AuditFilter) -> Lookup:
    """Look up audit events, latest first."""
    conditions = ["1"]
    parameters: dict[str, object] = {}
    for column, value in wanted.equal.items():
        if column not in _FILTER_COLUMNS:
            raise ValueError(f"audit events cannot be filtered by {column}")
        conditions.append(f"{column} = {{{column}:String}}")
        parameters[column] = value
    for column, beginning in wanted.prefixes.items():
        if column not in _FILTER_COLUMNS:
            raise ValueError(f"audit events cannot be filtered by {column}")
        conditions.append(f"startsWith({column}, {{{column}:String}}) AND {column} != ''")
        parameters[column] = beginning
    if wanted.text:
        conditions.append("positionCaseInsensitiveUTF8(Body, {text:String}) > 0")
        parameters["text"] = wanted.text
    if wanted.since is not None:
        conditions.append(_in_time(f">= fromUnixTimestamp64Nano({wanted.since})"))
    if wanted.until is not None:
        conditions.append(_in_time(f"< fromUnixTimestamp64Nano({wanted.until})"))
    return Lookup(Stream.AUDIT, " AND ".join(conditions), parameters, latest_first=True)


def _in_time(compared: str) -> str:
    """Return a condition for the time of a record, or for its time of receipt if it was sent without a time."""
    none = "fromUnixTimestamp64Nano(0)"
    return f"(Timestamp != {none} AND Timestamp {compared} OR Timestamp = {none} AND IngestedAt {compared})"

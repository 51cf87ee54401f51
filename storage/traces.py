"""Queries for many traces at once: the latest row of each that a lookup has, and what each one has in all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from server.notary.canonical import canonical_columns
from server.notary.origin import Stream
from storage.condition_algebra import any_of
from storage.condition_sql import compile_condition
from storage.conditions import Column, Condition, Exists, IsOneOf, SeverityWithin
from storage.engine import Engine
from storage.records import Lookup, Place, fitting
from storage.rowbinary import int64, read_rows, text, texts, uint64
from storage.schema import HAPPENED, RECORD_TABLES, rank_of
from storage.stored_records import StoredRecord, select_records

__all__ = ["WITH_TRACE", "TraceRows", "latest_of_traces", "traces_of", "traces_until"]

WITH_TRACE: Condition = Exists(Column("TraceId"))
"""The condition that a record belongs to a trace."""

_MOST_NAMES = 100
_FIRST_ERROR, _LAST_SEVERITY = 17, 24  # severity numbers: ERROR to FATAL4


@dataclass(frozen=True, slots=True)
class TraceRows:
    """The rows of a trace in one stream, whether they can be proved or not; times are nanoseconds since the epoch.

    Attributes:
        trace_id: the trace.
        first: time of the first row, of those with plausible times if there are any; the time of receipt for a row
            without a time.
        last: time of the last row of those, or the end of the last span.
        implausible: number of rows whose times are not plausible.
        count: number of rows.
        errors: number of rows that are errors: of severity ERROR or above, an outcome that is a failure, or the status
            of a span.
        services: names of services, at most 100.
        actors: IDs of actors, at most 100.
    """

    trace_id: str
    first: int
    last: int
    implausible: int
    count: int
    errors: int
    services: tuple[str, ...]
    actors: tuple[str, ...]


def latest_of_traces(
    engine: Engine, lookup: Lookup, limit: int, after: Place | None, *, only_fitting: bool
) -> list[StoredRecord]:
    """Return the latest row of each trace that a lookup has, the latest trace first.

    Args:
        engine: the storage.
        lookup: the rows; all have a trace ID, and no two lookups of a search have rows of one stream.
        limit: number of traces, at most.
        after: place after which rows are looked for, that is among earlier rows.
        only_fitting: True to skip rows that are not ``fitting``.

    Raises:
        StorageError: storage cannot be read.
    """
    conditions = [lookup.condition]
    parameters = {**lookup.parameters, "limit": limit}
    if after is not None:
        earlier, values = _earlier(lookup.stream, after)
        conditions.append(earlier)
        parameters |= values
    if only_fitting:
        conditions.append(fitting(lookup))
    where = (
        f"{' AND '.join(conditions)} ORDER BY Timestamp DESC, LogId DESC, LeafIndex DESC "
        "LIMIT 1 BY TraceId LIMIT {limit:UInt64}"
    )
    return list(select_records(engine, lookup.stream, where, parameters))


def traces_until(engine: Engine, lookup: Lookup, place: Place, *, only_fitting: bool) -> set[str]:
    """Return the traces of which a lookup has a row at a place, or before it in the order from the latest row.

    Args and errors as for ``latest_of_traces``.
    """
    earlier, values = _earlier(lookup.stream, place)
    conditions = [lookup.condition, f"NOT ({earlier})", f"Timestamp >= {_moment(place.timestamp)}"]
    if only_fitting:
        conditions.append(fitting(lookup))
    rows = engine.query(
        f"SELECT DISTINCT TraceId FROM {RECORD_TABLES[lookup.stream]} WHERE {' AND '.join(conditions)}",
        {**lookup.parameters, **values},
    )
    return {trace for (trace,) in read_rows(rows, (text,))}


def traces_of(engine: Engine, stream: Stream, traces: Sequence[str], since: int, until: int) -> list[TraceRows]:
    """Return what a stream has of some traces; nothing for a trace of which it has no rows.

    Args:
        engine: the storage.
        stream: the stream.
        traces: the traces.
        since: the first plausible time, in nanoseconds since the epoch.
        until: time after the last plausible one.

    Raises:
        StorageError: storage cannot be read.
    """
    if not traces:
        return []
    names = {column.name for column in canonical_columns(stream)}
    wanted = {f"trace{number}": trace for number, trace in enumerate(traces)}
    of_traces = " OR ".join(f"TraceId = {{{name}:String}}" for name in wanted)  # as an index serves it
    error = compile_condition(stream, any_of(_errors(names)))
    end, dated = HAPPENED, f"{HAPPENED} >= {int(since)} AND {HAPPENED} < {int(until)}"
    if "Duration" in names:
        end = f"{HAPPENED} + toInt64(Duration)"
        dated += f" AND Duration < {int(until)} AND {end} < {int(until)}"  # the sum of larger ones could overflow
    actors = _names("ActorId") if "ActorId" in names else "CAST([], 'Array(String)')"
    rows = engine.query(
        f"SELECT TraceId, if(countIf({dated}) > 0, minIf({HAPPENED}, {dated}), min({HAPPENED})), "
        f"if(countIf({dated}) > 0, maxIf({end}, {dated}), max({end})), countIf(NOT ({dated})), "
        f"count(), countIf({error.text}), "
        f"{_names('ServiceName')}, {actors} "
        f"FROM {RECORD_TABLES[stream]} WHERE {of_traces} GROUP BY TraceId",
        {**error.parameters, **wanted},
    )
    return [TraceRows(*row) for row in read_rows(rows, (text, int64, int64, uint64, uint64, uint64, texts, texts))]


def _errors(names: Collection[str]) -> list[Condition]:
    """Return the conditions for rows that are errors, in a table with these columns."""
    found: list[Condition] = []
    if "SeverityNumber" in names:
        found.append(SeverityWithin(_FIRST_ERROR, _LAST_SEVERITY))
    if "Outcome" in names:
        found.append(IsOneOf(Column("Outcome"), ("failure",)))
    if "StatusCode" in names:
        found.append(IsOneOf(Column("StatusCode"), ("Error", "STATUS_CODE_ERROR")))
    return found


def _names(column: str) -> str:
    return f"arraySort(groupUniqArrayIf({_MOST_NAMES})(CAST({column} AS String), {column} != ''))"


def _earlier(stream: Stream, place: Place) -> tuple[str, dict[str, object]]:
    """Return the condition for the rows that come after a place in the order from the latest to the earliest."""
    at = _moment(place.timestamp)
    # Rows of the same leaf and time come in the order of streams.
    sign = "<=" if rank_of(stream) < rank_of(place.stream) else "<"
    compared = f"(Timestamp, LogId, LeafIndex) {sign} ({at}, {{p_log:String}}, {{p_leaf:UInt64}})"
    # The time alone, which an index serves.
    return f"({compared} AND Timestamp <= {at})", {"p_log": place.log_id, "p_leaf": place.leaf_index}


def _moment(nanos: int) -> str:
    return f"fromUnixTimestamp64Nano(toInt64({int(nanos)}))"

"""The table of spans of earlier versions, which is put aside when the present one is made.

It was parted by the day of the span, and its rows were written by a Collector. A partition key cannot be altered, and
to copy the rows may take hours, in which the server would not start. So the table is renamed, which takes a moment,
whatever it holds; its rows are read beside those of the present table, and are neither copied nor dropped.

Each step is one statement, so that a server may end, or another do the same, between any two of them.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from storage.engine import Engine
from storage.errors import NotAppliedError, StorageConfigError
from storage.rowbinary import int64, read_one, read_rows, text, text_pairs, uint64

__all__ = [
    "PARTITIONED_BY",
    "SPANS",
    "SPANS_BEFORE",
    "EarlierSpan",
    "count_earlier_spans",
    "earlier_spans_of_trace",
    "has_earlier_spans",
    "put_aside",
    "read_partition_keys",
]

PARTITIONED_BY = "toDate(IngestedAt, 'UTC')"
"""Partition key of the tables of records and spans."""

SPANS = "otel_traces"
SPANS_BEFORE = "otel_traces_before"


@dataclass(frozen=True, slots=True)
class EarlierSpan:
    """A span of the earlier table; times are nanoseconds."""

    timestamp: int
    duration: int
    span_id: str
    parent_span_id: str
    name: str
    kind: str
    service_name: str
    status_code: str
    status_message: str
    attributes: tuple[tuple[str, str], ...]


def put_aside(engine: Engine) -> None:
    """Rename the table of spans if its partition key is another one; drop it afterwards if it is empty.

    Raises:
        StorageConfigError: there are earlier spans in both tables.
        NotAppliedError: storage cannot be reached, or refuses a statement.
    """
    if not _is_earlier(engine):
        return
    try:
        engine.execute(f"RENAME TABLE {SPANS} TO {SPANS_BEFORE}")
    except NotAppliedError as error:
        if not _is_earlier(engine):  # another server was faster
            return
        if SPANS_BEFORE in read_partition_keys(engine):
            raise StorageConfigError(
                f"the table {SPANS} has the layout of an earlier version, and cannot be put aside because there is a "
                f"table {SPANS_BEFORE}: rename that one, then start again"
            ) from error
        raise
    if read_partition_keys(engine).get(SPANS_BEFORE) == PARTITIONED_BY:
        # Another server has put the earlier table aside since it was looked at, and made the present one.
        engine.execute(f"RENAME TABLE {SPANS_BEFORE} TO {SPANS}")
        return
    with contextlib.suppress(NotAppliedError):  # it holds spans, or this user may drop no table: it stays
        engine.execute(f"DROP TABLE IF EMPTY {SPANS_BEFORE} SYNC")


def read_partition_keys(engine: Engine) -> dict[str, str]:
    """Return the partition keys of the database's tables by name; raises StorageError."""
    rows = engine.query("SELECT name, partition_key FROM system.tables WHERE database = currentDatabase()")
    return dict(read_rows(rows, (text, text)))


def has_earlier_spans(engine: Engine) -> bool:
    """Return whether there is a table of earlier spans; raises StorageError."""
    return SPANS_BEFORE in read_partition_keys(engine)


def _is_earlier(engine: Engine) -> bool:
    key = read_partition_keys(engine).get(SPANS)
    return key is not None and key != PARTITIONED_BY


# The companion table has a trace's range of time, in whole seconds: spans are sorted by time.
_SPAN_RANGE = (
    "WITH (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = {trace:String}) AS first, "
    "(SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = {trace:String}) AS last"
)
# If the table is not there, this reads nothing, at the cost of a small query. The alias has what binds reads
# (``storage.bound``) find the function, to which names of tables do not apply.
_SPANS = (
    f"FROM merge(currentDatabase(), '^{SPANS}(_before)?$') AS {SPANS_BEFORE} WHERE _table = '{SPANS_BEFORE}' "
    "AND TraceId = {trace:String} AND Timestamp >= first AND Timestamp <= last"
)


def count_earlier_spans(engine: Engine, trace_id: str, *, since: int | None = None, until: int | None = None) -> int:
    """Count a trace's spans in the earlier table; args and errors as for ``earlier_spans_of_trace``."""
    select = f"{_SPAN_RANGE} SELECT count() {_SPANS}{_within(since, until)}"
    return int(read_one(engine.query(select, {"trace": trace_id}), uint64))


def earlier_spans_of_trace(
    engine: Engine,
    trace_id: str,
    limit: int,
    offset: int = 0,
    *,
    since: int | None = None,
    until: int | None = None,
) -> list[EarlierSpan]:
    """Return a trace's spans in the earlier table, earliest first; raises StorageError.

    Args:
        engine: the storage.
        trace_id: the trace.
        limit: number of spans, at most.
        offset: number of spans to skip.
        since: earliest time of a span, in nanoseconds since the epoch; None for no limit.
        until: time after the latest one.
    """
    rows = engine.query(
        f"{_SPAN_RANGE} "
        "SELECT Timestamp, Duration, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, StatusCode, StatusMessage, "
        f"SpanAttributes {_SPANS}{_within(since, until)} "
        "ORDER BY Timestamp, SpanId, ParentSpanId, SpanName, Duration LIMIT {limit:UInt64} OFFSET {offset:UInt64}",
        {"trace": trace_id, "limit": limit, "offset": offset},
    )
    readers = (int64, uint64, text, text, text, text, text, text, text, text_pairs)
    return [EarlierSpan(*row) for row in read_rows(rows, readers)]


def _within(since: int | None, until: int | None) -> str:
    return "".join(
        f" AND Timestamp {sign} fromUnixTimestamp64Nano(toInt64({int(end)}))"
        for sign, end in ((">=", since), ("<", until))
        if end is not None
    )

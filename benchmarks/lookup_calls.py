"""The measured lookups: functions that draw random calls."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from google.protobuf.timestamp_pb2 import Timestamp

from benchmarks.kept import DataSet
from harness.clickhouse_node import ClickHouseNode
from lognotary.v1.correlation_pb2 import (
    CHECK_RECORDS,
    CHECK_SIGNATURES,
    EvidenceCheck,
    FindTracesRequest,
    GetTraceRequest,
    SearchAuditEventsRequest,
    SearchRequest,
)
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceStub
from lognotary.v1.counts_pb2 import FacetsRequest, HistogramRequest

__all__ = ["PLAIN_TRACE", "Calls", "lookups", "plain_trace"]

Calls = list[Callable[[], object]]
_Draw = Callable[[], Calls]

PLAIN_TRACE = "a trace of about 40 entries, the plain exporter's table"
_LENGTHS = {"short": (1, 5), "of about 40 entries": (35, 45)}
_DAY = 86_400 * 10**9
_TRACES = """\
SELECT TraceId FROM (
    SELECT TraceId FROM otel_logs UNION ALL SELECT TraceId FROM audit_logs UNION ALL SELECT TraceId FROM otel_traces
)
WHERE cityHash64(TraceId) % {part} = 0
GROUP BY TraceId HAVING count() BETWEEN {least} AND {most} LIMIT 20000"""
_ACTORS = "SELECT ActorId FROM audit_logs WHERE ActorId != '' GROUP BY ActorId LIMIT 100000"
_BODIES = """\
SELECT arrayStringConcat(arraySlice(arrayShuffle(arrayDistinct(arrayFilter(
    word -> length(word) > 2, extractAll(lower(Body), '[a-z0-9]+'))), 1), 1, 2), ' ') AS words
FROM otel_logs WHERE LeafIndex % {part} = 0 AND length(Body) < 200 AND length(words) > 5 LIMIT 20000"""
_ATTRIBUTES = """\
SELECT key || ':"' || LogAttributes[key] || '"' FROM (
    SELECT LogAttributes, arrayJoin(['order.id', 'user.id', 'client.address', 'message.id']) AS key
    FROM otel_logs WHERE LeafIndex % {part} = 0)
WHERE LogAttributes[key] != '' LIMIT 20000"""


def lookups(
    node: ClickHouseNode,
    database: str,
    stub: CorrelationServiceStub,
    data: DataSet,
    draw: random.Random,
    count: int,
) -> Mapping[str, _Draw]:
    """Return name of a lookup -> function that draws its calls.

    Args:
        node: ClickHouse server with the data, from which values to look up are drawn.
        database: name of the database.
        stub: stub of the server's API.
        data: the data set.
        draw: source of random numbers.
        count: number of calls to draw at a time.
    """
    part = max(1, data.content.records // 500_000)

    def some(values: Sequence[str], call: Callable[[str], object]) -> _Draw:
        return lambda: [partial(call, value) for value in draw.sample(values, min(count, len(values)))]

    def trace(check: EvidenceCheck) -> Callable[[str], object]:
        return lambda trace_id: stub.GetTrace(GetTraceRequest(trace_id=trace_id, check=check))

    def search(query: str) -> object:
        return stub.Search(SearchRequest(query=query))

    def at(nanos: int) -> Timestamp:
        moment = Timestamp()
        moment.FromNanoseconds(nanos)
        return moment

    def a_day() -> tuple[Timestamp, Timestamp]:
        since = data.end - draw.randrange(1, 30) * _DAY
        return at(since), at(since + _DAY)

    found: dict[str, _Draw] = {}
    for length, (least, most) in _LENGTHS.items():
        ids = _values(node, database, _TRACES.format(part=part, least=least, most=most))
        for what, check in {"verified": CHECK_RECORDS, "signed": CHECK_SIGNATURES}.items():
            found[f"a trace {length}, {what}"] = some(ids, trace(check))
    actors = _values(node, database, _ACTORS)
    found["an actor's first page"] = some(
        actors, lambda actor: stub.SearchAuditEvents(SearchAuditEventsRequest(actor_id=actor))
    )
    found["two words of a body, first page"] = some(_values(node, database, _BODIES.format(part=part)), search)
    found["an attribute's value, first page"] = some(_values(node, database, _ATTRIBUTES.format(part=part)), search)

    def histogram() -> object:
        since, until = a_day()
        return stub.Histogram(HistogramRequest(since=since, until=until))

    def facets() -> object:
        since, until = a_day()
        return stub.Facets(FacetsRequest(since=since, until=until))

    found["histogram of 24 hours"] = lambda: [histogram] * count
    found["facets of 24 hours"] = lambda: [facets] * count
    found["traces of an actor with errors, 7 days"] = some(
        actors,
        lambda actor: stub.FindTraces(
            FindTracesRequest(
                query=f'actor:"{actor}"', with_errors=True, since=at(data.end - 7 * _DAY), until=at(data.end)
            )
        ),
    )
    return found


def plain_trace(
    node: ClickHouseNode, database: str, plain: str, data: DataSet, draw: random.Random, count: int
) -> _Draw:
    """Return a function that draws lookups of traces in the exporter's own table, in another database, by SQL."""
    least, most = _LENGTHS["of about 40 entries"]
    part = max(1, data.content.records // 500_000)
    ids = _values(node, database, _TRACES.format(part=part, least=least, most=most))
    statement = "SELECT * FROM otel_logs WHERE TraceId = '{}' ORDER BY Timestamp FORMAT JSONEachRow"
    return lambda: [
        partial(node.query, statement.format(trace_id), database=plain)
        for trace_id in draw.sample(ids, min(count, len(ids)))
    ]


def _values(node: ClickHouseNode, database: str, query: str) -> list[str]:
    return sorted(set(node.query(query, database=database).split("\n")))

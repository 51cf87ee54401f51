"""Queries as Grafana's ClickHouse datasource (4.20) and HyperDX (August 2026) send them: they work on our tables.

HyperDX reads the columns and the indexes of a table, and writes its conditions accordingly. It searches attributes in
columns of items (``LogAttributeItems``) only if these have text indexes, which would take more CPU than all the rest
of inserts and merges; otherwise it compares values, for which our tables have filters. For words it uses a filter of
``tokens(lower(Body))``, which our tables have.
"""

from __future__ import annotations

from contextlib import closing

import pytest

from server.log.journal import Journal
from storage.engine import Engine
from storage.rowbinary import read_rows, text, uint64
from tests.api.store import START, TRACE, Writer, audit_event, log_record, span

FROM, TO = START // 10**6 - 60_000, START // 10**6 + 60_000  # milliseconds
LOGS = ("otel_logs", "audit_logs")


@pytest.fixture(scope="module")
def stored(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A log, an audit event and two spans of one trace, one of which failed."""
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        writer = Writer(module_engine, journal)
        event = audit_event("order.place", actor="alice", at=1)
        event.body.string_value = "order 17 paid"
        record = log_record("order 17 paid")
        for each in (event, record):
            each.attributes.add(key="http.method").value.string_value = "POST"
            each.severity_text = "INFO"
        writer.write([event, record], service="shop")
        writer.write_spans([span("pay"), span("refund", failed=True)])
    return module_engine


def rows(engine: Engine, select: str) -> int:
    """Return how many rows a query returns."""
    ((number,),) = read_rows(engine.query(f"SELECT count() FROM ({select})"), (uint64,))
    return int(number)


def plan(engine: Engine, select: str) -> str:
    """Return the plan of a query, with the indexes that it uses."""
    return " ".join(line.strip() for (line,) in read_rows(engine.query(f"EXPLAIN indexes = 1 {select}"), (text,)))


GRAFANA_RANGE = f"timestamp >= fromUnixTimestamp64Milli({FROM}) AND timestamp <= fromUnixTimestamp64Milli({TO})"
GRAFANA_LOGS = (
    'SELECT Timestamp as "timestamp", Body as "body", SeverityText as "level", LogAttributes as "labels", '
    'TraceId as "traceID" FROM "{table}" WHERE ( {range} ) AND {where} ORDER BY timestamp DESC LIMIT 1000'
)
GRAFANA_TRACE = (
    f"WITH '{TRACE}' as __gf_trace_id, "
    '(SELECT min(Start) FROM "otel_traces_trace_id_ts" WHERE TraceId = __gf_trace_id) as __gf_trace_start, '
    '(SELECT max(End) + 1 FROM "otel_traces_trace_id_ts" WHERE TraceId = __gf_trace_id) as __gf_trace_end '
    'SELECT "TraceId" as traceID, "SpanId" as spanID, "ParentSpanId" as parentSpanID, '
    '"ServiceName" as serviceName, "SpanName" as operationName, '
    'multiply(toUnixTimestamp64Nano("Timestamp"), 0.000001) as startTime, multiply("Duration", 0.000001) as duration, '
    "arrayMap(key -> map('key', key, 'value',\"SpanAttributes\"[key]), mapKeys(\"SpanAttributes\")) as tags, "
    "arrayMap(key -> map('key', key, 'value',\"ResourceAttributes\"[key]), mapKeys(\"ResourceAttributes\")) "
    "as serviceTags, if(\"StatusCode\" IN ('Error', 'STATUS_CODE_ERROR'), 2, 0) as statusCode, {nested} "
    '"SpanKind" as kind, "StatusMessage" as statusMessage, "ScopeName" as instrumentationLibraryName, '
    '"ScopeVersion" as instrumentationLibraryVersion, "TraceState" as traceState '
    'FROM "otel_traces" WHERE traceID = __gf_trace_id AND "Timestamp" >= __gf_trace_start '
    'AND "Timestamp" <= __gf_trace_end LIMIT 1000'
)
_FIELDS = "arrayMap(key -> map('key', key, 'value', attributes[key]), mapKeys(attributes))"
GRAFANA_EVENTS = (
    "arrayMap((name, timestamp, attributes) -> tuple(name, toString(toUnixTimestamp64Milli(timestamp)), "
    f"{_FIELDS})::Tuple(name String, timestamp String, fields Array(Map(String, String))), "
    '"Events".Name, "Events".Timestamp, "Events".Attributes) AS logs, '
    f"arrayMap((traceID, spanID, attributes) -> tuple(traceID, spanID, {_FIELDS})"
    "::Tuple(traceID String, spanID String, tags Array(Map(String, String))), "
    '"Links".TraceId, "Links".SpanId, "Links".Attributes) AS references,'
)
HYPERDX_RANGE = f"(Timestamp >= fromUnixTimestamp64Milli({FROM}) AND Timestamp <= fromUnixTimestamp64Milli({TO}))"
HYPERDX_LOGS = (
    "SELECT Timestamp,ServiceName as service,SeverityText as level,Body FROM {table} WHERE {range} AND ({where}) "
    "ORDER BY Timestamp DESC LIMIT 200"
)
WORDS = "hasAll(tokens(lower(Body)), tokens(lower('{0}')))"


@pytest.mark.parametrize("table", LOGS)
@pytest.mark.parametrize(
    ("where", "index"),
    [
        ("( \"SeverityText\" IN ('INFO', 'ERROR') )", "idx_timestamp"),
        ("( \"Body\" LIKE '%paid%' )", "idx_timestamp"),
        ("( \"LogAttributes\"['http.method'] = 'POST' )", "idx_log_values"),
        ("( \"ResourceAttributes\"['service.name'] = 'shop' )", "idx_resource_values"),
        (f"( \"TraceId\" = '{TRACE}' )", "idx_trace_id"),
    ],
)
def test_grafana_finds_logs(stored: Engine, table: str, where: str, index: str) -> None:
    select = GRAFANA_LOGS.format(table=table, range=GRAFANA_RANGE, where=where)
    assert rows(stored, select) == 1
    assert index in plan(stored, select)


@pytest.mark.parametrize("table", LOGS)
def test_grafana_draws_the_volume_of_logs_by_level(stored: Engine, table: str) -> None:
    select = (
        'SELECT toStartOfInterval("Timestamp", INTERVAL 1 MINUTE) as "time", '
        "sum(multiSearchAny(toString(\"SeverityText\"), ['critical','fatal','CRITICAL','FATAL'])) as critical, "
        "sum(multiSearchAny(toString(\"SeverityText\"), ['info','INFO','Info'])) as info "
        f'FROM "{table}" WHERE ( Timestamp >= fromUnixTimestamp64Milli({FROM}) AND '
        f"Timestamp <= fromUnixTimestamp64Milli({TO}) ) GROUP BY time ORDER BY time ASC"
    )
    assert rows(stored, f"SELECT * FROM ({select}) WHERE info = 1 AND critical = 0") == rows(stored, select) == 1


def test_grafana_opens_a_trace_by_the_companion_table(stored: Engine) -> None:
    stored.execute(
        "INSERT INTO otel_traces_trace_id_ts SELECT TraceId, min(Timestamp), max(Timestamp) FROM otel_traces "
        f"WHERE TraceId = '{TRACE}' GROUP BY TraceId"  # the view leaves out what began long ago
    )
    select = GRAFANA_TRACE.format(nested=GRAFANA_EVENTS)
    assert rows(stored, select) == 2
    assert rows(stored, f"SELECT * FROM ({select}) WHERE statusCode = 2") == 1
    assert "idx_trace_id" in plan(stored, select)


@pytest.mark.parametrize("table", LOGS)
@pytest.mark.parametrize(
    ("where", "index"),
    [
        (WORDS.format("paid"), "idx_body_words"),
        (f"({WORDS.format('order 17')} AND (lower(Body) LIKE lower('%order 17%')))", "idx_body_words"),
        (f"NOT {WORDS.format('refund')}", "idx_timestamp"),
        ("(lower(Body) LIKE lower('%pai%'))", "idx_timestamp"),
        ("(ServiceName ILIKE '%sho%')", "idx_timestamp"),
        (
            "((LogAttributes['http.method'] = 'POST') AND indexHint(mapContains(LogAttributes, 'http.method')))",
            "idx_log_values",
        ),
        (
            "((LogAttributes['http.method'] ILIKE '%os%') AND indexHint(mapContains(LogAttributes, 'http.method')))",
            "idx_timestamp",
        ),
        (f"TraceId = '{TRACE}'", "idx_trace_id"),
    ],
)
def test_hyperdx_finds_logs(stored: Engine, table: str, where: str, index: str) -> None:
    select = HYPERDX_LOGS.format(table=table, range=HYPERDX_RANGE, where=where)
    assert rows(stored, select) == 1
    assert index in plan(stored, select)


@pytest.mark.parametrize(
    ("where", "found", "index"),
    [
        ("((hasToken(lower(SpanName), lower('refund'))))", 1, "idx_timestamp"),
        ("(StatusCode = 'Error')", 1, "idx_timestamp"),
        ("((ResourceAttributes['service.name'] = 'shop'))", 2, "idx_resource_values"),
        ("(Duration >= 1)", 2, "idx_duration"),
        (f"TraceId = '{TRACE}'", 2, "idx_trace_id"),
    ],
)
def test_hyperdx_finds_spans(stored: Engine, where: str, found: int, index: str) -> None:
    select = (
        "SELECT Timestamp, ServiceName as service, StatusCode as level, round(Duration / 1e6) as duration, SpanName, "
        "SpanKind, ParentSpanId, StatusMessage, SpanAttributes, `Events.Timestamp`, `Links.TraceId` FROM otel_traces "
        f"WHERE {HYPERDX_RANGE} AND ({where}) ORDER BY Timestamp DESC LIMIT 200"
    )
    assert rows(stored, select) == found
    assert index in plan(stored, select)


@pytest.mark.parametrize(
    ("table", "group", "attributes"),
    [
        *((name, "SeverityText", "LogAttributes") for name in LOGS),
        ("otel_traces", "StatusCode", "SpanAttributes"),
    ],
)
def test_hyperdx_counts_by_time_and_lists_keys(stored: Engine, table: str, group: str, attributes: str) -> None:
    histogram = (
        f"SELECT count() AS n, {group}, toStartOfInterval(toDateTime(Timestamp), INTERVAL 1 minute) AS "
        f"`__hdx_time_bucket` FROM {table} WHERE {HYPERDX_RANGE} GROUP BY {group}, `__hdx_time_bucket` "
        "ORDER BY `__hdx_time_bucket`"
    )
    assert rows(stored, histogram) >= 1
    keys = (
        f"WITH sampledKeys as (SELECT getSubcolumn({attributes}, 'keys') as keys FROM {table} WHERE {HYPERDX_RANGE} "
        "LIMIT 1000000) SELECT groupUniqArrayArray(1000)(keys) as keysArr FROM sampledKeys"
    )
    assert rows(stored, keys) == 1
    assert rows(stored, f"SELECT * FROM ({keys}) WHERE has(keysArr, 'http.method')") == (table != "otel_traces")


def test_hyperdx_recognizes_the_tables(stored: Engine) -> None:
    def columns(table: str) -> set[str]:
        select = f"SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '{table}'"
        return {name for (name,) in read_rows(stored.query(select), (text,))}

    common = {"Timestamp", "TraceId", "SpanId", "ServiceName", "ResourceAttributes"}
    for table in LOGS:
        assert common | {"Body", "SeverityText", "LogAttributes"} <= columns(table)
    spans = {"SpanName", "Duration", "SpanKind", "ParentSpanId", "SpanAttributes", "StatusCode", "StatusMessage"}
    assert common | spans | {"Events.Timestamp", "Links.TraceId"} <= columns("otel_traces")
    filters = (
        "SELECT expr FROM system.data_skipping_indices WHERE database = currentDatabase() AND type = 'bloom_filter'"
    )
    listed = [(row[0]) for row in read_rows(stored.query(f"{filters} AND table = 'otel_logs'"), (text,))]
    assert "tokens(lower(Body))" in listed

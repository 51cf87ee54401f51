"""The table that the Collector's clickhouseexporter makes, filled with the same rows."""

from __future__ import annotations

from harness.clickhouse_node import ClickHouseNode
from storage.schema import RECORD_TABLES

__all__ = ["fill_plain_table"]

_DATABASE = "plain"
_PATIENCE = 1800.0  # seconds for copying or merging the records of a day
_COLUMNS = (
    "Timestamp, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, ServiceName, Body, ResourceSchemaUrl, "
    "ResourceAttributes, ScopeSchemaUrl, ScopeName, ScopeVersion, ScopeAttributes, LogAttributes, EventName"
)
# Only the index for traces: the others would cost time to build, and do not affect lookups of traces.
_TABLE = """\
CREATE TABLE plain.otel_logs (
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    TraceFlags UInt8,
    SeverityText LowCardinality(String) CODEC(ZSTD(1)),
    SeverityNumber UInt8,
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    Body String CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    EventName String CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1"""


def fill_plain_table(node: ClickHouseNode, source: str) -> str:
    """Copy the records of a database into the exporter's table, unless it has them; return the database of the table.

    The tables of Lognotary have their rows by day of receipt, so the days of the records are copied one by one.
    """
    if node.query(f"EXISTS {_DATABASE}.otel_logs") == "1":
        return _DATABASE
    node.query(f"CREATE DATABASE {_DATABASE}")
    node.query(_TABLE)
    for table in (name for name in RECORD_TABLES.values() if name != "otel_traces"):
        days = node.query(f"SELECT DISTINCT toDate(Timestamp) FROM {source}.{table} ORDER BY 1").split()  # noqa: S608
        for day in days:
            node.query(
                f"INSERT INTO {_DATABASE}.otel_logs SELECT {_COLUMNS} FROM {source}.{table} "  # noqa: S608
                f"WHERE toDate(Timestamp) = '{day}'",
                timeout=_PATIENCE,
            )
    for partition in node.query(
        f"SELECT DISTINCT partition FROM system.parts WHERE database = '{_DATABASE}' AND active"  # noqa: S608
    ).split():
        node.query(f"OPTIMIZE TABLE {_DATABASE}.otel_logs PARTITION '{partition}' FINAL", timeout=_PATIENCE)
    return _DATABASE

"""Tables and their columns, in the order of inserts and reads."""

from __future__ import annotations

from dataclasses import dataclass

from server.notary.canonical import CANONICAL_VERSION, CanonicalColumn, Kind, canonical_columns, mark_of
from server.notary.origin import Stream

__all__ = [
    "BATCH_COLUMNS",
    "HAPPENED",
    "MERGED_INDEXES",
    "RECORD_TABLES",
    "STATEMENT_COLUMNS",
    "TILE_COLUMNS",
    "TableColumn",
    "canonical_expressions",
    "mark_expressions",
    "quoted_column",
    "rank_of",
    "record_columns",
    "stored_expressions",
]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column's name and ClickHouse type."""

    name: str
    type: str


HAPPENED = (
    "if(toUnixTimestamp64Nano(Timestamp) != 0, toUnixTimestamp64Nano(Timestamp), toUnixTimestamp64Nano(IngestedAt))"
)
"""SQL of the time of a row in nanoseconds since the epoch: the time of receipt for a row without a time of its own."""

MERGED_INDEXES = (
    "idx_resource_values",
    "idx_log_values",
    "idx_span_values",
    "idx_body_words",
    "idx_source",
    "idx_action",
)
"""Skip indexes of records that are made when parts are merged, and not at once."""

RECORD_TABLES = {Stream.AUDIT: "audit_logs", Stream.OPERATIONAL: "otel_logs", Stream.SPANS: "otel_traces"}

_EVIDENCE_COLUMNS = (
    TableColumn("LogId", "LowCardinality(String)"),
    TableColumn("BatchId", "UUID"),
    TableColumn("LeafIndex", "UInt64"),
)

BATCH_COLUMNS = (
    TableColumn("LogId", "LowCardinality(String)"),
    TableColumn("Origin", "LowCardinality(String)"),
    TableColumn("BatchId", "UUID"),
    TableColumn("Sequence", "UInt64"),
    TableColumn("FirstLeaf", "UInt64"),
    TableColumn("TreeSize", "UInt64"),
    TableColumn("RecordCount", "UInt64"),
    TableColumn("MinTimestamp", "DateTime64(9)"),
    TableColumn("MaxTimestamp", "DateTime64(9)"),
    TableColumn("IngestedAt", "DateTime64(9, 'UTC')"),
    TableColumn("RootHash", "FixedString(32)"),
    TableColumn("Frontier", "String"),
    TableColumn("Checkpoint", "String"),
    TableColumn("CanonicalVersion", "UInt16"),
)

TILE_COLUMNS = (
    TableColumn("LogId", "LowCardinality(String)"),
    TableColumn("Level", "UInt8"),
    TableColumn("TileIndex", "UInt64"),
    TableColumn("Offset", "UInt16"),
    TableColumn("Hashes", "String"),
    TableColumn("BatchId", "UUID"),
    TableColumn("Sequence", "UInt64"),
)

STATEMENT_COLUMNS = (
    TableColumn("LogId", "LowCardinality(String)"),
    TableColumn("Number", "UInt64"),
    TableColumn("Kind", "LowCardinality(String)"),
    TableColumn("TreeSize", "UInt64"),
    TableColumn("SignedAt", "DateTime('UTC')"),
    TableColumn("Note", "String"),
    TableColumn("Data", "String"),
)


def rank_of(stream: Stream) -> int:
    """Return the rank of a stream, by which answers order rows of the same time, log and leaf."""
    return list(RECORD_TABLES).index(stream)


def record_columns(stream: Stream, version: int = CANONICAL_VERSION) -> tuple[TableColumn, ...]:
    """Return the inserted columns of a stream's table: canonical columns of a version, then evidence."""
    canonical = (
        TableColumn(column.name, "DateTime64(9, 'UTC')" if column.name == "IngestedAt" else column.kind.value)
        for column in canonical_columns(stream, version)
    )
    return (*canonical, *_EVIDENCE_COLUMNS)


def quoted_column(name: str) -> str:
    """Return the name of a canonical column in SQL: names of nested columns have a dot."""
    return f"`{name}`" if "." in name else name


def mark_expressions(version: int) -> list[str]:
    """Return the SELECT expression of the mark of a version's canonical records, if they have one."""
    return [f"toInt64({-version})"] if mark_of(version) else []


def stored_expressions(stream: Stream, version: int = CANONICAL_VERSION) -> str:
    """Return the SELECT expressions of records of a version as they are stored: their maps are in any order."""
    columns = (quoted_column(column.name) for column in canonical_columns(stream, version))
    return ", ".join([*mark_expressions(version), *columns])


def canonical_expressions(stream: Stream, version: int = CANONICAL_VERSION) -> str:
    """Return the SELECT expressions that read canonical records of a version in FORMAT RowBinary."""
    columns = (_canonical_expression(column) for column in canonical_columns(stream, version))
    return ", ".join([*mark_expressions(version), *columns])


def _canonical_expression(column: CanonicalColumn) -> str:
    name = quoted_column(column.name)
    if column.kind is Kind.MAP:
        return f"mapSort((k, v) -> (k, v), {name})"
    return f"arrayMap(m -> mapSort((k, v) -> (k, v), m), {name})" if column.kind is Kind.MAPS else name

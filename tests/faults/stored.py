"""Reads of stored records and batches from ClickHouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.clickhouse_http import ClickHouseServer
from harness.otlp_load import ID

__all__ = ["StoredBatch", "StoredRecords", "count_ids", "read_batches", "read_records", "rows_of"]

_RECORDS = (
    f"(SELECT LogAttributes['{ID}'] AS Id, LogId, BatchId, LeafIndex FROM otel_logs WHERE Id != '' UNION ALL "
    f"SELECT LogAttributes['{ID}'] AS Id, LogId, BatchId, LeafIndex FROM audit_logs WHERE Id != '')"
)


@dataclass(frozen=True, slots=True)
class StoredRecords:
    """Records by their IDs.

    Attributes:
        signed: number of rows of each record in committed batches.
        unsigned: number of rows of each record outside committed batches.
        places: log and leaf of each record that is stored once.
    """

    signed: Counter[str] = field(default_factory=Counter)
    unsigned: Counter[str] = field(default_factory=Counter)
    places: Mapping[str, tuple[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A row of ``log_batches``, with the numbers of rows and of different leaves of its records."""

    log_id: str
    sequence: int
    first_leaf: int
    tree_size: int
    rows: int
    leaves: int


def read_records(server: ClickHouseServer, database: str) -> StoredRecords:
    """Read all records of senders."""
    answer = server.query(
        "SELECT Id, BatchId IN (SELECT BatchId FROM log_batches) AS Signed, count(), any(LogId), any(LeafIndex) "
        f"FROM {_RECORDS} GROUP BY Id, Signed",
        database=database,
    )
    signed, unsigned = Counter[str](), Counter[str]()
    places: dict[str, tuple[str, int]] = {}
    for name, is_signed, count, log_id, leaf in _rows(answer):
        (signed if is_signed == "1" else unsigned)[name] = int(count)
        if count == "1" and is_signed == "1":
            places[name] = log_id, int(leaf)
    return StoredRecords(signed, unsigned, places)


def read_batches(server: ClickHouseServer, database: str) -> list[StoredBatch]:
    """Read all committed batches, in the order of each log."""
    answer = server.query(
        "SELECT LogId, Sequence, FirstLeaf, TreeSize, Rows, Leaves FROM log_batches LEFT JOIN "
        "(SELECT BatchId, count() AS Rows, uniqExact(LeafIndex) AS Leaves FROM "
        "(SELECT BatchId, LeafIndex FROM otel_logs UNION ALL SELECT BatchId, LeafIndex FROM audit_logs) "
        "GROUP BY BatchId) AS records USING BatchId ORDER BY LogId, Sequence, FirstLeaf",
        database=database,
    )
    return [StoredBatch(log_id, *map(int, numbers)) for log_id, *numbers in _rows(answer)]


def count_ids(server: ClickHouseServer, database: str, prefix: str = "") -> int:
    """Return the number of different records that are stored, of senders whose names have a prefix."""
    return int(
        server.query(f"SELECT uniqExact(Id) FROM {_RECORDS} WHERE startsWith(Id, '{prefix}')", database=database)
    )


def rows_of(server: ClickHouseServer, database: str, names: Sequence[str]) -> str:
    """Return the rows of some records as a table in text, for people."""
    listed = ", ".join(f"'{name}'" for name in names)
    return server.query(
        f"SELECT Id, LogId, Sequence, LeafIndex, BatchId, IngestedAt FROM {_RECORDS} AS records "
        f"LEFT JOIN log_batches USING (LogId, BatchId) WHERE Id IN ({listed}) ORDER BY Id, LeafIndex "
        "FORMAT TSVWithNames",
        database=database,
    )


def _rows(answer: str) -> Sequence[Sequence[str]]:
    return [line.split("\t") for line in answer.splitlines()]

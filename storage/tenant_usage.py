"""Stored records and logs of each tenant, in the scope of the caller; tenants are in the order of their names."""

from __future__ import annotations

from dataclasses import dataclass

from server.notary.origin import Stream
from storage.engine import Engine
from storage.rowbinary import int64, read_rows, text, uint64
from storage.schema import RECORD_TABLES

__all__ = [
    "LogsOfTenant",
    "RowsOfTenant",
    "TableSize",
    "TenantPage",
    "read_logs_of_tenants",
    "read_rows_of_tenants",
    "read_table_sizes",
]


@dataclass(frozen=True, slots=True)
class TenantPage:
    """Some of the tenants.

    Attributes:
        after: name after which they begin; None for the first ones.
        most: number of tenants.
    """

    after: str | None
    most: int

    @property
    def condition(self) -> str:
        """SQL condition of the rows of these and later tenants, with the parameter ``after``."""
        return "1" if self.after is None else "Tenant > {after:String}"

    @property
    def parameters(self) -> dict[str, str | int]:
        """Parameters of a statement with the condition, and with ``LIMIT {most:UInt64}``."""
        after = {} if self.after is None else {"after": self.after}
        return {"most": self.most, **after}


@dataclass(frozen=True, slots=True)
class RowsOfTenant:
    """Records of a tenant in one stream; times of receipt are nanoseconds since the epoch.

    Attributes:
        count: number of records.
        first: time of receipt of the first one.
        last: time of receipt of the last one.
    """

    count: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class LogsOfTenant:
    """Logs of a tenant that have entries.

    Attributes:
        count: number of logs.
        entries: number of their entries, also of those whose records are no longer stored.
    """

    count: int
    entries: int


@dataclass(frozen=True, slots=True)
class TableSize:
    """Size of the table of a stream, of all tenants.

    Attributes:
        rows: number of rows.
        stored: bytes on disk.
        uncompressed: bytes of the columns without compression.
    """

    rows: int
    stored: int
    uncompressed: int


def read_rows_of_tenants(
    engine: Engine, stream: Stream, page: TenantPage, since: int | None = None, until: int | None = None
) -> dict[str, RowsOfTenant]:
    """Return the records of each tenant in a stream, without tenants that have none.

    Args:
        engine: the storage.
        stream: the stream.
        page: the tenants.
        since: only records that were received at this time or later, in nanoseconds since the epoch.
        until: only records that were received before this time.

    Raises:
        StorageError: storage cannot be read.
    """
    ends = "".join(
        f" AND IngestedAt {comparison} fromUnixTimestamp64Nano(toInt64({int(end)}), 'UTC')"
        for comparison, end in ((">=", since), ("<", until))
        if end is not None
    )
    # Two narrow columns, of partitions by the day of receipt.
    answer = engine.query(
        "SELECT Tenant, count(), toUnixTimestamp64Nano(min(IngestedAt)), toUnixTimestamp64Nano(max(IngestedAt)) "
        f"FROM {RECORD_TABLES[stream]} WHERE {page.condition}{ends} "
        "GROUP BY Tenant ORDER BY Tenant LIMIT {most:UInt64}",
        page.parameters,
    )
    rows = read_rows(answer, (text, uint64, int64, int64))
    return {tenant: RowsOfTenant(count, first, last) for tenant, count, first, last in rows}


def read_logs_of_tenants(engine: Engine, page: TenantPage) -> dict[str, LogsOfTenant]:
    """Return the logs of each tenant, without tenants that have none.

    Raises:
        StorageError: storage cannot be read.
    """
    answer = engine.query(
        "SELECT Tenant, count(), sum(Size) FROM ("
        f"SELECT Tenant, LogId, max(TreeSize) AS Size FROM log_batches WHERE {page.condition} GROUP BY Tenant, LogId) "
        "GROUP BY Tenant ORDER BY Tenant LIMIT {most:UInt64}",
        page.parameters,
    )
    return {tenant: LogsOfTenant(*numbers) for tenant, *numbers in read_rows(answer, (text, uint64, uint64))}


def read_table_sizes(engine: Engine) -> dict[Stream, TableSize]:
    """Return the size of the table of each stream that has rows.

    Raises:
        AccessDeniedError: the user of ClickHouse may not ask for sizes.
        StorageError: storage cannot be read.
    """
    tables = {table: stream for stream, table in RECORD_TABLES.items()}
    names = ", ".join(f"'{table}'" for table in tables)
    answer = engine.query(
        "SELECT table, sum(rows), sum(bytes_on_disk), sum(data_uncompressed_bytes) FROM system.parts "
        f"WHERE database = currentDatabase() AND active AND table IN ({names}) GROUP BY table"
    )
    found = read_rows(answer, (text, uint64, uint64, uint64))
    return {tables[table]: TableSize(*numbers) for table, *numbers in found if numbers[0]}

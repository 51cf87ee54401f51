"""The rows of a tenant: which logs it has, how many rows would go, and their deletion for good."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from server.notary.origin import LogName
from storage.audit_ids import TABLE as IDS
from storage.engine import Engine
from storage.errors import StorageError
from storage.hold_scope import HoldScope
from storage.rowbinary import int64, read_one, read_rows, text, uint64
from storage.schema import RECORD_TABLES
from storage.sql_texts import sql_text

__all__ = [
    "DroppedRows",
    "RowsRemainError",
    "count_in_logs",
    "count_rows",
    "delete_rows",
    "has_rows_in",
    "last_receipt_before",
    "origins_of_tenant",
]

_LONGEST = 300.0  # seconds
_BETWEEN = 0.2  # seconds


class RowsRemainError(StorageError):
    """ClickHouse was told to delete rows, and has not come to the end."""


@dataclass(frozen=True, slots=True)
class DroppedRows:
    """The rows of a tenant that are dropped.

    Records that came later are kept, and all of logs that are not named.

    Attributes:
        tenant: the tenant.
        sizes: number of entries, from the first, that are dropped of each log, by origin.
        until: latest time of receipt of what is in no log, in nanoseconds since the epoch: records that are not
            signed, disclosed values, ids of audit records.
    """

    tenant: str
    sizes: Mapping[str, int]
    until: int

    def conditions(self) -> dict[str, str]:
        """Return the condition of the rows in SQL, by table."""
        of_tenant = f"Tenant = {sql_text(self.tenant)}"
        received = f"toUnixTimestamp64Nano(IngestedAt) <= {int(self.until)}"
        found = {}
        for stream, table in RECORD_TABLES.items():
            names = [(LogName.parse(origin), size) for origin, size in sorted(self.sizes.items())]
            in_logs = [
                f"(LogId = {sql_text(name.log_id)} AND LeafIndex < {int(size)})"
                for name, size in names
                if name.stream is stream
            ]
            found[table] = f"{of_tenant} AND ({' OR '.join([f'''(LogId = '' AND {received})''', *in_logs])})"
        found["disclosures"] = f"{of_tenant} AND {received}"
        origins = ", ".join(map(sql_text, sorted(self.sizes))) or "''"
        claimed = f"toUnixTimestamp64Milli(ClaimedAt) <= {int(self.until) // 10**6}"
        found[IDS] = f"{of_tenant} AND Origin IN ({origins}) AND {claimed}"
        return found


def origins_of_tenant(engine: Engine, tenant: str) -> list[str]:
    """Return the origins of the logs of a tenant that have a batch in storage, also access logs.

    Raises:
        StorageError: storage cannot be read.
    """
    rows = engine.query(
        "SELECT DISTINCT toString(Origin) AS Name FROM log_batches WHERE Tenant = {tenant:String} ORDER BY Name",
        {"tenant": tenant},
    )
    return [origin for (origin,) in read_rows(rows, (text,))]


def last_receipt_before(engine: Engine, log_id: str, size: int) -> int:
    """Return when the last of the first entries of a log was received, in nanoseconds since the epoch; 0 for none.

    Args:
        engine: the storage.
        log_id: the log.
        size: number of the entries, at which a batch ends.

    Raises:
        StorageError: storage cannot be read.
    """
    rows = engine.query(
        "SELECT toUnixTimestamp64Nano(max(IngestedAt)) FROM log_batches "
        "WHERE LogId = {log:String} AND TreeSize <= {size:UInt64}",
        {"log": log_id, "size": size},
    )
    return int(read_one(rows, int64))


def has_rows_in(engine: Engine, tenant: str, scope: HoldScope, kept: Collection[str]) -> bool:
    """Return whether the scope of a hold covers a stored record of a tenant, or a hold on everything a disclosed value.

    Args:
        engine: the storage.
        tenant: the tenant.
        scope: the scope.
        kept: LogIds of logs that do not count, because nothing of them is dropped.

    Raises:
        StorageError: storage cannot be read.
    """
    of_tenant = f"Tenant = {sql_text(tenant)}"
    # Values are stored before their records, and only such a hold keeps them until then.
    if scope == HoldScope() and _count(engine, "disclosures", of_tenant):
        return True
    if kept:
        of_tenant += f" AND LogId NOT IN ({', '.join(map(sql_text, sorted(kept)))})"
    return any(
        _count(engine, RECORD_TABLES[stream], f"{of_tenant} AND ({scope.condition(stream)})")
        for stream in scope.streams
    )


def count_in_logs(engine: Engine, tenant: str, origins: Collection[str]) -> dict[str, int]:
    """Return the number of stored records of some logs of a tenant, by origin; raises StorageError."""
    found = {}
    for name in map(LogName.parse, sorted(origins)):
        condition = f"Tenant = {sql_text(tenant)} AND LogId = {sql_text(name.log_id)}"
        found[name.origin] = _count(engine, RECORD_TABLES[name.stream], condition)
    return found


def count_rows(engine: Engine, rows: DroppedRows) -> dict[str, int]:
    """Return the number of the rows that are stored, by table; raises StorageError."""
    return {table: _count(engine, table, condition) for table, condition in rows.conditions().items()}


def delete_rows(
    engine: Engine, rows: DroppedRows, wait: Callable[[float], None] = time.sleep, longest: float = _LONGEST
) -> None:
    """Delete rows from all tables; return once no part has any of them.

    Args:
        engine: the storage.
        rows: the rows.
        wait: waits for a number of seconds.
        longest: seconds after which the wait is given up. ClickHouse goes on with the deletion.

    Raises:
        RowsRemainError: the deletion takes longer; call again.
        StorageError: storage refuses the deletion, or cannot be reached.
    """
    conditions = rows.conditions()
    left = {table: condition for table, condition in conditions.items() if _count(engine, table, condition)}
    for table, condition in left.items():
        # Parts are rewritten behind the answer, which may take long.
        engine.execute(f"ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 0")
    waited = 0.0
    while left := {table: condition for table, condition in left.items() if _count(engine, table, condition)}:
        if waited >= longest:
            raise RowsRemainError(
                f"ClickHouse still deletes rows of {', '.join(left)} after {longest:.0f} seconds: repeat the call to "
                "wait for the end (system.mutations shows how far it is)"
            )
        wait(_BETWEEN)
        waited += _BETWEEN


def _count(engine: Engine, table: str, condition: str) -> int:
    return int(read_one(engine.query(f"SELECT count() FROM {table} WHERE {condition}"), uint64))

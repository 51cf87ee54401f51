"""The rows of a tenant: which logs it has, how many rows would go, and their deletion for good."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from server.notary.origin import LogName, Stream
from storage.audit_ids import TABLE as IDS
from storage.audit_ids import IdState
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
_COMMITMENT = "lower(hex(Commitment))"
_STORED = f"{IdState.STORED:d}"


class RowsRemainError(StorageError):
    """ClickHouse was told to delete rows, and has not come to the end."""


@dataclass(frozen=True, slots=True)
class DroppedRows:
    """The rows of a tenant that are dropped.

    Records that came later are kept, with their values and ids, and all of logs that are not named.

    Attributes:
        tenant: the tenant.
        sizes: number of entries, from the first, that are dropped of each log, by origin.
        until: latest time of receipt of what is in no log, in nanoseconds since the epoch: records that are not
            signed, values and claims without a record. Entries of logs may be younger.
    """

    tenant: str
    sizes: Mapping[str, int]
    until: int

    def conditions(self) -> dict[str, str]:
        """Return the condition of the rows in SQL, by table."""
        records = {table: self._records(stream) for stream, table in RECORD_TABLES.items()}
        return records | {"disclosures": self._values(), IDS: f"({self._claims()}) OR ({self._ends()})"}

    def steps(self) -> list[dict[str, str]]:
        """Return the conditions of the rows in SQL, by table, for deletion step by step.

        The rows that tell what else is to go are deleted after it.
        """
        conditions = self.conditions()
        records = {table: conditions[table] for table in RECORD_TABLES.values()}
        # Before values, as this needs a right that their erasure does not: without it, nothing is to go.
        early = {table: f"{condition} AND {self._early}" for table, condition in records.items()}
        values = {"disclosures": conditions["disclosures"]}
        return [early, values, {**records, IDS: self._claims()}, {IDS: self._ends()}]

    @property
    def _of_tenant(self) -> str:
        return f"Tenant = {sql_text(self.tenant)}"

    @property
    def _early(self) -> str:
        return f"toUnixTimestamp64Nano(IngestedAt) <= {int(self.until)}"

    @property
    def _origins(self) -> list[str]:
        return sorted(self.sizes) or [""]  # which is no log's

    def _records(self, stream: Stream) -> str:
        some = [f"(LogId = '' AND {self._early})", *self._entries(stream, "<")]
        return f"{self._of_tenant} AND ({' OR '.join(some)})"

    def _entries(self, stream: Stream, compared: str) -> list[str]:
        """Return the conditions of a stream's entries whose index compares so with the size of their log."""
        names = [(LogName.parse(origin), size) for origin, size in sorted(self.sizes.items())]
        return [
            f"(LogId = {sql_text(name.log_id)} AND LeafIndex {compared} {int(size)})"
            for name, size in names
            if name.stream is stream
        ]

    def _values(self) -> str:
        """Return the condition of values that came early, or that dropped records have, but no kept ones."""
        if not self.sizes:
            return f"{self._of_tenant} AND {self._early}"
        # Of early records too, commitments might be too many for memory.
        late = f"{_COMMITMENT} IN ({self._commitments('<', f'NOT ({self._early})')})"
        kept = f"{_COMMITMENT} IN ({self._commitments('>=', '1')})"
        return f"{self._of_tenant} AND ({self._early} OR {late}) AND NOT ({kept})"

    def _commitments(self, compared: str, condition: str) -> str:
        """Return a query for the commitments of entries whose index compares so with the size of their log."""
        return " UNION ALL ".join(
            f"SELECT arrayJoin(JSONExtract(toString(OtlpDetails), 'commitments', 'Array(String)')) FROM {table} "
            f"WHERE {self._of_tenant} AND {condition} AND ({' OR '.join(entries)})"
            for stream, table in RECORD_TABLES.items()
            if (entries := self._entries(stream, compared))
        )

    def _claims(self) -> str:
        """Return the condition of claims and links, not ends: early ones, but of kept records; late ones of dropped."""
        early = f"toUnixTimestamp64Milli(ClaimedAt) <= {int(self.until) // 10**6}"
        ended = f"SELECT ClaimId FROM {IDS} WHERE {self._of_tenant} AND State = {_STORED}"
        kept = f"{ended} AND {early} AND {self._ended('>=')}"
        late = f"{ended} AND NOT ({early}) AND {self._ended('<')}"
        return (
            f"{self._of_tenant} AND Origin IN ({', '.join(map(sql_text, self._origins))}) AND State != {_STORED} AND "
            f"(({early} AND ClaimId NOT IN ({kept})) OR (NOT ({early}) AND ClaimId IN ({late})))"
        )

    def _ends(self) -> str:
        return f"{self._of_tenant} AND State = {_STORED} AND {self._ended('<')}"

    def _ended(self, compared: str) -> str:
        """Return the condition of ends of claims whose record's index compares so with the size of its log."""
        some = (
            f"(Origin = {sql_text(origin)} AND LeafIndex {compared} {int(self.sizes.get(origin, 0))})"
            for origin in self._origins
        )
        return f"({' OR '.join(some)})"


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
    waited = 0.0
    for step in rows.steps():
        left = {table: condition for table, condition in step.items() if _count(engine, table, condition)}
        for table, condition in left.items():
            # Parts are rewritten behind the answer, which may take long.
            engine.execute(f"ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 0")
        while left := {table: condition for table, condition in left.items() if _count(engine, table, condition)}:
            if waited >= longest:
                raise RowsRemainError(
                    f"ClickHouse still deletes rows of {', '.join(left)} after {longest:.0f} seconds: repeat the call "
                    "to wait for the end (system.mutations shows how far it is)"
                )
            wait(_BETWEEN)
            waited += _BETWEEN


def _count(engine: Engine, table: str, condition: str) -> int:
    return int(read_one(engine.query(f"SELECT count() FROM {table} WHERE {condition}"), uint64))

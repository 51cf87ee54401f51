"""Claims of the ids of audit records (``audit_record_ids``): writes, lookups, and retention."""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from hashlib import sha256
from uuid import UUID

from server.notary.errors import MalformedError
from server.notary.origin import LogName
from storage.engine import Engine
from storage.native import Column, PlainColumn, WordColumn, encode_block
from storage.rowbinary import fixed32, int64, read_one, read_rows, text, uint8, uint64, uuid, uuid_bytes
from storage.schema import TableColumn

__all__ = [
    "DIGEST_MEMBER",
    "TABLE",
    "IdRow",
    "IdState",
    "StoredPlace",
    "find_in_place",
    "find_stored",
    "insert_ids",
    "link_id",
    "open_claims",
    "read_ids",
    "set_ids_retention",
]

TABLE = "audit_record_ids"
"""Name of the table."""

DIGEST_MEMBER = "audit_integrity"
"""Member of ``OtlpDetails`` with the digest of a record that was claimed: an object with ``sha256`` in hex."""

_COLUMNS = (
    TableColumn("RecordId", "UUID"),
    TableColumn("ClaimId", "UUID"),
    TableColumn("State", "UInt8"),
    TableColumn("Digest", "FixedString(32)"),
    TableColumn("Origin", "LowCardinality(String)"),
    TableColumn("Instance", "UUID"),
    TableColumn("ClaimedAt", "DateTime64(3, 'UTC')"),
    TableColumn("LeafIndex", "UInt64"),
    TableColumn("IngestedAt", "DateTime64(9, 'UTC')"),
    TableColumn("Tenant", "LowCardinality(String)"),
)
_FIELDS = ", ".join(column.name for column in _COLUMNS)
_READERS = (uuid, uuid, uint8, fixed32, text, uuid, int64, uint64, int64, text)
_AT_ONCE = 1000  # ids that one query asks for
_TTL = re.compile(r" TTL toDateTime\(ClaimedAt\) \+ toIntervalDay\((\d+)\)(?: SETTINGS |$)")


class IdState(IntEnum):
    """Meaning of a row; of the rows of one claim, the one with the greatest state counts."""

    LINK = 0
    """An index entry of a chained record, by its own digest or its predecessor's; it makes no claim on the id."""
    CLAIMED = 1
    """The record may be on its way to storage."""
    RELEASED = 2
    """The claim has ended without a record."""
    STORED = 3
    """The record is stored."""


@dataclass(frozen=True, slots=True)
class IdRow:
    """A row of ``audit_record_ids``; fields in the order of the columns.

    Attributes:
        record_id: the record's id; of a link, ``link_id`` of the digest by which it finds the record.
        claim_id: identifier of the claim.
        state: what the row says.
        digest: SHA-256 of the record's canonical JSON.
        origin: log of the writer that claims.
        instance: identifier of the start of the process that claims. In a link by the record's own digest, the
            identifier of its producer's stream if the record has a sequence number, otherwise 0.
        claimed_at: time of the claim by the writer's clock, in milliseconds since the epoch.
        leaf_index: place in the log, of a stored record; of a link by the record's own digest, one more than its number
            in its producer's chain, 0 for none.
        ingested_at: time of receipt of a stored record, in nanoseconds since the epoch.
        tenant: the tenant to whom the record belongs; ids of different tenants have nothing to do with each other.
    """

    record_id: UUID
    claim_id: UUID
    state: IdState
    digest: bytes
    origin: str
    instance: UUID
    claimed_at: int
    leaf_index: int = 0
    ingested_at: int = 0
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class StoredPlace:
    """Place of a stored record.

    Attributes:
        leaf_index: place in its log.
        ingested_at: time of receipt in nanoseconds since the epoch.
    """

    leaf_index: int
    ingested_at: int


def link_id(digest: bytes) -> UUID:
    """Return the ``record_id`` of the row that finds a record by its digest."""
    return UUID(bytes=digest[:16])


def insert_ids(engine: Engine, rows: Sequence[IdRow]) -> None:
    """Store rows, with one INSERT for each month of claims.

    Raises:
        NotAppliedError: some rows were not stored.
        OutcomeUnknownError: rows may have been stored; to store them again does no harm.
    """
    months: defaultdict[tuple[int, int], list[IdRow]] = defaultdict(list)
    for row in rows:
        at = datetime.fromtimestamp(row.claimed_at / 1000, UTC)
        months[at.year, at.month].append(row)
    for some in months.values():
        columns: tuple[Column, ...] = (
            PlainColumn(b"".join(uuid_bytes(row.record_id) for row in some)),
            PlainColumn(b"".join(uuid_bytes(row.claim_id) for row in some)),
            PlainColumn(bytes(row.state for row in some)),
            PlainColumn(b"".join(row.digest for row in some)),
            WordColumn.of(row.origin.encode() for row in some),
            PlainColumn(b"".join(uuid_bytes(row.instance) for row in some)),
            PlainColumn(struct.pack(f"<{len(some)}q", *(row.claimed_at for row in some))),
            PlainColumn(struct.pack(f"<{len(some)}Q", *(row.leaf_index for row in some))),
            PlainColumn(struct.pack(f"<{len(some)}q", *(row.ingested_at for row in some))),
            WordColumn.of(row.tenant.encode() for row in some),
        )
        token = sha256(b"".join(bytes([row.state]) + row.record_id.bytes + row.claim_id.bytes for row in some))
        block = encode_block(_COLUMNS, [(column,) for column in columns], len(some))
        engine.insert(TABLE, [column.name for column in _COLUMNS], block, token.hexdigest())


def read_ids(engine: Engine, record_ids: Sequence[UUID], tenant: str | None = None) -> list[IdRow]:
    """Return all rows of ids, in any order.

    Args:
        engine: the storage.
        record_ids: the ids.
        tenant: the tenant whose ids they are; None for all tenants.

    Raises:
        StorageError: storage cannot be read.
    """
    found: list[IdRow] = []
    for start in range(0, len(record_ids), _AT_ONCE):
        ids = [str(one) for one in record_ids[start : start + _AT_ONCE]]
        of_tenant = " AND Tenant = {tenant:String}" if tenant is not None else ""
        found += _select(engine, f"RecordId IN {{ids:Array(UUID)}}{of_tenant}", {"ids": ids, "tenant": tenant or ""})
    return found


def open_claims(engine: Engine, origin: str, after: UUID | None, most: int) -> list[IdRow]:
    """Return claims of a writer that may be open, ordered as ClickHouse orders ids: some have ended.

    Args:
        engine: the storage.
        origin: log of the writer.
        after: id after which to go on; None for the first.
        most: maximum number of rows.

    Raises:
        StorageError: storage cannot be read.
    """
    beyond = "AND RecordId > {after:UUID} " if after else ""
    return list(
        _select(
            engine,
            f"State = {IdState.CLAIMED:d} AND Origin = {{origin:String}} {beyond}ORDER BY RecordId LIMIT {int(most)}",
            {"origin": origin, **({"after": str(after)} if after else {})},
        )
    )


def find_stored(
    engine: Engine, origin: str, record_ids: Sequence[UUID], since: int
) -> dict[tuple[UUID, bytes], StoredPlace]:
    """Return which records a log has stored, of those received at a time or later.

    Records that only have the id do not count: each was stored under the id with a digest, which is signed with it.

    Args:
        engine: the storage.
        origin: the log.
        record_ids: ids of the records.
        since: the time in milliseconds since the epoch.

    Returns:
        The first place of each record, by its id and digest.

    Raises:
        StorageError: storage cannot be read.
    """
    found: dict[tuple[UUID, bytes], StoredPlace] = {}
    for start in range(0, len(record_ids), _AT_ONCE):
        texts = [form for one in record_ids[start : start + _AT_ONCE] for form in (str(one), str(one).upper())]
        rows = engine.query(
            f"SELECT AuditRecordId, LeafIndex, IngestedAt, JSONExtractString(OtlpDetails, '{DIGEST_MEMBER}', 'sha256') "
            "AS Digest FROM audit_logs WHERE AuditRecordId IN {ids:Array(String)} "
            "AND length(Digest) = 64 AND match(Digest, '^[0-9a-f]+$') "
            f"AND LogId = {{log:String}} AND IngestedAt >= fromUnixTimestamp64Milli(toInt64({int(since)}), 'UTC') "
            "ORDER BY LeafIndex DESC",
            {"ids": texts, "log": LogName.parse(origin).log_id},
        )
        for name, leaf, at, digest in read_rows(rows, (text, uint64, int64, text)):
            found[UUID(name), bytes.fromhex(digest)] = StoredPlace(leaf, at)
    return found


def find_in_place(engine: Engine, rows: Sequence[IdRow]) -> frozenset[UUID]:
    """Return the ids of the stored records that storage has where their claims say: this table is not signed.

    Args:
        engine: the storage.
        rows: the claims, of one record for each id.

    Raises:
        StorageError: storage cannot be read.
    """
    found: set[UUID] = set()
    for origin in sorted({row.origin for row in rows}):
        try:
            LogName.parse(origin)
        except MalformedError:
            continue
        some = [row for row in rows if row.origin == origin]
        since = min(row.ingested_at for row in some) // 10**6
        places = find_stored(engine, origin, [row.record_id for row in some], since)
        for row in some:
            if places.get((row.record_id, row.digest)) == StoredPlace(row.leaf_index, row.ingested_at):
                found.add(row.record_id)
    return frozenset(found)


def set_ids_retention(engine: Engine, days: int | None) -> None:
    """Keep ids for as many days as audit records and one more; None for ever.

    Raises:
        StorageError: storage cannot be read, or refuses the change.
    """
    wanted = None if days is None else days + 1
    definition = read_one(
        engine.query(
            "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = {table:String}",
            {"table": TABLE},
        ),
        text,
    )
    found = _TTL.search(definition)
    if (int(found[1]) if found else None) == wanted:
        return
    if wanted is None:
        engine.execute(f"ALTER TABLE {TABLE} REMOVE TTL")
    else:
        engine.execute(
            f"ALTER TABLE {TABLE} MODIFY TTL toDateTime(ClaimedAt) + toIntervalDay({wanted}) "
            "SETTINGS alter_sync = 0, mutations_sync = 0"
        )


def _select(engine: Engine, condition: str, parameters: Mapping[str, object]) -> Iterator[IdRow]:
    known = f"State <= {max(IdState):d}"  # whoever can write to the table must not stop a server with a row
    rows = engine.query(f"SELECT {_FIELDS} FROM {TABLE} WHERE {known} AND {condition}", parameters)
    for record_id, claim_id, state, *others in read_rows(rows, _READERS):
        yield IdRow(record_id, claim_id, IdState(state), *others)

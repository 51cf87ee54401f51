"""Disclosures: values to which records have commitments, stored apart from the records so that they can be erased."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from server.notary.canonical import encode_string
from server.notary.commitment import commitment_of
from storage.engine import Engine
from storage.errors import StorageError
from storage.native import ArrayColumn, Column, PlainColumn, WordColumn, encode_block
from storage.rowbinary import fixed32, read_rows, string, text, varint
from storage.schema import TableColumn

__all__ = [
    "DisclosedValue",
    "erase_disclosures",
    "find_disclosures",
    "in_statements",
    "insert_disclosures",
    "matching_commitments",
    "set_disclosure_days",
    "stored_actor",
]

_DAY = 86_400 * 10**9
_COLUMNS = (
    TableColumn("IngestedAt", "DateTime64(9, 'UTC')"),
    TableColumn("Commitment", "FixedString(32)"),
    TableColumn("Salt", "FixedString(32)"),
    TableColumn("Value", "String"),
    TableColumn("Rule", "LowCardinality(String)"),
    TableColumn("ActorIds", "Array(String)"),
    TableColumn("Tenant", "LowCardinality(String)"),
)
_AT_ONCE = 1000  # commitments in one statement
_LONGEST_ACTOR = 128  # bytes
_HEADER = re.compile(rb"\x01([\x80-\xff]{0,9}[\x00-\x7f])\x04Pair\x0fFixedString\(64\)")
_LONGEST_HEADER = 64  # bytes


@dataclass(frozen=True, slots=True)
class DisclosedValue:
    """A value to which a record has a commitment.

    Attributes:
        ingested_at: time of receipt of the record, in nanoseconds since the epoch.
        salt: 32 random bytes.
        value: the value.
        rule: the rule of redaction that has replaced it.
        actors: actors of the audit records that have the commitment.
        tenant: the tenant to whom the records belong.
    """

    ingested_at: int
    salt: bytes
    value: bytes
    rule: str
    actors: tuple[bytes, ...] = ()
    tenant: str = ""

    @property
    def commitment(self) -> str:
        """The commitment to the value, in hexadecimal."""
        return commitment_of(self.salt, self.value)


def stored_actor(actor: bytes) -> bytes:
    """Return an actor as ``ActorIds`` has it: every value of a record repeats its actors, so long ones are hashed."""
    return actor if len(actor) <= _LONGEST_ACTOR else b"sha256:%b" % sha256(actor).hexdigest().encode()


def insert_disclosures(engine: Engine, disclosures: Iterable[DisclosedValue]) -> None:
    """Store disclosures. Stored twice, they do no harm.

    Raises:
        StorageError: not all of them may be stored.
    """
    stored = cache(stored_actor)
    by_day: dict[int, list[DisclosedValue]] = {}
    for disclosure in disclosures:
        by_day.setdefault(disclosure.ingested_at // _DAY, []).append(disclosure)
    for rows in by_day.values():
        commitments = b"".join(bytes.fromhex(row.commitment) for row in rows)
        columns: tuple[Column, ...] = (
            PlainColumn(struct.pack(f"<{len(rows)}q", *(row.ingested_at for row in rows))),
            PlainColumn(commitments),
            PlainColumn(b"".join(row.salt for row in rows)),
            PlainColumn(b"".join(encode_string(row.value) for row in rows)),
            WordColumn.of(row.rule.encode() for row in rows),
            ArrayColumn(
                struct.pack(f"<{len(rows)}I", *(len(row.actors) for row in rows)),
                PlainColumn(b"".join(encode_string(stored(actor)) for row in rows for actor in row.actors)),
            ),
            WordColumn.of(row.tenant.encode() for row in rows),
        )
        block = encode_block(_COLUMNS, [(column,) for column in columns], len(rows))
        engine.insert("disclosures", [column.name for column in _COLUMNS], block, sha256(commitments).hexdigest())


def find_disclosures(engine: Engine, commitments: Sequence[str]) -> dict[str, DisclosedValue]:
    """Return what is disclosed of commitments: commitment in hexadecimal -> value.

    A stored value that does not have its commitment was altered, and is left out.

    Raises:
        StorageError: storage cannot be read.
    """
    found: dict[str, DisclosedValue] = {}
    for some in in_statements(commitments):
        answer = engine.query(
            "SELECT Commitment, Salt, Value, toString(Rule) FROM disclosures "
            "WHERE Commitment IN (SELECT toFixedString(unhex(arrayJoin({commitments:Array(String)})), 32))",
            {"commitments": some},
        )
        for commitment, salt, value, rule in read_rows(answer, (fixed32, fixed32, string, text)):
            disclosed = DisclosedValue(0, salt, value, rule)
            if disclosed.commitment == commitment.hex():
                found[disclosed.commitment] = disclosed
    return found


def matching_commitments(engine: Engine, *, actor: str = "", value: str = "") -> list[str]:
    """Return the commitments to all values of an actor's audit records, and to a value itself, in order.

    Neither the actor nor the value is sent to ClickHouse, which keeps statements and their parameters in its own logs.
    ClickHouse sends the hashes of all values and actors, which are compared here.

    Args:
        engine: the storage.
        actor: ID or name of an actor; also as a value. Empty for none.
        value: a value; empty for none.

    Raises:
        StorageError: storage cannot be read.
    """
    searched = {actor.encode(), stored_actor(actor.encode()), value.encode()} - {b""}
    wanted = {sha256(text).digest() for text in searched}
    texts = "arrayJoin(arrayConcat([Value], ActorIds))" if actor else "Value"
    select = f"SELECT toFixedString(concat(Commitment, SHA256({texts})), 64) AS Pair FROM disclosures"
    found: set[str] = set()
    with closing(engine.query_in_pieces(select)) as pieces:
        for pairs in _pairs(pieces):
            for digest in wanted:
                at = pairs.find(digest)
                while at >= 0:
                    if at % 64 == 32:
                        found.add(pairs[at - 32 : at].hex())
                    at = pairs.find(digest, at + 1)
    return sorted(found)


def _pairs(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the rows of Native blocks with one column of 64 bytes, any number of them at a time.

    Raises:
        StorageError: these are not such blocks, or not whole ones.
    """
    waiting, left = b"", 0  # left: bytes of the block's rows that are still to come
    for piece in pieces:
        waiting += piece
        while waiting:
            if not left:
                header = _HEADER.match(waiting)
                if header is None:
                    break
                left, waiting = 64 * varint(header[1], 0)[0], waiting[header.end() :]
            whole = min(left, len(waiting) - len(waiting) % 64)
            if left and not whole:
                break
            yield waiting[:whole]
            left, waiting = left - whole, waiting[whole:]
        if not left and len(waiting) > _LONGEST_HEADER:
            break
    if waiting or left:
        raise StorageError("ClickHouse did not send the hashes of all disclosed values: try again")


def erase_disclosures(engine: Engine, commitments: Sequence[str]) -> None:
    """Delete the disclosures of commitments; return once no query finds them any more.

    The statements name commitments and not values, because ClickHouse keeps statements in its own logs.

    Raises:
        StorageError: they may not all be deleted.
    """
    for some in in_statements(commitments):
        if any(len(commitment) != 2 * 32 or set(commitment) - set("0123456789abcdef") for commitment in some):
            raise StorageError("a commitment in storage is not 64 hexadecimal digits")
        listed = ", ".join(f"unhex('{commitment}')" for commitment in some)
        engine.execute(f"ALTER TABLE disclosures DELETE WHERE Commitment IN ({listed}) SETTINGS mutations_sync = 2")
    if find_disclosures(engine, commitments):
        raise StorageError("ClickHouse still has disclosures that it was told to delete: try again")


def set_disclosure_days(engine: Engine, days: int | None) -> None:
    """Set after how many days disclosures are dropped, None for never.

    Raises:
        StorageError: it cannot be set.
    """
    answer = engine.query(
        "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'disclosures'"
    )
    definition = "".join(row for (row,) in read_rows(answer, (text,)))
    wanted = f"TTL toDateTime(IngestedAt) + toIntervalDay({days})" if days is not None else ""
    if wanted and f" {wanted} " not in definition:
        engine.execute(f"ALTER TABLE disclosures MODIFY {wanted} SETTINGS alter_sync = 0, mutations_sync = 0")
    elif not wanted and " TTL " in definition:
        engine.execute("ALTER TABLE disclosures REMOVE TTL")


def in_statements(commitments: Sequence[str]) -> Iterator[list[str]]:
    """Yield commitments, in parts that one statement can have."""
    for begin in range(0, len(commitments), _AT_ONCE):
        yield list(commitments[begin : begin + _AT_ONCE])

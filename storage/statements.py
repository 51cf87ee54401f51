"""Writes and reads of statements (``log_statements``)."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from server.notary.canonical import encode_string
from server.notary.statement import StatementKind, StatementRow, data_digest
from storage.engine import Engine
from storage.errors import StorageError
from storage.evidence import in_parts
from storage.log_tenants import TenantOf, no_tenant, with_tenants
from storage.native import Column, PlainColumn, WordColumn, encode_block
from storage.rowbinary import read_one, read_rows, string, text, uint32, uint64
from storage.schema import STATEMENT_COLUMNS

__all__ = [
    "StatementPage",
    "are_stated",
    "decode_statements",
    "encode_statement",
    "insert_statement",
    "insert_statements",
    "last_statement",
    "last_statements",
    "last_witnessed_size",
    "read_numbered_statements",
    "read_stated_logs",
    "read_statement_page",
    "read_statements",
    "read_statements_of_logs",
]

_LOGS_AT_ONCE = 500  # in a statement
_FIELDS = ", ".join(column.name for column in STATEMENT_COLUMNS)
_READERS = (text, uint64, text, uint64, uint32, text, string)


@dataclass(frozen=True, slots=True)
class StatementPage:
    """A page of a log's statements.

    Attributes:
        log_id: the log's short ID.
        number: highest number of a statement.
        skipped: number of rows with this number to leave out.
        size: number of rows, at most.
        kinds: kinds of the statements; none for all.
        since: earliest time of signing, in seconds since the epoch.
        until: time after the latest one; None for no end.
    """

    log_id: str
    number: int
    skipped: int
    size: int
    kinds: Collection[str] = ()
    since: int = 0
    until: int | None = None


def insert_statement(engine: Engine, row: StatementRow, *, renewed: int = 0) -> None:
    """Store a statement; see ``insert_statements``."""
    insert_statements(engine, [row], renewed=renewed)


def insert_statements(
    engine: Engine, rows: Sequence[StatementRow], *, renewed: int = 0, tenant_of: TenantOf = no_tenant
) -> None:
    """Store statements with one INSERT.

    Args:
        engine: the storage.
        rows: the statements, at least one.
        renewed: number of times the deduplication token was renewed, because storage knew it but had lost the rows.
        tenant_of: returns the tenant of a log.

    Raises:
        NotAppliedError: nothing was stored.
        OutcomeUnknownError: the statements may have been stored; call again.
    """
    count = len(rows)
    columns: tuple[Column, ...] = (
        WordColumn.of(row.log_id.encode() for row in rows),
        PlainColumn(struct.pack(f"<{count}Q", *(row.number for row in rows))),
        WordColumn.of(row.kind.encode() for row in rows),
        PlainColumn(struct.pack(f"<{count}Q", *(row.tree_size for row in rows))),
        PlainColumn(struct.pack(f"<{count}I", *(row.signed_at for row in rows))),
        PlainColumn(b"".join(encode_string(row.note.encode()) for row in rows)),
        PlainColumn(b"".join(encode_string(row.data) for row in rows)),
    )
    # A note begins with the origin of its log.
    header, columns = with_tenants(STATEMENT_COLUMNS, columns, [tenant_of(row.note.partition("\n")[0]) for row in rows])
    block = encode_block(header, [(column,) for column in columns], count)
    names = [column.name for column in header]
    digest = data_digest("".join(row.note for row in rows).encode())
    engine.insert("log_statements", names, block, f"{rows[0].log_id}/{rows[0].number}/{digest}/{renewed}")


def encode_statement(row: StatementRow) -> bytes:
    """Encode a statement as RowBinary."""
    return (
        encode_string(row.log_id.encode())
        + struct.pack("<Q", row.number)
        + encode_string(row.kind.encode())
        + struct.pack("<QI", row.tree_size, row.signed_at)
        + encode_string(row.note.encode())
        + encode_string(row.data)
    )


def decode_statements(data: bytes) -> list[StatementRow]:
    """Decode statements that ``encode_statement`` has encoded, one after another; at least one.

    Raises:
        StorageError: the data are not statements.
    """
    rows = [StatementRow(*row) for row in read_rows(data, _READERS)]
    if not rows:
        raise StorageError("there is no statement")
    return rows


def are_stated(engine: Engine, rows: Sequence[StatementRow]) -> bool:
    """Return whether all of some statements are stored.

    Raises:
        StorageError: storage cannot be read.
    """
    answer = engine.query(
        "SELECT Note FROM log_statements WHERE LogId IN {logs:Array(String)} AND Number IN {numbers:Array(UInt64)}",
        {"logs": sorted({row.log_id for row in rows}), "numbers": sorted({row.number for row in rows})},
    )
    return {row.note for row in rows} <= {note for (note,) in read_rows(answer, (text,))}


def last_statement(engine: Engine, log_id: str) -> StatementRow | None:
    """Return the statement of a log with the highest number, None if there is none."""
    rows = _select(engine, log_id, "1 ORDER BY Number DESC, Note LIMIT 1")
    return next(rows, None)


def last_statements(engine: Engine, log_ids: Collection[str]) -> dict[str, StatementRow]:
    """Return the statement with the highest number of each of some logs that has one, by LogId."""
    found: dict[str, StatementRow] = {}
    for part in in_parts(sorted(log_ids), _LOGS_AT_ONCE):
        rows = engine.query(
            f"SELECT {_FIELDS} FROM log_statements WHERE LogId IN {{logs:Array(String)}} AND (LogId, Number) IN "
            "(SELECT LogId, max(Number) FROM log_statements WHERE LogId IN {logs:Array(String)} GROUP BY LogId) "
            "ORDER BY LogId, Note LIMIT 1 BY LogId",
            {"logs": part},
        )
        found |= {row.log_id: row for row in (StatementRow(*row) for row in read_rows(rows, _READERS))}
    return found


def read_statements_of_logs(
    engine: Engine, log_ids: Collection[str], kind: StatementKind
) -> dict[str, list[StatementRow]]:
    """Return the statements of one kind of some logs, by LogId, ordered by number; logs without one are left out."""
    found: dict[str, list[StatementRow]] = {}
    for part in in_parts(sorted(log_ids), _LOGS_AT_ONCE):
        rows = engine.query(
            f"SELECT {_FIELDS} FROM log_statements WHERE LogId IN {{logs:Array(String)}} AND Kind = {{kind:String}} "
            "ORDER BY LogId, Number, Note",
            {"logs": part, "kind": kind.value},
        )
        for row in (StatementRow(*row) for row in read_rows(rows, _READERS)):
            found.setdefault(row.log_id, []).append(row)
    return found


def read_statements(
    engine: Engine, log_id: str | None = None, *kinds: StatementKind, tree_size: int | None = None
) -> Iterator[StatementRow]:
    """Return statements, ordered by log and number.

    Args:
        engine: the storage.
        log_id: only statements of this log.
        kinds: only statements of these kinds.
        tree_size: only statements about checkpoints of this size.
    """
    condition = "1"
    if kinds:
        condition += f" AND Kind IN ({', '.join(repr(kind.value) for kind in kinds)})"
    if tree_size is not None:
        condition += f" AND TreeSize = {int(tree_size)}"
    return _select(engine, log_id, f"{condition} ORDER BY LogId, Number, Note")


def read_statement_page(engine: Engine, page: StatementPage) -> list[StatementRow]:
    """Return the rows of a page, those with the highest number first; rows of one number always in the same order.

    Raises:
        StorageError: storage cannot be read.
    """
    # Others may insert any number of rows with one number, so pages end within them too.
    conditions = ["LogId = {log:String}", "Number <= {number:UInt64}", "toUnixTimestamp(SignedAt) >= {since:UInt64}"]
    parameters: dict[str, Any] = {
        "log": page.log_id,
        "number": page.number,
        "since": page.since,
        "size": page.size,
        "skipped": page.skipped,
    }
    if page.until is not None:
        conditions.append("toUnixTimestamp(SignedAt) < {until:UInt64}")
        parameters["until"] = page.until
    if page.kinds:
        conditions.append("Kind IN {kinds:Array(String)}")
        parameters["kinds"] = sorted(page.kinds)
    rows = engine.query(
        f"SELECT {_FIELDS} FROM log_statements WHERE {' AND '.join(conditions)} "
        "ORDER BY Number DESC, SignedAt, Kind, TreeSize, Note, Data LIMIT {size:UInt64} OFFSET {skipped:UInt64}",
        parameters,
    )
    return [StatementRow(*row) for row in read_rows(rows, _READERS)]


def read_numbered_statements(engine: Engine, places: Collection[tuple[str, int]]) -> Iterator[StatementRow]:
    """Yield the statements with given pairs of LogId and number, in any order."""
    for part in in_parts(sorted(places), _LOGS_AT_ONCE):
        rows = engine.query(
            f"SELECT {_FIELDS} FROM log_statements WHERE LogId IN {{logs:Array(String)}} "
            "AND (LogId, Number) IN {places:Array(Tuple(String, UInt64))}",
            {"logs": sorted({log_id for log_id, _ in part}), "places": part},
        )
        yield from (StatementRow(*row) for row in read_rows(rows, _READERS))


def read_stated_logs(engine: Engine, log_ids: Sequence[str]) -> set[str]:
    """Return which of some logs have statements; raises StorageError."""
    answer = engine.query(
        "SELECT DISTINCT toString(LogId) FROM log_statements WHERE LogId IN {logs:Array(String)}",
        {"logs": list(log_ids)},
    )
    return {log_id for (log_id,) in read_rows(answer, (text,))}


def last_witnessed_size(engine: Engine, log_id: str) -> int:
    """Return the size of a log's largest checkpoint with cosignatures, 0 if there is none."""
    rows = engine.query(
        "SELECT max(TreeSize) FROM log_statements WHERE LogId = {log:String} AND Kind = {kind:String}",
        {"log": log_id, "kind": StatementKind.WITNESSED.value},
    )
    return int(read_one(rows, uint64))


def _select(engine: Engine, log_id: str | None, condition: str) -> Iterator[StatementRow]:
    of_log = "LogId = {log:String} AND" if log_id is not None else ""
    rows = engine.query(
        f"SELECT {_FIELDS} FROM log_statements WHERE {of_log} {condition}",
        {"log": log_id} if log_id is not None else {},
    )
    return (StatementRow(*row) for row in read_rows(rows, _READERS))

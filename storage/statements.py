"""Writes and reads of statements (``log_statements``)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from server.notary.canonical import encode_string
from server.notary.statement import StatementKind, StatementRow, data_digest
from storage.engine import Engine
from storage.errors import StorageError
from storage.native import Column, PlainColumn, WordColumn, encode_block
from storage.rowbinary import read_one, read_rows, string, text, uint32, uint64
from storage.schema import STATEMENT_COLUMNS

__all__ = [
    "decode_statement",
    "encode_statement",
    "insert_statement",
    "is_stated",
    "last_statement",
    "last_witnessed_size",
    "read_numbered_statements",
    "read_statements",
]

_FIELDS = ", ".join(column.name for column in STATEMENT_COLUMNS)
_READERS = (text, uint64, text, uint64, uint32, text, string)


def insert_statement(engine: Engine, row: StatementRow, *, renewed: int = 0) -> None:
    """Store a statement.

    Args:
        engine: the storage.
        row: the statement.
        renewed: number of times the deduplication token was renewed, because storage knew it but had lost the row.

    Raises:
        NotAppliedError: nothing was stored.
        OutcomeUnknownError: the statement may have been stored; call again.
    """
    columns: tuple[Column, ...] = (
        WordColumn((row.log_id.encode(),), bytes(4)),
        PlainColumn(struct.pack("<Q", row.number)),
        WordColumn((row.kind.encode(),), bytes(4)),
        PlainColumn(struct.pack("<Q", row.tree_size)),
        PlainColumn(struct.pack("<I", row.signed_at)),
        PlainColumn(encode_string(row.note.encode())),
        PlainColumn(encode_string(row.data)),
    )
    block = encode_block(STATEMENT_COLUMNS, [(column,) for column in columns], 1)
    names = [column.name for column in STATEMENT_COLUMNS]
    engine.insert(
        "log_statements", names, block, f"{row.log_id}/{row.number}/{data_digest(row.note.encode())}/{renewed}"
    )


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


def decode_statement(data: bytes) -> StatementRow:
    """Decode the result of ``encode_statement``.

    Raises:
        StorageError: the data is not a statement.
    """
    rows = list(read_rows(data, _READERS))
    if len(rows) != 1:
        raise StorageError(f"{len(rows)} statements were sent instead of one")
    return StatementRow(*rows[0])


def is_stated(engine: Engine, row: StatementRow) -> bool:
    """Return whether a statement is stored.

    Raises:
        StorageError: storage cannot be read.
    """
    return any(stored.note == row.note for stored in _select(engine, row.log_id, f"Number = {row.number}"))


def last_statement(engine: Engine, log_id: str) -> StatementRow | None:
    """Return the statement of a log with the highest number, None if there is none."""
    rows = _select(engine, log_id, "1 ORDER BY Number DESC, Note LIMIT 1")
    return next(rows, None)


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


def read_numbered_statements(engine: Engine, log_id: str, first: int, last: int) -> Iterator[StatementRow]:
    """Return the statements of a log with the numbers ``first`` to ``last``, ordered by number."""
    return _select(engine, log_id, f"Number BETWEEN {int(first)} AND {int(last)} ORDER BY Number, Note")


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

"""Rows of streams that are not signed: they name no log and no batch, and one INSERT stores the rows of a batch.

Their LeafIndex is not a position in a log but a unique number: the number of the INSERT, then of the row in it. So the
rows of an INSERT with unknown outcome can be found, and rows of the same time have an order.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from server.notary.canonical import CANONICAL_VERSION
from server.notary.origin import Stream
from storage.engine import Engine
from storage.errors import OutcomeUnknownError, StorageError
from storage.native import Column, PlainColumn, WordColumn, encode_block
from storage.rowbinary import read_one, uint8
from storage.schema import RECORD_TABLES, record_columns

__all__ = [
    "TOKEN_SIZE",
    "UnsignedBatch",
    "encode_unsigned",
    "has_unsigned_rows",
    "insert_unsigned",
    "is_unsigned_stored",
]

TOKEN_SIZE = 16
"""Bytes of a deduplication token."""

_EPOCH = date(1970, 1, 1)
_ROW_BITS = 24  # of the row, in a LeafIndex; the 39 bits before them number the INSERT


@dataclass(frozen=True, slots=True)
class UnsignedBatch:
    """Rows to store with one INSERT.

    Attributes:
        token: 16 random bytes, from which the deduplication token and the rows' LeafIndex are made.
        day: the UTC day on which all rows were received, in days since the epoch.
        rows: number of rows, at least one.
        version: canonical version, which determines the columns.
        block: the rows as a Native block.
    """

    token: bytes
    day: int
    rows: int
    version: int
    block: bytes

    @property
    def first_number(self) -> int:
        """LeafIndex of the first row."""
        return _first_number(self.token)


def encode_unsigned(
    stream: Stream, day: int, counts: Sequence[int], parts: Sequence[Sequence[Column]], token: bytes = b""
) -> UnsignedBatch:
    """Encode rows as a batch.

    Args:
        stream: stream of the rows.
        day: the UTC day on which all were received, in days since the epoch.
        counts: number of rows of each part.
        parts: stored columns of each part, in the order of the canonical record.
        token: token of the batch; empty for a new token.

    Raises:
        ValueError: there are more rows than one INSERT can number.
    """
    rows = sum(counts)
    if rows > 1 << _ROW_BITS:
        raise ValueError(f"{rows} rows are too many for one INSERT: lower --batch-rows")
    token = token or secrets.token_bytes(TOKEN_SIZE)
    numbers = np.arange(rows, dtype="<u8") + np.uint64(_first_number(token))
    evidence: tuple[Column, ...] = (
        WordColumn((b"",), bytes(4 * rows)),
        PlainColumn(bytes(16 * rows)),
        PlainColumn(numbers.tobytes()),
    )
    columns: list[Sequence[Column]] = [*zip(*parts, strict=True), *((column,) for column in evidence)]
    return UnsignedBatch(token, day, rows, CANONICAL_VERSION, encode_block(record_columns(stream), columns, rows))


def insert_unsigned(engine: Engine, stream: Stream, batch: UnsignedBatch, *, renewed: int = 0) -> None:
    """Store a batch.

    Args:
        engine: the storage.
        stream: stream of the rows.
        batch: the batch.
        renewed: number of renewals of the deduplication token, which storage knew although it had lost the rows.

    Raises:
        NotAppliedError: nothing was stored.
        OutcomeUnknownError: the rows may have been stored; call again.
    """
    columns = [column.name for column in record_columns(stream, batch.version)]
    token = batch.token.hex()
    engine.insert(RECORD_TABLES[stream], columns, batch.block, f"{token}/{renewed}" if renewed else token)


def is_unsigned_stored(engine: Engine, stream: Stream, batch: UnsignedBatch) -> bool:
    """Return whether storage has a batch; it has either all rows of the batch or none.

    Raises:
        StorageError: storage cannot be read.
    """
    table = RECORD_TABLES[stream]
    answer = engine.query(
        f"SELECT toUInt8(count() > 0) FROM {table} WHERE LogId = '' AND LeafIndex = {{number:UInt64}} "
        "AND toDate(IngestedAt, 'UTC') = {day:Date}",
        {"number": batch.first_number, "day": f"{_EPOCH + timedelta(days=batch.day)}"},
    )
    try:
        return bool(read_one(answer, uint8))
    except StorageError as error:  # an error may come as text with status 200
        raise OutcomeUnknownError(
            f"unexpected answer from storage when looking for a batch: {answer[:200]!r}"
        ) from error


def has_unsigned_rows(engine: Engine, stream: Stream) -> bool:
    """Return whether a stream has rows without a log: from an unsigned stream, or from a Collector's exporter.

    Raises:
        StorageError: storage cannot be read.
    """
    table = RECORD_TABLES[stream]
    return bool(
        read_one(engine.query(f"SELECT toUInt8(count()) FROM (SELECT 1 FROM {table} WHERE LogId = '' LIMIT 1)"), uint8)
    )


def _first_number(token: bytes) -> int:
    return (int.from_bytes(token[:8], "little") >> 25) << _ROW_BITS

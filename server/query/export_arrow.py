"""Exports as Parquet and as an Arrow stream, by pyarrow, which is an optional dependency."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from server.notary.canonical import Kind
from server.query.export import ExportedRecord
from server.query.export_formats import PLACE_COLUMNS, kind_of, pairs_of

__all__ = ["ArrowEncoder", "ParquetEncoder"]

_GROUP_ROWS = 1 << 16  # rows of a row group, at most
_GROUP_BYTES = 16 << 20  # bytes of a row group, about

_TYPES = {
    Kind.TIME: pa.timestamp("ns", "UTC"),
    Kind.UINT8: pa.uint8(),
    Kind.UINT32: pa.uint32(),
    Kind.UINT64: pa.uint64(),
    Kind.STRING: pa.string(),
    Kind.WORD: pa.string(),
    Kind.MAP: pa.map_(pa.string(), pa.string()),
}
_TYPES |= {kind: pa.list_(_TYPES[kind.element]) for kind in Kind if kind.element}
_PLACE_TYPES = {"LeafIndex": pa.uint64(), "CanonicalVersion": pa.uint16()}


class ArrowEncoder:
    """An Arrow IPC stream: a record batch for each part."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Begin an export with these columns."""
        self._schema = _schema(columns)
        self._sink = _Sink()
        self._writer = pa.ipc.new_stream(self._sink, self._schema)

    def encode(self, records: Sequence[ExportedRecord]) -> bytes:
        """Return the next bytes."""
        if records:
            self._writer.write_batch(_batch(self._schema, records))
        return self._sink.take()

    def end(self) -> bytes:
        """Return the last bytes."""
        self._writer.close()
        return self._sink.take()


class ParquetEncoder:
    """A Parquet file, compressed with Zstandard: its row groups have the records of several parts."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Begin an export with these columns."""
        self._schema = _schema(columns)
        self._sink = _Sink()
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd", store_schema=False)
        self._waiting: list[Any] = []

    def encode(self, records: Sequence[ExportedRecord]) -> bytes:
        """Return the next bytes, perhaps none."""
        if records:
            self._waiting.append(_batch(self._schema, records))
        if sum(batch.num_rows for batch in self._waiting) >= _GROUP_ROWS or (
            sum(batch.nbytes for batch in self._waiting) >= _GROUP_BYTES
        ):
            self._write()
        return self._sink.take()

    def end(self) -> bytes:
        """Return the last bytes."""
        if self._waiting:
            self._write()
        self._writer.close()
        return self._sink.take()

    def _write(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._waiting), row_group_size=_GROUP_ROWS)
        self._waiting = []


class _Sink(io.RawIOBase):
    """A file that is only written to, and gives its bytes away."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def take(self) -> bytes:
        """Return the bytes that were written since the last call."""
        taken = b"".join(self._pieces)
        self._pieces = []
        return taken


def _schema(columns: Sequence[str]) -> Any:
    return pa.schema(
        [
            (name, _PLACE_TYPES.get(name, pa.string()) if name in PLACE_COLUMNS else _TYPES[kind_of(name)])
            for name in columns
        ]
    )


def _batch(schema: Any, records: Sequence[ExportedRecord]) -> Any:
    places = {
        "Origin": [record.origin for record in records],
        "LeafIndex": [record.leaf_index for record in records],
        "Entry": [record.entry.hex() for record in records],
        "BatchId": [str(record.batch_id) for record in records],
        "CanonicalVersion": [record.version for record in records],
    }
    return pa.RecordBatch.from_arrays(
        [
            pa.array(
                places[field.name]
                if field.name in places
                else [_value(kind_of(field.name), record.values.get(field.name)) for record in records],
                field.type,
            )
            for field in schema
        ],
        schema=schema,
    )


def _value(kind: Kind, value: Any) -> Any:
    if kind.element is not None and isinstance(value, list):
        return [_value(kind.element, each) for each in value]
    match value:
        case bytes():
            return _text(value)
        case list():
            return [(_text(key), _text(content)) for key, content in pairs_of(value)]
        case _:
            return value  # a number; times are nanoseconds


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")

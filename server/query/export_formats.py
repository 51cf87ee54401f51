"""Formats of exports: NDJSON, OCSF and CSV; Parquet and Arrow are in ``export_arrow``."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from server.errors.suggestions import did_you_mean
from server.notary.canonical import Kind, Pairs, Value, canonical_columns
from server.notary.origin import Stream
from server.query.csv_cells import csv_text, safe_cell
from server.query.export import ExportedRecord
from server.query.ocsf import ocsf_event

__all__ = [
    "FORMATS",
    "OTHER_NAMES",
    "PLACE_COLUMNS",
    "Encoder",
    "MissingPackageError",
    "encoder_of",
    "export_columns",
    "kind_of",
    "pairs_of",
    "time_text",
]

FORMATS = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "ocsf": "application/x-ndjson",
}
"""Name of a format -> its media type."""

OTHER_NAMES = {"jsonl": "ndjson"}
"""Another name of a format -> its name."""

PLACE_COLUMNS = ("Origin", "LeafIndex", "Entry", "BatchId", "CanonicalVersion")
"""Columns of every row: the record's log and leaf, its SHA-256, its batch, and the version of the canonical record."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MissingPackageError(ValueError):
    """A format needs a package that is not installed."""


class Encoder(Protocol):
    """An encoder of the records of one export; it keeps a few records at most."""

    def encode(self, records: Sequence[ExportedRecord]) -> bytes:
        """Return the next bytes, perhaps none."""

    def end(self) -> bytes:
        """Return the last bytes."""


def export_columns(streams: Iterable[Stream], names: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the columns of an export, those of every row first.

    Args:
        streams: the streams.
        names: columns that are wanted, in this order; none for all.

    Raises:
        ValueError: no stream has a column; the message says what was probably meant.
    """
    known = dict.fromkeys(column.name for stream in streams for column in canonical_columns(stream))
    for name in names:
        if name not in known and name not in PLACE_COLUMNS:
            listed = did_you_mean(name, (*PLACE_COLUMNS, *known))
            raise ValueError(f"there is no column {name[:80]!r} in these streams{listed}")
    return tuple(dict.fromkeys((*PLACE_COLUMNS, *(names or known))))


def kind_of(column: str) -> Kind:
    """Return the kind of a column of records.

    Raises:
        KeyError: no stream has it.
    """
    return {found.name: found.kind for stream in Stream for found in canonical_columns(stream)}[column]


def encoder_of(name: str, columns: Sequence[str]) -> Encoder:
    """Return an encoder of a format of ``FORMATS``.

    Raises:
        MissingPackageError: a package is not installed.
    """
    if name == "ndjson":
        return _Ndjson(columns)
    if name == "csv":
        return _Csv(columns)
    if name == "ocsf":
        return _Ocsf(columns)
    try:
        from server.query.export_arrow import ArrowEncoder, ParquetEncoder
    except ImportError as error:
        raise MissingPackageError(
            f"the format {name} needs pyarrow where the export is made: pip install 'lognotary[export]' there, or ask "
            "for ndjson or csv"
        ) from error
    return ParquetEncoder(columns) if name == "parquet" else ArrowEncoder(columns)


class _Ndjson:
    """One JSON object a line, with the columns that the record's stream and version have."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = [(name, kind_of(name)) for name in columns if name not in PLACE_COLUMNS]

    def encode(self, records: Sequence[ExportedRecord]) -> bytes:
        lines = (json.dumps(self._line(record), ensure_ascii=False, separators=(",", ":")) for record in records)
        return "".join(f"{line}\n" for line in lines).encode()

    def end(self) -> bytes:
        return b""

    def _line(self, record: ExportedRecord) -> dict[str, Any]:
        return _place(record) | {
            name: _json_value(kind, record.values[name]) for name, kind in self._columns if name in record.values
        }


class _Ocsf(_Ndjson):
    """One OCSF event a line, which has the line of NDJSON in it."""

    def _line(self, record: ExportedRecord) -> dict[str, Any]:
        return ocsf_event(record, super()._line(record))


class _Csv:
    """RFC 4180 with a header; maps are JSON, and no cell is a formula."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._kinds = {name: kind_of(name) for name in columns if name not in PLACE_COLUMNS}
        self._has_header = False

    def encode(self, records: Sequence[ExportedRecord]) -> bytes:
        rows: list[Sequence[str | int]] = []
        if not self._has_header:
            self._has_header = True
            rows.append(self._columns)
        for record in records:
            row = _place(record)
            row |= {name: _cell(kind, record.values.get(name, b"")) for name, kind in self._kinds.items()}
            row["Origin"] = safe_cell(record.origin)
            rows.append([row[name] for name in self._columns])
        return csv_text(rows).encode()

    def end(self) -> bytes:
        return b"" if self._has_header else self.encode(())


def _place(record: ExportedRecord) -> dict[str, Any]:
    return {
        "Origin": record.origin,
        "LeafIndex": record.leaf_index,
        "Entry": record.entry.hex(),
        "BatchId": str(record.batch_id),
        "CanonicalVersion": record.version,
    }


def _json_value(kind: Kind, value: Any) -> Any:
    if kind.element is not None and isinstance(value, list):
        return [_json_value(kind.element, each) for each in value]
    match value:
        case bytes():
            return _text(value)
        case list():
            pairs = [(_text(key), _text(content)) for key, content in pairs_of(value)]
            keys = Counter(key if isinstance(key, str) else None for key, _ in pairs)
            is_object = None not in keys and all(count == 1 for count in keys.values())
            return dict(pairs) if is_object else [list(pair) for pair in pairs]
        case _:
            return time_text(value) if kind is Kind.TIME else value


def pairs_of(value: Value) -> Pairs:
    """Return the pairs of a map."""
    return [pair for pair in value if isinstance(pair, tuple)] if isinstance(value, list) else []


def _text(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _cell(kind: Kind, value: Value) -> str | int:
    match value:
        case bytes():
            text = value.decode("utf-8", "replace")
        case list():
            text = json.dumps(_json_value(kind, value), ensure_ascii=False, separators=(",", ":"))
        case _:
            return time_text(value) if kind is Kind.TIME else value
    return safe_cell(text)


def time_text(nanos: int) -> str:
    """Return nanoseconds since the epoch by RFC 3339."""
    seconds, rest = divmod(nanos, 10**9)
    return f"{(_EPOCH + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S')}.{rest:09}Z"

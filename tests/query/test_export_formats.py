"""Formats of exports: every column has a type, and ``check.py`` computes the record of a row again."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bundles import encode_record
from server import check
from server.notary.canonical import VERSIONS, Kind, canonical_columns, decode_record
from server.notary.origin import Stream
from server.query.export import ExportedRecord
from server.query.export_formats import encoder_of, export_columns


@pytest.mark.parametrize(
    ("stream", "version"),
    [(stream, version) for stream in Stream for version in VERSIONS if (stream, version) != (Stream.SPANS, 1)],
)
def test_the_check_computes_the_record_of_a_row_of_every_stream_and_version(stream: Stream, version: int) -> None:
    texts = [b"", "ä".encode(), b"\xff\xfe", b"=1"]
    values: dict[Kind, Any] = {
        Kind.TIME: 1_750_000_000_123_456_789,
        Kind.UINT8: 255,
        Kind.UINT32: (1 << 32) - 1,
        Kind.UINT64: (1 << 64) - 1,
        Kind.STRING: texts[2],
        Kind.WORD: texts[1],
        Kind.MAP: [(b"a", b"1"), (b"a", b"2"), (b"\xff", b"x" * 300), ("ä".encode(), b"")],
    }
    values |= {kind: [values[kind.element], values[kind.element]] for kind in Kind if kind.element}
    canonical = encode_record(stream, {c.name: values[c.kind] for c in canonical_columns(stream, version)}, version)
    record = ExportedRecord(f"shop/{stream.value}/n", 7, uuid4(), stream, canonical, decode_record(stream, canonical))
    line = encoder_of("ndjson", export_columns([stream])).encode([record])
    assert check._canonical(json.loads(line)) == canonical


@given(texts=st.lists(st.text("='\"\r\n,+-@a\x00\ufffdä\u2028", max_size=6), min_size=3, max_size=3))
def test_the_check_computes_the_record_of_a_row_of_csv(texts: list[str]) -> None:
    body, key, value = (text.encode() for text in texts)
    values: dict[str, Any] = {"Body": body, "ActorId": value, "LogAttributes": [(key, value)], "Timestamp": 5}
    canonical = encode_record(Stream.AUDIT, values)
    decoded = decode_record(Stream.AUDIT, canonical)
    record = ExportedRecord("-shop/audit/n", 7, uuid4(), Stream.AUDIT, canonical, decoded)
    text = io.StringIO(encoder_of("csv", export_columns([Stream.AUDIT])).encode([record]).decode(), newline="")
    [row] = check._read_rows("csv", text)
    assert (row["Origin"], row["LeafIndex"], row["Entry"]) == ("-shop/audit/n", 7, record.entry.hex())
    assert check._canonical(row) == canonical


def test_every_kind_of_column_has_a_type_in_parquet_and_arrow() -> None:
    columns = export_columns(list(Stream))
    assert pa.ipc.open_stream(encoder_of("arrow", columns).end()).schema.names == list(columns)


def test_every_format_has_all_values_of_a_repeated_attribute() -> None:
    pairs = [(b"k", b"1"), (b"k", b"2"), (b"l", b"3")]
    details = b'{"log_order":{"k":[1,0]}}'
    canonical = encode_record(Stream.AUDIT, {"LogAttributes": pairs, "OtlpDetails": details})
    values = decode_record(Stream.AUDIT, canonical)
    record = ExportedRecord("shop/audit/n", 7, uuid4(), Stream.AUDIT, canonical, values)

    def exported(kind: str) -> bytes:
        encoder = encoder_of(kind, export_columns([Stream.AUDIT]))
        return encoder.encode([record]) + encoder.end()

    for kind in ("ndjson", "ocsf", "csv"):
        [row] = check._read_rows(kind, io.StringIO(exported(kind).decode(), newline=""))
        assert check._canonical(row) == canonical
    tables = [pa.ipc.open_stream(exported("arrow")).read_all(), pq.read_table(io.BytesIO(exported("parquet")))]
    for table in tables:
        [row] = table.select(["LogAttributes", "OtlpDetails"]).to_pylist()
        assert row == {"LogAttributes": [("k", "1"), ("k", "2"), ("l", "3")], "OtlpDetails": details.decode()}

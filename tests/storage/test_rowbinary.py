"""Reading RowBinary: what ClickHouse writes, and answers that end too early."""

from __future__ import annotations

import struct
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.canonical import encode_string, encode_varint
from storage.engine import Engine
from storage.errors import StorageError
from storage.rowbinary import (
    Reader,
    boolean,
    fixed32,
    int64,
    read_rows,
    string,
    text,
    text_pairs,
    uint8,
    uint16,
    uint64,
    uuid,
    varint,
)

ALL: tuple[Reader, ...] = (uint8, boolean, uint16, uint64, int64, uuid, fixed32, string, text, text_pairs)


def test_every_type_is_read_as_the_engine_writes_it(engine: Engine) -> None:
    data = engine.query(
        "SELECT toUInt8(200), toUInt8(1), toUInt16(65535), toUInt64(18446744073709551615), toInt64(-5), "
        "toUUID('00112233-4455-6677-8899-aabbccddeeff'), toFixedString(repeat('x', 32), 32), unhex('ff00'), "
        "concat('a', unhex('ff'), 'é'), map('k', 'é', '', 'v') FROM numbers(2)"
    )
    row = (
        200,
        True,
        65535,
        2**64 - 1,
        -5,
        UUID("00112233-4455-6677-8899-aabbccddeeff"),
        b"x" * 32,
        b"\xff\x00",
        "a\ufffdé",
        (("k", "é"), ("", "v")),
    )
    assert list(read_rows(data, ALL)) == [row, row]


def test_times_are_read_as_nanoseconds(engine: Engine) -> None:
    data = engine.query("SELECT fromUnixTimestamp64Nano(1790000000123456789)")
    assert list(read_rows(data, (int64,))) == [(1790000000123456789,)]


def test_no_data_is_no_rows() -> None:
    assert list(read_rows(b"", ALL)) == []


ROW = (
    b"\x01\x01"
    + struct.pack("<HQq", 1, 2, 3)
    + bytes(16)
    + bytes(32)
    + encode_string(b"bytes")
    + encode_string(b"text")
    + encode_varint(1)
    + encode_string(b"key")
    + encode_string(b"value")
)


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("length", range(1, len(ROW)))
def test_an_answer_cut_anywhere_is_an_error(rows: int, length: int) -> None:
    with pytest.raises(StorageError, match="incomplete"):
        list(read_rows(ROW * rows + ROW[:length], ALL))


@pytest.mark.parametrize("reader", ALL)
def test_an_answer_cut_in_its_last_column_is_an_error_whatever_its_type(reader: Reader) -> None:
    widths: dict[Reader, int] = {uint8: 1, boolean: 1, uint16: 2, uint64: 8, int64: 8, uuid: 16, fixed32: 32}
    whole = widths.get(reader)
    data = bytes(whole) if whole else b"\x02ab" if reader is not text_pairs else b"\x01\x01k\x01v"
    with pytest.raises(StorageError, match="incomplete"):
        list(read_rows(b"\x05" + data[:-1], (uint8, reader)))


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_rows_or_a_storage_error_but_nothing_else(data: bytes) -> None:
    try:
        rows = list(read_rows(data, ALL))
    except StorageError:
        return
    assert bool(rows) == bool(data)


@given(st.integers(0, 2**64 - 1))
def test_lengths_are_read_as_they_are_encoded(value: int) -> None:
    encoded = encode_varint(value)
    assert varint(b"x" + encoded + b"y", 1) == (value, 1 + len(encoded))

"""The canonical record: its bytes, and the way back."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bundles import audit_record
from server.notary.canonical import (
    Kind,
    Value,
    canonical_columns,
    decode_record,
    encode_map,
    encode_string,
    encode_time,
    encode_uint8,
    encode_uint32,
    encode_varint,
    entry_of,
    leaf_of,
    record_bytes,
)
from server.notary.errors import MalformedError
from server.notary.origin import Stream

_strings = st.one_of(st.binary(max_size=20), st.integers(120, 300).map(bytes), st.just(bytes(16_500)))
_VALUES: dict[Kind, st.SearchStrategy[Value]] = {
    Kind.TIME: st.integers(-(2**63), 2**63 - 1),
    Kind.UINT8: st.integers(0, 255),
    Kind.UINT32: st.integers(0, 2**32 - 1),
    Kind.STRING: _strings,
    Kind.WORD: _strings,
    Kind.MAP: st.lists(st.tuples(_strings, _strings), max_size=4),
}
_ENCODERS = {
    Kind.TIME: encode_time,
    Kind.UINT8: encode_uint8,
    Kind.UINT32: encode_uint32,
    Kind.STRING: encode_string,
    Kind.WORD: encode_string,
    Kind.MAP: encode_map,
}


def encoded(stream: Stream, values: dict[str, Value]) -> bytes:
    columns = canonical_columns(stream)
    return record_bytes([[_ENCODERS[column.kind](values[column.name])] for column in columns])[0]  # type: ignore[operator]


def _record_values(stream: Stream) -> st.SearchStrategy[dict[str, Value]]:
    return st.fixed_dictionaries({column.name: _VALUES[column.kind] for column in canonical_columns(stream)})


_records = st.sampled_from(Stream).flatmap(lambda stream: st.tuples(st.just(stream), _record_values(stream)))


@given(_records)
def test_a_record_is_read_back_as_it_was_encoded(record: tuple[Stream, dict[str, Value]]) -> None:
    stream, values = record
    assert decode_record(stream, encoded(stream, values)) == values


@given(_records, st.data())
def test_a_record_that_was_cut_or_goes_on_is_malformed(
    record: tuple[Stream, dict[str, Value]], data: st.DataObject
) -> None:
    data_bytes = encoded(*record)
    with pytest.raises(MalformedError, match="too early"):
        decode_record(record[0], data_bytes[: data.draw(st.integers(0, len(data_bytes) - 1))])
    with pytest.raises(MalformedError, match="extra bytes"):
        decode_record(record[0], data_bytes + data.draw(st.binary(min_size=1, max_size=9)))


@given(st.sampled_from(Stream), st.binary(max_size=300))
def test_arbitrary_bytes_are_a_record_or_malformed_but_nothing_else(stream: Stream, data: bytes) -> None:
    try:
        values = decode_record(stream, data)
    except MalformedError:
        return
    assert values.keys() == {column.name for column in canonical_columns(stream)}


def test_a_length_without_end_is_malformed() -> None:
    with pytest.raises(MalformedError):
        decode_record(Stream.OPERATIONAL, bytes(8) + b"\xff" * 400)


@pytest.mark.parametrize(
    ("value", "encoding"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (300, "ac02"), (16_383, "ff7f"), (16_384, "808001")],
)
def test_lengths_are_leb128(value: int, encoding: str) -> None:
    assert encode_varint(value).hex() == encoding


def test_values_are_encoded_as_rowbinary_writes_them() -> None:
    assert encode_string(b"abc") == b"\x03abc"
    assert encode_time(-2) == b"\xfe" + b"\xff" * 7
    assert encode_uint8(200) == b"\xc8"
    assert encode_uint32(1) == b"\x01\0\0\0"
    assert encode_map([(b"a", b"1"), (b"b", b"")]) == b"\x02\x01a\x011\x01b\x00"


def test_a_log_entry_is_the_digest_of_the_record_and_a_leaf_that_of_the_entry() -> None:
    assert entry_of(b"record") == sha256(b"record").digest()
    assert leaf_of(b"record") == sha256(b"\x00" + sha256(b"record").digest()).digest()


def test_columns_of_different_lengths_make_no_records() -> None:
    with pytest.raises(ValueError, match="zip"):
        record_bytes([[b"a", b"b"], [b"c"]])


def test_an_audit_record_is_an_operational_one_with_more_columns() -> None:
    operational, audit = canonical_columns(Stream.OPERATIONAL), canonical_columns(Stream.AUDIT)
    assert audit[: len(operational)] == operational
    # Version 1 is released: neither order nor names may ever change, old proofs depend on them.
    digest = sha256("\n".join(f"{c.name} {c.kind.value}" for c in audit).encode()).hexdigest()
    assert (len(operational), len(audit), digest[:16]) == (21, 32, "ea6dc092158775a9")


def test_a_record_that_is_cut_anywhere_is_malformed() -> None:
    record = audit_record(1)
    assert decode_record(Stream.AUDIT, record)
    for size in range(len(record)):
        with pytest.raises(MalformedError, match="too early"):
            decode_record(Stream.AUDIT, record[:size])

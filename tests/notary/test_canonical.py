"""The canonical record: its bytes, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bundles import audit_record, encode_record
from server.notary.canonical import (
    CANONICAL_VERSION,
    VERSIONS,
    Kind,
    Value,
    canonical_columns,
    decode_record,
    encode_array,
    encode_map,
    encode_string,
    encode_time,
    encode_uint8,
    encode_uint32,
    encode_uint64,
    encode_varint,
    entry_of,
    has_version,
    leaf_of,
    mark_of,
    record_bytes,
    split_record,
    version_of,
    versions_of,
)
from server.notary.errors import MalformedError
from server.notary.origin import Stream
from server.notary.record_forms import added_columns, in_newest_version, in_version

_strings = st.one_of(st.binary(max_size=20), st.integers(120, 300).map(bytes), st.just(bytes(16_500)))
_VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TIME: st.integers(-(2**63), 2**63 - 1),
    Kind.UINT8: st.integers(0, 255),
    Kind.UINT32: st.integers(0, 2**32 - 1),
    Kind.STRING: _strings,
    Kind.WORD: _strings,
    Kind.MAP: st.lists(st.tuples(_strings, _strings), max_size=4),
    Kind.UINT64: st.integers(0, 2**64 - 1),
}
_VALUES |= {kind: st.lists(_VALUES[kind.element], max_size=3) for kind in Kind if kind.element}
_ENCODERS: dict[Kind, Callable[..., bytes]] = {
    Kind.TIME: encode_time,
    Kind.UINT8: encode_uint8,
    Kind.UINT32: encode_uint32,
    Kind.STRING: encode_string,
    Kind.WORD: encode_string,
    Kind.MAP: encode_map,
    Kind.UINT64: encode_uint64,
}


def _encode_value(kind: Kind, value: Any) -> bytes:
    if kind.element is None:
        return _ENCODERS[kind](value)
    return encode_array([_encode_value(kind.element, element) for element in value])


Record = tuple[Stream, int, dict[str, Value]]


def encoded(stream: Stream, version: int, values: dict[str, Value]) -> bytes:
    columns = canonical_columns(stream, version)
    return mark_of(version) + b"".join(_encode_value(column.kind, values[column.name]) for column in columns)


def _record_values(stream: Stream, version: int) -> st.SearchStrategy[Record]:
    values = {column.name: _VALUES[column.kind] for column in canonical_columns(stream, version)}
    if version == 1:
        values["Timestamp"] = st.integers(0, 2**63 - 1)
    return st.tuples(st.just(stream), st.just(version), st.fixed_dictionaries(values))


_OF_VERSION_1 = [stream for stream in Stream if 1 in versions_of(stream)]
_records = st.sampled_from([(stream, version) for stream in Stream for version in versions_of(stream)]).flatmap(
    lambda pair: _record_values(*pair)
)


@given(_records)
def test_a_record_is_read_back_as_it_was_encoded(record: Record) -> None:
    stream, version, values = record
    assert decode_record(stream, encoded(*record)) == values
    assert version_of(encoded(*record)) == version
    assert has_version(encoded(*record), version)
    assert mark_of(version) + b"".join(split_record(stream, encoded(*record)).values()) == encoded(*record)


def test_new_records_are_of_the_last_version() -> None:
    split = split_record(Stream.AUDIT, audit_record(1))
    (record,) = record_bytes([[split[column.name]] for column in canonical_columns(Stream.AUDIT)])
    assert record == audit_record(1)
    assert version_of(record) == CANONICAL_VERSION == max(VERSIONS)


@given(_records)
def test_no_record_is_one_of_another_version(record: Record) -> None:
    _, version, _ = record
    others = [other for other in (*VERSIONS, 3, 2**40) if other != version]
    assert not any(has_version(encoded(*record), other) for other in others)


@given(_records, st.data())
def test_a_record_that_was_cut_or_goes_on_is_malformed(record: Record, data: st.DataObject) -> None:
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
    assert values.keys() == {column.name for column in canonical_columns(stream, version_of(data))}


@pytest.mark.parametrize("version", [0, 3, 2**62])
def test_a_version_that_nobody_has_is_named(version: int) -> None:
    with pytest.raises(MalformedError, match=f"canonical version {version} is not supported"):
        canonical_columns(Stream.AUDIT, version)
    if version:
        with pytest.raises(MalformedError, match=f"canonical version {version} is not supported"):
            decode_record(Stream.AUDIT, encode_time(-version) + bytes(400))


def test_the_mark_that_version_1_would_have_is_none() -> None:
    record = encode_time(-1) + bytes(400)
    assert not any(has_version(record, version) for version in VERSIONS)
    with pytest.raises(MalformedError, match="version 1 has no mark"):
        decode_record(Stream.AUDIT, record)


def test_bytes_that_are_shorter_than_a_mark_are_of_no_version() -> None:
    assert not any(has_version(bytes(7), version) for version in VERSIONS)


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
    assert encode_uint64(1) == b"\x01" + bytes(7)
    assert encode_array([encode_string(b"a"), encode_string(b"")]) == b"\x02\x01a\x00"
    assert encode_map([(b"a", b"1"), (b"b", b"")]) == b"\x02\x01a\x011\x01b\x00"


def test_a_log_entry_is_the_digest_of_the_record_and_a_leaf_that_of_the_entry() -> None:
    assert entry_of(b"record") == sha256(b"record").digest()
    assert leaf_of(b"record") == sha256(b"\x00" + sha256(b"record").digest()).digest()


def test_columns_of_different_lengths_make_no_records() -> None:
    with pytest.raises(ValueError, match="zip"):
        record_bytes([[b"a", b"b"], [b"c"]])


@pytest.mark.parametrize(("version", "pinned"), [(1, (21, 32, "ea6dc092158775a9")), (2, (24, 40, "d6e72b060dd3978e"))])
def test_an_audit_record_is_an_operational_one_with_more_columns(version: int, pinned: tuple[int, int, str]) -> None:
    operational, audit = canonical_columns(Stream.OPERATIONAL, version), canonical_columns(Stream.AUDIT, version)
    assert audit[: len(operational)] == operational
    # A version that is released never changes, neither order nor names: old proofs depend on them.
    digest = sha256("\n".join(f"{c.name} {c.kind.value}" for c in audit).encode()).hexdigest()
    assert (len(operational), len(audit), digest[:16]) == pinned


def test_spans_have_their_columns_since_version_2() -> None:
    columns = canonical_columns(Stream.SPANS, 2)
    # A version that is released never changes, neither order nor names: old proofs depend on them.
    digest = sha256("\n".join(f"{c.name} {c.kind.value}" for c in columns).encode()).hexdigest()
    assert (len(columns), digest[:16]) == (34, "900b100b5d45b3ad")
    assert [versions_of(stream) for stream in Stream] == [(1, 2), (1, 2), (2,)]
    with pytest.raises(MalformedError, match="canonical version 1 does not exist for the stream spans"):
        canonical_columns(Stream.SPANS, 1)


def test_what_records_of_a_resource_and_scope_have_in_common_stands_first() -> None:
    first = {canonical_columns(stream)[:9] for stream in Stream}
    assert len(first) == 1
    for stream in Stream:
        names = [column.name for column in canonical_columns(stream)]
        assert set(names[: names.index("Timestamp")]) == {
            *("Tenant", "Sender", "ServiceName", "ResourceSchemaUrl", "ResourceAttributes"),
            *("ScopeSchemaUrl", "ScopeName", "ScopeVersion", "ScopeAttributes"),
        }


@pytest.mark.parametrize("stream", _OF_VERSION_1)
@given(st.data())
def test_a_record_has_the_same_values_in_the_form_of_version_1(stream: Stream, data: st.DataObject) -> None:
    _, _, values = data.draw(_record_values(stream, 2))
    form, fits = in_version(stream, encoded(stream, 2, values), 1)
    added = added_columns(stream, 1)
    assert {column.name for column in canonical_columns(stream, 1)} == values.keys() - set(added)
    earlier = {column.name: values[column.name] for column in canonical_columns(stream, 1)}
    assert form == encoded(stream, 1, earlier)
    assert fits is (values["Timestamp"] >= 0 and not any(values[name] for name in added))  # type: ignore[operator]


@given(_record_values(Stream.AUDIT, 1))
def test_a_record_of_version_1_is_found_again_in_the_form_of_new_records(record: Record) -> None:
    _, _, values = record
    stored = encoded(Stream.AUDIT, 2, values | dict.fromkeys(added_columns(Stream.AUDIT, 1), b""))
    assert in_version(Stream.AUDIT, stored, 1) == (encoded(*record), True)
    assert in_version(Stream.AUDIT, stored, 2) == (stored, True)
    assert in_newest_version(Stream.AUDIT, encoded(*record)) == stored


def test_a_record_is_brought_into_the_form_of_new_records() -> None:
    first = encode_record(Stream.AUDIT, {"Timestamp": 5, "ActorId": b"alice"}, 1)
    newest = encode_record(Stream.AUDIT, {"Timestamp": 5, "ActorId": b"alice"})
    assert in_newest_version(Stream.AUDIT, first) == newest
    assert in_newest_version(Stream.AUDIT, newest) == newest


def test_a_record_with_a_column_that_version_1_lacks_is_none_of_version_1() -> None:
    stored = encode_record(Stream.AUDIT, {"Timestamp": 5, "ActorId": b"alice"})
    assert in_version(Stream.AUDIT, stored, 2) == (stored, True)
    assert in_version(Stream.AUDIT, stored, 1) == (
        encode_record(Stream.AUDIT, {"Timestamp": 5, "ActorId": b"alice"}, 1),
        True,
    )
    for column in added_columns(Stream.AUDIT, 1):
        named = encode_record(Stream.AUDIT, {"Timestamp": 5, column: b"x"})
        assert in_version(Stream.AUDIT, named, 1)[1] is False
    assert in_version(Stream.AUDIT, encode_record(Stream.AUDIT, {"Timestamp": -2}), 1)[1] is False


def test_a_form_that_nobody_has_and_bytes_that_are_no_record_are_malformed() -> None:
    with pytest.raises(MalformedError, match="canonical version 3"):
        in_version(Stream.AUDIT, audit_record(1), 3)
    with pytest.raises(MalformedError, match="too early"):
        in_version(Stream.AUDIT, audit_record(1)[:-1], 1)


def test_arrays_of_a_span_are_read_back_as_they_were_encoded_and_malformed_where_they_are_cut() -> None:
    arrays: dict[str, Value] = {
        "Events.Timestamp": [1, -2],
        "Events.Name": [b"retry", b""],
        "Events.Attributes": [[(b"a", b"1"), (b"b", b"x" * 300)], []],
        "Links.TraceId": [b"\xff"],
        "Links.Attributes": [[(b"k", b"v")]] * 130,
    }
    record = encode_record(Stream.SPANS, arrays | {"Redactions": b"last"})
    decoded = decode_record(Stream.SPANS, record)
    assert {name: decoded[name] for name in arrays} == arrays
    assert (decoded["Links.SpanId"], decoded["Redactions"]) == ([], b"last")
    assert split_record(Stream.SPANS, record)["Events.Name"] == b"\x02\x05retry\x00"
    for size in range(len(record)):
        with pytest.raises(MalformedError, match="too early"):
            decode_record(Stream.SPANS, record[:size])


def test_a_record_that_is_cut_anywhere_is_malformed() -> None:
    for version in VERSIONS:
        record = audit_record(1, version)
        assert decode_record(Stream.AUDIT, record)
        for size in range(len(record)):
            with pytest.raises(MalformedError, match="too early"):
                decode_record(Stream.AUDIT, record[:size])

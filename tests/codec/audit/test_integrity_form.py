from __future__ import annotations

import math
import random
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from server.codec.audit.errors import CanonicalFormError
from server.codec.audit.integrity_form import FORM, FORMS, MAX_BYTES, MAX_DEPTH, canonical_json, integrity_hash
from tests.effort import effort


def attribute(key: str, value: AnyValue) -> KeyValue:
    return KeyValue(key=key, value=value)


def text(value: str) -> AnyValue:
    return AnyValue(string_value=value)


def one(value: AnyValue) -> str:
    """Return the canonical JSON of a value."""
    canonical = canonical_json(LogRecord(attributes=[attribute("v", value)])).decode()
    return canonical.removeprefix('{"attributes":{"v":').removesuffix("}}")


def with_nested(depth: int) -> LogRecord:
    record = LogRecord()
    value = record.body
    value.array_value.SetInParent()
    for _ in range(depth):  # grown in place: protobuf cannot copy a value that is nested so deeply
        value = value.array_value.values.add()
        value.array_value.SetInParent()
    return record


LOGIN = LogRecord(
    event_name="user.login.success",
    body=text("user.login.success"),
    time_unix_nano=1714041600000000000,
    observed_time_unix_nano=1714041600001000000,
    trace_id=bytes(range(1, 17)),
    span_id=bytes(range(1, 9)),
    severity_number=SeverityNumber.SEVERITY_NUMBER_INFO,
    severity_text="INFO",
    flags=1,
    attributes=[
        attribute("audit.record.id", text("a1b2c3d4-e5f6-7890-abcd-ef1234567890")),
        attribute("audit.actor.id", text("u8472")),
        attribute("audit.integrity.value", text("c2lnbmF0dXJl")),
        attribute("audit.integrity.signer", text("collector")),
    ],
)
REST = (
    '"event_name":"user.login.success","observed_timestamp":"1714041600001000000",'
    '"span_id":"0102030405060708","timestamp":"1714041600000000000","trace_id":"0102030405060708090a0b0c0d0e0f10"}'
)
ATTRIBUTES = (
    '"attributes":{"audit.actor.id":{"stringValue":"u8472"},'
    '"audit.record.id":{"stringValue":"a1b2c3d4-e5f6-7890-abcd-ef1234567890"}}'
)


def test_the_form_covers_names_times_ids_body_and_attributes_but_not_severity_flags_or_the_signature() -> None:
    assert canonical_json(LOGIN).decode() == f'{{{ATTRIBUTES},"body":{{"stringValue":"user.login.success"}},{REST}'


def test_the_first_version_of_the_form_has_the_body_as_a_plain_string() -> None:
    assert canonical_json(LOGIN, "signingprocessor/1").decode() == f'{{{ATTRIBUTES},"body":"user.login.success",{REST}'


def test_the_first_version_of_the_form_leaves_out_other_bodies() -> None:
    record = LogRecord(event_name="e", body=AnyValue(int_value=42))
    assert canonical_json(record, "signingprocessor/1") == b'{"event_name":"e"}'
    assert canonical_json(record) == b'{"body":{"intValue":"42"},"event_name":"e"}'


def test_an_empty_record_is_an_empty_object_in_each_version() -> None:
    assert FORMS[0] == FORM
    assert {canonical_json(LogRecord(), form) for form in FORMS} == {b"{}"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (text('ké"\u2028<&>'), '{"stringValue":"ké\\"\u2028<&>"}'),
        (text("\\ud800"), '{"stringValue":"\\\\ud800"}'),
        (text("\x00\n\x7f"), '{"stringValue":"\\u0000\\n\x7f"}'),
        (AnyValue(int_value=9007199254740993), '{"intValue":"9007199254740993"}'),
        (AnyValue(int_value=-(1 << 63)), '{"intValue":"-9223372036854775808"}'),
        (AnyValue(double_value=1.0), '{"doubleValue":1}'),
        (AnyValue(double_value=1.5), '{"doubleValue":1.5}'),
        (AnyValue(double_value=1e21), '{"doubleValue":1e+21}'),
        (AnyValue(double_value=5e-7), '{"doubleValue":5e-7}'),
        (AnyValue(double_value=-2.5), '{"doubleValue":-2.5}'),
        (AnyValue(double_value=-0.0), '{"doubleValue":0}'),
        (AnyValue(bool_value=True), '{"boolValue":true}'),
        (AnyValue(bytes_value=b"\xde\xad"), '{"bytesValue":"3q0="}'),
        (AnyValue(), "null"),
        (AnyValue(array_value=ArrayValue(values=[text("x"), AnyValue()])), '[{"stringValue":"x"},null]'),
        (
            AnyValue(kvlist_value=KeyValueList(values=[attribute("b", text("x")), attribute("a", AnyValue())])),
            '{"a":null,"b":{"stringValue":"x"}}',
        ),
    ],
)
def test_values_name_their_types(value: AnyValue, expected: str) -> None:
    assert one(value) == expected


def test_keys_are_sorted_by_their_utf_16_code_units() -> None:
    # U+1F600 begins with the surrogate D83D, which comes before U+FB33.
    record = LogRecord(attributes=[attribute(key, AnyValue()) for key in ("\ufb33", "\U0001f600", "a")])
    assert canonical_json(record).decode() == '{"attributes":{"a":null,"\U0001f600":null,"\ufb33":null}}'


def test_the_last_value_of_a_repeated_key_counts() -> None:
    record = LogRecord(attributes=[attribute("k", text("first")), attribute("k", text("last"))])
    assert canonical_json(record) == b'{"attributes":{"k":{"stringValue":"last"}}}'


def test_a_time_beyond_63_bits_is_written_as_the_processor_reads_it() -> None:
    assert canonical_json(LogRecord(time_unix_nano=(1 << 64) - 1)) == b'{"timestamp":"-1"}'


def test_an_invalid_id_is_covered_and_an_all_zero_id_is_left_out() -> None:
    record = LogRecord(trace_id=b"\x01", span_id=bytes(8))
    assert canonical_json(record) == b'{"trace_id":"01"}'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_cannot_represent_is_an_error(number: float) -> None:
    with pytest.raises(CanonicalFormError, match="NaN or infinite"):
        one(AnyValue(double_value=number))


def test_a_record_is_an_error_from_the_limit_of_its_size_on() -> None:
    overhead = len(canonical_json(LogRecord(body=text(""))))
    assert len(canonical_json(LogRecord(body=text("a" * (MAX_BYTES - overhead))))) == MAX_BYTES
    with pytest.raises(CanonicalFormError, match="larger than 2 MiB"):
        canonical_json(LogRecord(body=text("a" * (MAX_BYTES - overhead + 1))))


def test_a_value_is_an_error_from_the_limit_of_nesting_on() -> None:
    brackets = MAX_DEPTH + 1
    assert canonical_json(with_nested(MAX_DEPTH)).decode() == '{"body":' + "[" * brackets + "]" * brackets + "}"
    with pytest.raises(CanonicalFormError, match="more than 128 levels"):
        canonical_json(with_nested(MAX_DEPTH + 1))


def test_the_hash_is_that_of_the_canonical_json() -> None:
    assert integrity_hash(LogRecord()) == sha256(b"{}").digest()
    assert integrity_hash(LOGIN) != integrity_hash(LOGIN, "signingprocessor/1")


values = st.recursive(
    st.one_of(
        st.text().map(text),
        st.integers(-(1 << 63), (1 << 63) - 1).map(lambda number: AnyValue(int_value=number)),
        st.floats(allow_nan=False, allow_infinity=False).map(lambda number: AnyValue(double_value=number)),
        st.booleans().map(lambda flag: AnyValue(bool_value=flag)),
        st.binary().map(lambda data: AnyValue(bytes_value=data)),
        st.just(AnyValue()),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: AnyValue(array_value=ArrayValue(values=values))),
        st.dictionaries(st.text(), inner, max_size=3).map(
            lambda members: AnyValue(kvlist_value=KeyValueList(values=[attribute(*pair) for pair in members.items()]))
        ),
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), values, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=effort(200), deadline=None)
def test_the_form_does_not_depend_on_the_order_of_attributes(
    attributes: dict[str, AnyValue], order: random.Random
) -> None:
    sent = [attribute(key, value) for key, value in attributes.items()]
    shuffled = list(sent)
    order.shuffle(shuffled)
    assert canonical_json(LogRecord(attributes=sent)) == canonical_json(LogRecord(attributes=shuffled))


@given(values, values)
@settings(max_examples=effort(200), deadline=None)
def test_different_bodies_have_different_forms(one_body: AnyValue, other_body: AnyValue) -> None:
    one_form, other_form = canonical_json(LogRecord(body=one_body)), canonical_json(LogRecord(body=other_body))
    # In JSON, -0 is 0: the processor's form has the same gap.
    same = str(one_body).replace("-0.0", "0.0") == str(other_body).replace("-0.0", "0.0")
    assert same or one_form != other_form

"""Values as text and type: what the text looks like, and that nothing is lost."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, example, given, settings
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from server.codec.values import as_string, json_text
from tests.effort import effort

from .strategies import any_values


def array(*elements: AnyValue) -> AnyValue:
    return AnyValue(array_value=ArrayValue(values=elements))


def kvlist(*members: tuple[str, AnyValue]) -> AnyValue:
    return AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key=k, value=v) for k, v in members]))


def string(value: str) -> AnyValue:
    return AnyValue(string_value=value)


def integer(value: int) -> AnyValue:
    return AnyValue(int_value=value)


def double(value: float) -> AnyValue:
    return AnyValue(double_value=value)


def boolean(value: bool) -> AnyValue:
    return AnyValue(bool_value=value)


def raw(value: bytes) -> AnyValue:
    return AnyValue(bytes_value=value)


NOTHING = AnyValue()


# The way back, written from the description of texts and types alone.


class Members(list[tuple[str, object]]):
    """The members of a JSON object, duplicates included."""


class Digits(str):
    """A JSON number as it is written: 1 may be a double, and -0 has a sign."""


def restore(text: bytes, kind: bytes) -> AnyValue:
    """Return the value that a text and a type stand for."""
    return restore_as(text, json.loads(kind, object_pairs_hook=Members))


def restore_as(text: bytes, kind: object) -> AnyValue:
    """Return the value of a text and a parsed type."""
    if kind == "empty":
        assert text == b""
        return NOTHING
    if kind == "bool":
        return boolean({b"true": True, b"false": False}[text])
    if isinstance(kind, str):
        return _restore(text.decode(), kind)
    return _restore(json.loads(text, object_pairs_hook=Members, parse_int=Digits, parse_float=Digits), kind)


def kinds_of_members(keys: Iterable[str], kinds: Members) -> list[object]:
    """Return a type for each key, from a key-value list's type that leaves out those of only strings."""
    remaining = defaultdict(list)
    for key, kind in kinds:
        remaining[key].append(kind)
    found = [remaining[key].pop(0) if key in remaining else "string" for key in list(keys)]
    assert not any(remaining.values())
    return found


def _restore(node: object, kind: object) -> AnyValue:
    match kind:
        case "string":
            assert isinstance(node, str)
            return string(node)
        case "int":
            assert isinstance(node, str)
            return integer(int(node))
        case "double":
            assert isinstance(node, str)
            return double(float(node))
        case "bool":
            assert isinstance(node, bool)
            return boolean(node)
        case "bytes":
            assert isinstance(node, str)
            return raw(b64decode(node, validate=True))
        case "empty":
            assert node is None
            return NOTHING
        case Members():
            assert isinstance(node, Members)
            kinds = kinds_of_members([key for key, _ in node], kind)
            return kvlist(*((key, _restore(v, k)) for (key, v), k in zip(node, kinds, strict=True)))
        case list():
            assert isinstance(node, list)
            kinds = kind if len(kind) > 1 else (kind or ["string"]) * len(node)
            return array(*(_restore(v, k) for v, k in zip(node, kinds, strict=True)))
    raise AssertionError(kind)


def normalised(value: AnyValue) -> AnyValue:
    """Return a value without what is documented as lost: member order, NaN payloads, string indexes."""
    match value.WhichOneof("value"):
        case "double_value" if math.isnan(value.double_value):
            return double(math.nan)
        case "string_value_strindex":
            return NOTHING
        case "array_value":
            return array(*map(normalised, value.array_value.values))
        case "kvlist_value":
            members = sorted(value.kvlist_value.values, key=lambda member: member.key.encode())
            return kvlist(*((member.key, normalised(member.value)) for member in members))
    return value


@given(any_values)
@example(array(kvlist(("a", integer(1)), ("a", string("x"))), kvlist(("a", string("1")))))
@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    max_examples=effort(500),
)
def test_text_and_type_together_are_the_whole_value(value: AnyValue) -> None:
    # Compared as bytes: that tells -0 from 0, and lets NaN equal itself.
    assert restore(*as_string(value)).SerializeToString() == normalised(value).SerializeToString()


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        (NOTHING, b"", b'"empty"'),
        (string(""), b"", b'"string"'),
        (string('a "b"\n\u2028'), 'a "b"\n\u2028'.encode(), b'"string"'),
        (boolean(True), b"true", b'"bool"'),
        (boolean(False), b"false", b'"bool"'),
        (integer(0), b"0", b'"int"'),
        (integer(2**63 - 1), b"9223372036854775807", b'"int"'),
        (integer(-(2**63)), b"-9223372036854775808", b'"int"'),
        (double(1.0), b"1", b'"double"'),
        (raw(b""), b"", b'"bytes"'),
        (raw(b"\x00\xff"), b"AP8=", b'"bytes"'),
        (raw(b"\xfb\xff\xbf"), b"+/+/", b'"bytes"'),
        (AnyValue(string_value_strindex=3), b"", b'"empty"'),
    ],
)
def test_a_scalar_is_written_as_the_collector_writes_it(value: AnyValue, text: bytes, kind: bytes) -> None:
    assert as_string(value) == (text, kind)


@pytest.mark.parametrize(
    ("number", "text"),
    # Printed by Go 1.26 with the code of the Collector's float64AsString.
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.0, "-1"),
        (0.1, "0.1"),
        (100.0, "100"),
        (123456789.125, "123456789.125"),
        (1e15, "1000000000000000"),
        (1e16, "10000000000000000"),
        (1e20, "100000000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (999999999999999900000.0, "999999999999999900000"),
        (1e21, "1e+21"),
        (1.5e21, "1.5e+21"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (2.2250738585072014e-308, "2.2250738585072014e-308"),
        (5e-324, "5e-324"),
        (1e-5, "0.00001"),
        (1e-6, "0.000001"),
        (9.999999999999997e-7, "9.999999999999997e-7"),
        (1e-7, "1e-7"),
        (-1.25e-7, "-1.25e-7"),
        (1e-9, "1e-9"),
        (9.5e-10, "9.5e-10"),
        (1e-10, "1e-10"),
        (1e-99, "1e-99"),
        (1e-100, "1e-100"),
        (9007199254740993.0, "9007199254740992"),
        (0.1 + 0.2, "0.30000000000000004"),
        (float(2**63), "9223372036854776000"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_a_double_has_the_shortest_digits_and_goes_exponents(number: float, text: str) -> None:
    assert as_string(double(number)) == (text.encode(), b'"double"')


@pytest.mark.parametrize(
    ("value", "text"),
    # Printed by Go 1.26's encoding/json without HTML escaping, from the values that AsRaw returns.
    [
        (array(), "[]"),
        (kvlist(), "{}"),
        (
            array(string("\x00\x01\x07\b\t\n\x0b\f\r\x1b\x1f \x7f\x80")),
            '["\\u0000\\u0001\\u0007\\b\\t\\n\\u000b\\f\\r\\u001b\\u001f \x7f\x80"]',
        ),
        (array(string("\"\\/<>&'")), '["\\"\\\\/<>&\'"]'),
        (array(string("\u2028\u2029\u202a")), '["\\u2028\\u2029\u202a"]'),
        (
            array(string("é\ud7ff\ue000\uffff\U0001f600\U0010ffff")),
            '["é\ud7ff\ue000\uffff\U0001f600\U0010ffff"]',
        ),
        (
            kvlist(
                ("\uffff", integer(1)),
                ("\U00010000", integer(2)),
                ("b", integer(3)),
                ("", integer(4)),
                ("a", integer(5)),
                ("B", integer(6)),
                ("aa", integer(7)),
            ),
            '{"":4,"B":6,"a":5,"aa":7,"b":3,"\uffff":1,"\U00010000":2}',
        ),
        (kvlist(("\u2028<\n", NOTHING)), '{"\\u2028<\\n":null}'),
        (array(integer(2**63 - 1), integer(-(2**63))), "[9223372036854775807,-9223372036854775808]"),
        (
            array(*map(double, (1.0, -0.0, 1e20, 1e21, 1e-6, 1e-7, 0.1))),
            "[1,-0,100000000000000000000,1e+21,0.000001,1e-7,0.1]",
        ),
        (
            array(boolean(True), boolean(False), NOTHING, raw(b"\x00\xff"), raw(b"abc")),
            '[true,false,null,"AP8=","YWJj"]',
        ),
        (
            kvlist(("k", array(kvlist(("x", array()), ("v", kvlist())), string("t")))),
            '{"k":[{"v":{},"x":[]},"t"]}',
        ),
    ],
)
def test_arrays_and_lists_are_the_json_that_go_writes(value: AnyValue, text: str) -> None:
    assert as_string(value)[0] == text.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (array(double(math.nan), double(math.inf), double(-math.inf)), b'["NaN","Infinity","-Infinity"]'),
        (kvlist(("a", raw(b""))), b'{"a":""}'),
        (kvlist(("b", integer(1)), ("a", integer(2)), ("b", integer(0))), b'{"a":2,"b":1,"b":0}'),
    ],
)
def test_what_the_collector_would_lose_in_json_is_kept(value: AnyValue, text: bytes) -> None:
    assert as_string(value)[0] == text


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (array(), b"[]"),
        (array(string("a"), string("b")), b"[]"),
        (array(integer(1)), b'["int"]'),
        (array(integer(1), integer(2)), b'["int"]'),
        (array(NOTHING, NOTHING), b'["empty"]'),
        (array(string("a"), integer(1)), b'["string","int"]'),
        (array(integer(1), double(1)), b'["int","double"]'),
        (array(array()), b"[[]]"),
        (array(array(string("a")), array()), b"[[]]"),
        (array(array(integer(1)), array()), b'[["int"],[]]'),
        (array(kvlist(("a", string("x"))), kvlist(("b", string("y")))), b"[{}]"),
        (array(kvlist(("a", integer(1))), kvlist(("a", integer(2)))), b'[{"a":"int"}]'),
        (array(kvlist(("a", integer(1))), kvlist()), b'[{"a":"int"},{}]'),
        (kvlist(), b"{}"),
        (kvlist(("a", string("x"))), b"{}"),
        (kvlist(("b", array()), ("c", string("x")), ("a", boolean(True))), b'{"a":"bool","b":[]}'),
        (kvlist(("a", string("x")), ("a", string("y"))), b"{}"),
        (kvlist(("a", string("1")), ("a", integer(1))), b'{"a":"string","a":"int"}'),
        (kvlist(("\u2028", NOTHING)), b'{"\\u2028":"empty"}'),
    ],
)
def test_a_type_leaves_out_strings_and_repetition(value: AnyValue, kind: bytes) -> None:
    assert as_string(value)[1] == kind


def test_json_text_escapes_line_separators_wherever_a_string_stands() -> None:
    assert json_text({"\u2028": ["\u2029", 1]}) == b'{"\\u2028":["\\u2029",1]}'

"""Values as text and type: what the text looks like, and that nothing is lost."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, example, given, settings
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from server.codec.values import as_string, json_text
from tests.effort import effort

from .otlp_messages import NOTHING, array, boolean, double, integer, kvlist, raw, string
from .restoring import normalised, restore
from .strategies import any_values


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

"""The compiled codec makes what the reference codec makes of requests that no library would write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.lacking import lacking
from server.codec.choose import why_not_native
from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError

from .logs_wire import BODY, LIBRARY_LOGS, RULES, old_record, record, text_value
from .wire import delimited, field, group, overlong, varint

if why_not_native():
    lacking(f"the compiled codec is not installed: {why_not_native()}")

from tests.codec.parity import NOW, Parity

PARITY = Parity(Signal.LOGS, RULES)
NATIVE = PARITY.native
outcome, assert_same = PARITY.outcome, PARITY.assert_same


def nested(depth: int, around: Callable[[bytes], bytes] = record) -> bytes:
    """A body of arrays within arrays, ``depth`` messages below the record's value."""
    value = field(3, 0, b"\x01")
    for _ in range(depth):
        value = delimited(5, delimited(1, value))
    return around(delimited(5, value))


def groups(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = group(15, content)
    return record(content + BODY)


ACCEPTED = {
    "nothing": b"",
    "an empty record": record(b""),
    "values nested as deeply as protobuf permits": nested(48),
    "groups nested as deeply": groups(97),
    "unknown fields": record(
        field(100, 0, b"\x01") + delimited(101, b"\xff") + group(102, field(1, 5, b"1234")) + BODY
    ),
    "known fields of other wire types": record(
        field(5, 0, b"\x01") + delimited(2, b"12345678") + field(9, 1, b"8" * 8) + BODY
    ),
    "an overlong varint": record(field(2, 0, overlong(9, 10)) + BODY),
    "a varint with bits beyond 64": record(field(2, 0, b"\x89" + b"\x80" * 8 + b"\x7e")),
    "an overlong tag": record(overlong(5 << 3 | 2, 5) + delimited(5, text_value(b"x"))[1:]),
    "an overlong length": record(varint(5 << 3 | 2) + overlong(3, 5) + text_value(b"x")),
    "a bool beyond 1": record(delimited(5, field(2, 0, varint(2**40)))),
    "a severity beyond 32 bits": record(field(2, 0, varint(2**35 + 9))),
    "a negative severity": record(field(2, 0, varint(2**64 - 1))),
    "a body sent in two parts": record(delimited(5, delimited(5, delimited(1, text_value(b"a")))) * 2),
    "a key-value list sent in two parts": record(
        delimited(5, delimited(6, delimited(1, delimited(1, b"k") + delimited(2, text_value(b"a"))))) * 2
    ),
    "an attribute's value sent in two parts": record(
        delimited(6, delimited(1, b"k") + delimited(2, delimited(5, delimited(1, b""))) * 2 + delimited(1, b"j"))
    ),
    "a list that is replaced by a text, and a text by a list": record(
        delimited(5, delimited(5, delimited(1, b""))) + BODY + delimited(5, delimited(5, b""))
    ),
    "a resource behind its records, in two parts": delimited(
        1,
        delimited(2, delimited(2, BODY))
        + delimited(1, delimited(1, delimited(1, b"service.name") + delimited(2, text_value(b"late"))))
        + delimited(1, field(2, 0, b"\x07")),
    ),
    "a scope behind its records, in two parts": delimited(
        1, delimited(2, delimited(2, BODY) + delimited(1, delimited(1, b"s")) + delimited(1, delimited(2, b"v")))
    ),
    "a scope behind some of its records, after others of another resource": record(BODY)
    + delimited(
        1,
        delimited(2, delimited(2, BODY) + delimited(1, delimited(1, b"s")) + delimited(2, BODY))
        + delimited(2, delimited(2, BODY) + delimited(3, b"late") + delimited(2, BODY)),
    )
    + record(BODY),
    "references into a string table": record(
        delimited(6, field(3, 0, b"\x05") + delimited(2, field(8, 0, b"\x05"))) + delimited(5, field(8, 0, b"\x01"))
    ),
    "the highest field number": record(field(2**29 - 1, 0, b"\x01") + BODY),
    "unknown fields beside known ones, at each level": delimited(9, b"x")
    + delimited(
        1,
        delimited(9, b"x")
        + delimited(2, delimited(9, b"x") + delimited(2, BODY + delimited(99, b"x") + group(98, BODY)) + group(97, b""))
        + delimited(2, delimited(1, b"") + field(9, 0, b"\x01"))
        + delimited(2, b""),
    ),
    "a resource without records beside an unknown number": delimited(1, delimited(1, b"") + field(9, 0, b"\x01")),
    "a resource without records beside an unknown empty field": delimited(1, delimited(1, b"") + delimited(9, b"")),
    "the old name of scope_logs": delimited(1, delimited(1, b"") + LIBRARY_LOGS + LIBRARY_LOGS),
    "the old name of scope_logs, its tag in more bytes than it needs": delimited(
        1, overlong(1000 << 3 | 2, 5) + LIBRARY_LOGS[2:]
    ),
    "the old name of scope_logs, beside others": record(BODY) + delimited(1, LIBRARY_LOGS) + record(BODY),
    "the old name of scope_logs, nested as deeply as protobuf permits": nested(48, old_record),
}
REFUSED = {
    "a cut tag": b"\x8a",
    "a cut length": record(BODY)[:2] + b"\x80",
    "a length beyond the end": b"\x0a\x05\x00",
    "a length of 2^31": field(1, 2, varint(2**31)),
    "a length of 2^63": field(1, 2, varint(2**63)),
    "a length of 2^64 - 1": field(1, 2, varint(2**64 - 1)),
    "a varint of 11 bytes": record(field(2, 0, overlong(9, 11))),
    "a tag of 6 bytes": record(overlong(5 << 3 | 2, 6) + varint(0)),
    "a length of 6 bytes": record(varint(5 << 3 | 2) + overlong(3, 6) + text_value(b"x")),
    "a length of 6 bytes in a group": record(group(15, varint(5 << 3 | 2) + overlong(1, 6) + b"x")),
    "a tag beyond 32 bits": record(varint(1 << 32 | 2) + varint(0)),
    "field number 0": record(field(0, 0, b"\x00")),
    "wire type 6": record(field(15, 6, b"")),
    "wire type 7": record(field(15, 7, b"")),
    "a group that does not end": record(field(15, 3, b"")),
    "a group that ends with another number": record(group(15, b"", 16)),
    "the end of no group": record(field(15, 4, b"")),
    "a fixed64 that is cut": record(field(1, 1, b"1234567")),
    "a fixed32 that is cut": record(field(8, 5, b"123")),
    "values nested too deeply": nested(49),
    "groups nested too deeply": groups(98),
    "a body that is not UTF-8": record(delimited(5, text_value(b"\xff"))),
    "a surrogate in a body": record(delimited(5, text_value(b"\xed\xa0\x80"))),
    "an overlong NUL in a key": record(delimited(6, delimited(1, b"\xc0\x80"))),
    "a text that is not UTF-8 and replaced": record(delimited(5, text_value(b"\xff")) + BODY),
    "a list that is broken and replaced": record(delimited(5, delimited(5, b"\x0a")) + BODY),
    "a severity text that is not UTF-8": record(delimited(3, b"\xe2\x80")),
    "a scope that is broken behind its records": delimited(1, delimited(2, delimited(2, BODY) + delimited(1, b"\x0a"))),
    "a text under the old name that is not UTF-8": old_record(delimited(5, text_value(b"\xff"))),
    "values nested too deeply under the old name": nested(49, old_record),
    "a length beyond the end under the old name": delimited(1, delimited(1000, b"\x12\x05\x00")),
    "what is wrong under the old name, and what is wrong behind it": old_record(delimited(5, text_value(b"\xff")))
    + record(b"\x0a"),
}

# Nothing of it would be kept, or not all; and what the refusal says.
RECORDS = "send log records as resourceLogs[].scopeLogs[].logRecords[]"
UNREAD = {
    "an unknown number in place of records": (
        delimited(2, b"x"),
        f"the request: nothing of the unknown field 2 would be kept: {RECORDS}",
    ),
    "a number in place of records": (
        field(1, 0, b"\x01"),
        f"the request: nothing of the unknown field 1 would be kept: {RECORDS}",
    ),
    "records that lie directly in a resource": (
        record(BODY) + delimited(1, delimited(1, b"") + field(5, 0, b"\x01") + delimited(4, delimited(5, BODY))),
        f"resourceLogs[1]: nothing of the unknown field 4 would be kept: {RECORDS}",
    ),
    "a group in place of scopes": (
        delimited(1, delimited(3, b"url") + group(2, delimited(2, BODY))),
        f"resourceLogs[0]: nothing of the unknown field 2 would be kept: {RECORDS}",
    ),
    "another number in place of records": (
        delimited(1, delimited(2, delimited(2, BODY)) + delimited(2, delimited(1, b"") + delimited(4, BODY))),
        f"resourceLogs[0].scopeLogs[1]: nothing of the unknown field 4 would be kept: {RECORDS}",
    ),
    "a record of unknown fields": (
        delimited(1, delimited(2, delimited(2, BODY) + delimited(2, field(70, 5, b"1234")))),
        "resourceLogs[0].scopeLogs[0].logRecords[1]: nothing of the unknown field 70 would be kept: a log record has a "
        "body, attributes, a time and what else OTLP's LogRecord has",
    ),
    "a record of unknown fields before its scope": (
        delimited(1, delimited(2, delimited(2, delimited(4, b"name")) + delimited(1, b""))),
        "resourceLogs[0].scopeLogs[0].logRecords[0]: nothing of the unknown field 4 would be kept: a log record has a "
        "body, attributes, a time and what else OTLP's LogRecord has",
    ),
    "a span": (
        # trace_id, span_id, name, start and end, an attribute
        record(
            delimited(1, b"t" * 16)
            + delimited(2, b"s" * 8)
            + delimited(5, b"\x0a\x03GET")
            + field(7, 1, b"8" * 8)
            + field(8, 1, b"8" * 8)
            + delimited(9, delimited(1, b"k"))
        ),
        "resourceLogs[0].scopeLogs[0].logRecords[0]: field 1 is not a time, as in a span or a metric: "
        "send log records only",
    ),
    "a metric": (
        record(BODY) + record(delimited(1, b"requests") + delimited(3, b"ms") + delimited(7, field(2, 0, b"\x02"))),
        "resourceLogs[1].scopeLogs[0].logRecords[0]: field 1 is not a time, as in a span or a metric: "
        "send log records only",
    ),
    "records under both names": (
        record(BODY) + delimited(1, delimited(2, delimited(2, BODY)) + LIBRARY_LOGS),
        "resourceLogs[1]: field 1000 is the old instrumentation_library_logs: send scope_logs only, not both",
    ),
    "a record of unknown fields under the old name": (
        delimited(1, LIBRARY_LOGS + delimited(1000, delimited(2, delimited(70, b"x")))),
        "resourceLogs[0].scopeLogs[1].logRecords[0]: nothing of the unknown field 70 would be kept: a log record has a "
        "body, attributes, a time and what else OTLP's LogRecord has",
    ),
}


@pytest.mark.parametrize("request_", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_is_accepted_becomes_the_same_rows(request_: bytes) -> None:
    assert isinstance(assert_same(request_), list)


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_is_refused_with_the_same_error(request_: bytes) -> None:
    assert isinstance(assert_same(request_), tuple)


@pytest.mark.parametrize(("request_", "says"), UNREAD.values(), ids=UNREAD.keys())
def test_what_would_not_be_kept_is_refused_with_all_of_its_request_and_the_field_is_named(
    request_: bytes, says: str
) -> None:
    assert assert_same(request_) == (MalformedRequestError, says)
    if says.startswith("resourceLogs"):
        assert assert_same(request_ + record(BODY)) == (MalformedRequestError, says)


@pytest.mark.parametrize("request_", [request_ for request_, _ in UNREAD.values()], ids=UNREAD.keys())
@pytest.mark.parametrize("bad", ["too many attributes", "broken", "broken under the old name"])
def test_of_two_things_that_are_wrong_both_codecs_tell_the_same(request_: bytes, bad: str) -> None:
    other = {
        "too many attributes": record(delimited(6, b"") * ((1 << 16) + 1)),
        "broken": record(b"\x0a"),
        "broken under the old name": old_record(b"\x0a"),
    }[bad]
    for both in (other + request_, request_ + other):
        assert isinstance(assert_same(both), tuple)


def test_records_under_the_old_name_are_stored_as_under_the_present_one() -> None:
    resource = delimited(1, delimited(1, delimited(1, b"service.name") + delimited(2, text_value(b"old"))))
    present = varint(2 << 3 | 2) + LIBRARY_LOGS[2:]  # the same under another number
    rows = assert_same(delimited(1, resource + LIBRARY_LOGS + LIBRARY_LOGS))
    assert rows == assert_same(delimited(1, resource + present + present))
    assert isinstance(rows, list)
    assert [part.count for part in rows] == [2]


def test_a_request_may_end_at_any_byte() -> None:
    whole = record(
        delimited(6, delimited(1, b"key") + delimited(2, text_value(b"value"))) + BODY + field(1, 1, b"8" * 8)
    )
    for size in range(len(whole) + 1):
        assert_same(whole[:size])


def test_a_refused_request_leaves_nothing_in_the_next() -> None:
    good = record(delimited(6, delimited(1, b"k") + delimited(2, text_value(b"v"))))
    expected = NATIVE.encode(good, NOW)
    for bad in REFUSED.values():
        assert isinstance(outcome(NATIVE, good + bad), tuple)
        assert NATIVE.encode(good, NOW) == expected

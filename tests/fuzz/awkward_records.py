"""Requests that are seldom sent because of the values or the fields of their records."""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tests.codec.wire import delimited, field, overlong, varint
from tests.fuzz.logs_requests import BODY, KVLIST, LIST, WHOLE, attribute, body, double, fixed64, record, records, text

__all__ = ["awkward_records"]


def awkward_records() -> Iterator[tuple[str, bytes]]:
    """Yield requests, each with its name."""
    yield from _of_values()
    yield from _of_fields()


def _of_values() -> Iterator[tuple[str, bytes]]:
    texts = {
        "cut": b"\xe2\x80",
        "lone": b"\x80",
        "ff": b"\xff",
        "overlong-nul": b"\xc0\x80",
        "overlong-3": b"\xe0\x9f\xbf",
        "overlong-4": b"\xf0\x8f\xbf\xbf",
        "surrogate": b"\xed\xa0\x80",
        "beyond": b"\xf4\x90\x80\x80",
        "late": b"abcdefgh" * 3 + b"\xc3",
        "edges": "\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff".encode(),
    }
    for name, value in texts.items():
        yield f"utf8-{name}", record(body(text(value)))
    yield "utf8-nested", record(attribute(b"k", delimited(6, attribute(texts["edges"], text(texts["edges"]), 1))))
    for place, request in {
        "nested-key": record(body(delimited(6, attribute(b"\xed\xa0\x80", text(b""), 1)))),
        "event-name": record(delimited(12, b"\xff")),
        "severity-text": record(delimited(3, b"\xff")),
        "key": record(delimited(6, delimited(1, b"\xff"))),
        "scope": delimited(1, delimited(2, delimited(1, delimited(2, b"\xff")))),
        "schema-url": delimited(1, delimited(3, b"\xff")),
        "entity": delimited(1, delimited(1, delimited(3, delimited(4, b"\xff")))),
    }.items():
        yield f"utf8-broken-{place}", request
    awkward_text = bytes(range(32)) + b'"\\/<>&\x7f' + "\u2028\u2029\u2027".encode() + b"end"
    yield "escapes", record(body(delimited(6, attribute(awkward_text, text(awkward_text), 1))) + BODY[:0])
    yield (
        "strindex",
        record(delimited(6, field(3, 0, b"\x05") + delimited(2, field(8, 0, b"\x05"))) + body(field(8, 0, b"\0"))),
    )
    numbers = (
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        1e-3,
        1e-6,
        9.999999999999997e-7,
        1e-7,
        1e9,
        123456789.123456,
        1e20,
        1e21,
        2.0**67,
        5e-324,
        2.2250738585072009e-308,
        1.7976931348623157e308,
        float("nan"),
        float("inf"),
        -float("inf"),
    )
    elements = b"".join(delimited(1, double(number)) for number in numbers)
    yield "doubles", record(body(delimited(5, elements)))
    yield "doubles-in-attributes", record(b"".join(attribute(b"%d" % i, double(x)) for i, x in enumerate(numbers)))
    yield "nan-with-a-payload", record(body(field(4, 1, b"\x01\0\0\0\0\0\xf4\xff")))
    ints = (0, 1, 2**63 - 1, 2**63, 2**64 - 1)
    yield "ints", record(body(delimited(5, b"".join(delimited(1, field(3, 0, varint(number))) for number in ints))))
    bools = b"".join(delimited(1, field(2, 0, value)) for value in (b"\0", b"\x01", varint(2**40), overlong(0, 10)))
    yield "bools", record(body(delimited(5, bools)))
    yield "bytes", record(body(delimited(5, b"".join(delimited(1, delimited(7, b"\xff" * size)) for size in range(7)))))
    yield (
        "elements-alike",
        record(body(delimited(5, delimited(1, LIST) * 3)) + attribute(b"a", delimited(5, delimited(1, b"") * 2))),
    )
    yield (
        "elements-of-all-kinds",
        record(
            body(
                delimited(
                    5,
                    b"".join(
                        delimited(1, value) for value in (b"", text(b""), field(2, 0, b"\1"), double(1), LIST, KVLIST)
                    ),
                )
            )
        ),
    )
    yield "empty-lists", record(body(delimited(5, b"")) + attribute(b"a", delimited(6, b"")) + delimited(6, b""))
    members = [
        (b"b", field(3, 0, b"\1")),
        (b"a", text(b"2")),
        (b"b", text(b"3")),
        (b"", b""),
        (b"a", text(b"1")),
        (b"\xc3\xa9", LIST),
    ]
    yield "keys-twice-in-a-list", record(body(delimited(6, b"".join(attribute(*member, 1) for member in members))))
    yield "keys-twice", record(b"".join(attribute(*member) for member in members))
    yield (
        "keys-twice-around",
        delimited(
            1,
            delimited(1, b"".join(attribute(*member, 1) for member in members))
            + delimited(2, delimited(1, b"".join(attribute(*member, 3) for member in members)) + delimited(2, BODY)),
        ),
    )


def _of_fields() -> Iterator[tuple[str, bytes]]:
    ids = [(b"\xab" * size, b"\x01" * size) for size in (0, 1, 7, 8, 9, 15, 16, 17, 32)]
    ids += [(bytes(16), bytes(8)), (bytes(15) + b"\x01", bytes(7) + b"\x01")]
    yield "ids", records(delimited(9, trace_id) + delimited(10, span_id) for trace_id, span_id in ids)
    times = (0, 1, 2**63 - 1, 2**63, 2**64 - 1)
    yield "times", records(fixed64(1, time) + fixed64(11, 2**64 - 1 - time) for time in times)
    severities = (0, 16, 17, 199, 200, 255, 256, 265, 2**31, 2**32 + 9, 2**64 - 1)
    yield "severities", records(field(2, 0, varint(number)) + attribute(b"a", text(b"y")) for number in severities)
    yield "flags", record(field(8, 5, b"\xff" * 4) + field(7, 0, varint(2**32 - 1)))
    yield (
        "fields-twice",
        record(
            delimited(3, b"A")
            + delimited(3, b"B")
            + field(2, 0, b"\x01")
            + field(2, 0, b"\x02")
            + delimited(9, b"x")
            + delimited(9, b"")
        ),
    )
    yield (
        "fields-reversed",
        record(
            delimited(12, b"e")
            + fixed64(11, 5)
            + delimited(10, b"s" * 8)
            + field(8, 5, b"\1\2\3\4")
            + attribute(b"k", b"")
            + BODY
            + delimited(3, b"WARN")
            + field(2, 0, b"\x0d")
            + fixed64(1, 4)
        ),
    )
    for name, match in {
        "body": BODY,
        "event": delimited(12, b"audit.x"),
        "event-attribute": attribute(b"event.name", text(b"audit.x")),
        "built-in": attribute(b"audit.action", text(b"Login")) + attribute(b"audit.outcome", text(b"403")),
        "last-of-many": attribute(b"k69", text(b"v")),
        "prefix": attribute(b"a", text(b"x")) + attribute(b"b", b""),
        "int": attribute(b"log.type", text(b"audit")) + attribute(b"user.id", field(3, 0, b"\x2a")),
    }.items():
        yield f"rules-{name}", record(match) + WHOLE
    request = ExportLogsServiceRequest()
    scope_logs = request.resource_logs.add().scope_logs.add()
    kinds = (
        AnyValue(),
        AnyValue(string_value="s"),
        AnyValue(int_value=1),
        AnyValue(double_value=0.5),
        AnyValue(bool_value=True),
    )
    for number in range(24):  # more layouts than are remembered, each met again; all scalars under each key
        keys = [f"k{(number * 7 + place) % 5}" for place in range(number % 11)]
        attributes = [KeyValue(key=key, value=kinds[(number + i) % 5]) for i, key in enumerate(keys)]
        scope_logs.log_records.append(
            LogRecord(attributes=attributes, time_unix_nano=number % 2, body=kinds[number % 5])
        )
    yield "layouts", request.SerializeToString()
    bodies = [AnyValue(int_value=1), AnyValue(string_value="1"), AnyValue(bool_value=True), AnyValue()]
    del scope_logs.log_records[:]
    scope_logs.log_records.extend(LogRecord(body=value) for value in bodies * 2)
    yield "bodies-of-different-types", request.SerializeToString()
    # Alone in a request each is longer than what a buffer for the record happens to have to spare.
    long = b"long" * 110
    around = attribute(b"service.name", text(long), 1)
    for name, request_bytes in {
        "severity-text": record(delimited(3, long)),
        "body": record(body(text(long))),
        "event-name": record(delimited(12, long)),
        "key": record(attribute(long, b"")),
        "value": record(attribute(b"k", text(long))),
        "details": record(delimited(9, long)),
        "audit": record(attribute(b"audit", b"") + attribute(b"a", text(long))),
        "service": delimited(1, delimited(1, around) + delimited(2, delimited(2, b""))),
        "scope": delimited(1, delimited(2, delimited(1, delimited(1, long)) + delimited(2, b""))),
        "schema-url": delimited(1, delimited(3, long) + delimited(2, delimited(2, b""))),
    }.items():
        yield f"long-{name}", request_bytes
    yield "attributes-128", record(b"".join(attribute(b"%d" % (i * 31 % 200), b"") for i in range(128)))
    yield "attributes-129", record(b"".join(attribute(b"%d" % (i * 31 % 200), b"") for i in range(129)))
    yield "records-501", delimited(1, delimited(2, delimited(2, b"") * 501))
    yield (
        "resource-repeated",
        delimited(1, delimited(1, attribute(b"k", text(b"v" * 1000), 1)) + delimited(2, delimited(2, b"") * 300)),
    )

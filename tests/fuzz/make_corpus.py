"""Writes the inputs that fuzzing starts from.

    .venv/bin/python -m tests.fuzz.make_corpus SEEDS

The awkward requests below go to tests/fuzz/corpus, each under its name. Whole requests of every kind go to the
folder SEEDS: ``tests/fuzz/run --keep SEEDS --merge`` chooses from them, and from what fuzzing added there, what
the corpus needs.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.signals import Signal
from tests.codec.strategies import requests
from tests.codec.wire import delimited, field, group, overlong, varint
from tests.fuzz.target import CORPORA, MAX_LENGTH

_EXAMPLES = 300
_MOST_BYTES = 1024  # of a generated request: the fuzzer joins them


def record(content: bytes) -> bytes:
    """Return a request with one record."""
    return delimited(1, delimited(2, delimited(2, content)))


def records(contents: Iterable[bytes]) -> bytes:
    """Return a request with many records."""
    return delimited(1, delimited(2, b"".join(delimited(2, content) for content in contents)))


def text(value: bytes) -> bytes:
    """Return an AnyValue that is a string."""
    return delimited(1, value)


def body(value: bytes) -> bytes:
    """Return a record's body."""
    return delimited(5, value)


def attribute(key: bytes, value: bytes, number: int = 6) -> bytes:
    """Return an attribute; 6 is its number in a record, 1 in a resource and in lists, 3 in a scope."""
    return delimited(number, delimited(1, key) + delimited(2, value))


def double(number: float) -> bytes:
    """Return an AnyValue that is a double."""
    return field(4, 1, struct.pack("<d", number))


def fixed64(number: int, value: int) -> bytes:
    """Return a fixed64 field."""
    return field(number, 1, struct.pack("<Q", value))


WHOLE = delimited(
    1,
    delimited(
        1, attribute(b"service.name", text(b"svc"), 1) + attribute(b"a", field(3, 0, b"\x07"), 1) + field(2, 0, b"\x01")
    )
    + delimited(
        2,
        delimited(
            1, delimited(1, b"scope") + delimited(2, b"1.0") + attribute(b"b", text(b"v"), 3) + field(4, 0, b"\x02")
        )
        + delimited(
            2,
            fixed64(1, 1_800_000_000 * 10**9)
            + field(2, 0, b"\x09")
            + delimited(3, b"INFO")
            + body(text(b"text"))
            + attribute(b"audit", text(b"yes"))
            + attribute(b"a", text(b"x1"))
            + field(7, 0, b"\x03")
            + field(8, 5, b"\x01\0\0\0")
            + delimited(9, bytes(range(16)))
            + delimited(10, bytes(range(8)))
            + fixed64(11, 1_800_000_001 * 10**9)
            + delimited(12, b"audit.login"),
        )
        + delimited(3, b"https://schema/s"),
    )
    + delimited(3, b"https://schema/r"),
)
BODY = body(text(b"x"))
LIST = delimited(5, delimited(1, text(b"a")))
KVLIST = delimited(6, attribute(b"k", text(b"a"), 1))


def _nested(arrays: int, number: int = 5) -> bytes:
    value = field(3, 0, b"\x01")
    for _ in range(arrays):
        inner = value if number == 5 else delimited(1, b"k") + delimited(2, value)
        value = delimited(number, delimited(1, inner))
    return record(body(value))


def _groups(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = group(15, content)
    return content


def awkward() -> Iterator[tuple[str, bytes]]:
    """Yield requests that are seldom sent, and bytes that are none, each with its name."""
    yield "empty", b""
    yield "whole", WHOLE
    yield "whole-twice", WHOLE * 2
    for size in range(1, len(WHOLE), 41):
        yield f"truncated-{size:03}", WHOLE[:size]
    yield from _awkward_wire()
    yield from _awkward_depth()
    yield from _awkward_messages()
    yield from _awkward_unread()
    yield from _awkward_values()
    yield from _awkward_records()


def _awkward_wire() -> Iterator[tuple[str, bytes]]:
    for size in (2, 5, 6, 10, 11):
        yield f"overlong-varint-{size:02}", record(field(2, 0, overlong(9, size)) + BODY)
        yield f"overlong-length-{size:02}", record(varint(5 << 3 | 2) + overlong(3, size) + text(b"x"))
        yield f"overlong-tag-{size:02}", record(overlong(5 << 3 | 2, size) + varint(3) + text(b"x"))
    yield "varint-beyond-64-bits", record(field(2, 0, b"\x89" + b"\x80" * 8 + b"\x7e"))
    yield "varint-that-does-not-end", record(field(2, 0, b"\xff" * 12))
    for power in (31, 32, 63, 64):
        length = varint(2**power - (power == 64))
        yield f"length-2-to-{power}", field(1, 2, length)
        yield f"length-2-to-{power}-of-text", record(field(3, 2, length) + b"x")
        yield f"length-2-to-{power}-in-group", record(field(15, 3, field(1, 2, length)))
    yield "length-one-too-many", record(field(3, 2, b"\x02") + b"x")
    yield "number-0", record(field(0, 0, b"\x00"))
    yield "number-highest", record(field(2**29 - 1, 0, b"\x01") + BODY)
    yield "tag-beyond-32-bits", record(varint(1 << 32 | 2) + b"\x00")
    for wire_type in (6, 7):
        yield f"wire-type-{wire_type}", record(field(5, wire_type, b""))
    yield (
        "other-wire-types",
        records(
            field(number, 0, b"\x01")
            + field(number, 1, b"8" * 8)
            + field(number, 5, b"4444")
            + group(number, b"")
            + BODY
            for number in range(2, 13)
        ),
    )
    yield (
        "unknown-fields",
        record(
            field(100, 0, b"\x01") + delimited(101, b"\xff") + field(102, 1, b"8" * 8) + field(103, 5, b"4444") + BODY
        ),
    )
    yield (
        "group",
        record(
            group(15, field(1, 0, b"\x01") + field(2, 1, b"8" * 8) + delimited(3, b"x") + field(4, 5, b"1234")) + BODY
        ),
    )
    yield "group-in-place-of-a-message", group(1, WHOLE) + WHOLE
    yield "groups-nested-and-alike", record(group(5, group(5, group(6, b"") + BODY)) + BODY)
    yield "group-ended-by-another", record(group(15, b"", 16))
    yield "group-not-ended", record(field(15, 3, BODY))
    yield "group-not-begun", record(field(15, 4, b"") + BODY)
    yield "group-of-number-0", record(group(0, b""))
    yield "group-with-number-0-in-it", record(group(15, field(0, 2, b"\x00")) + BODY)
    yield "group-with-wire-type-6", record(group(1, field(1, 6, b"")))


def _awkward_depth() -> Iterator[tuple[str, bytes]]:
    for arrays in (1, 10, 47, 48, 49, 50):
        yield f"deep-arrays-{arrays:02}", _nested(arrays)
    for lists in (30, 31, 32, 33, 34):
        yield f"deep-kvlists-{lists:02}", _nested(lists, 6)
    for depth in (96, 97, 98, 99):
        yield f"deep-groups-{depth}", record(_groups(depth) + BODY)
    for depth in (98, 99, 100, 101, 102):
        yield f"deep-groups-on-top-{depth:03}", _groups(depth) + record(BODY)
    yield "deep-group-in-deep-array", record(body(delimited(5, delimited(1, delimited(5, delimited(1, _groups(93)))))))
    parts = text(b"x")
    for _ in range(20):
        parts = delimited(5, b"") + delimited(5, delimited(1, parts))
    yield "deep-arrays-in-parts", record(body(parts))


def _awkward_unread() -> Iterator[tuple[str, bytes]]:
    library = delimited(1000, delimited(1, delimited(1, b"lib")) + delimited(2, BODY))
    yield "old-scope-logs", delimited(1, library + delimited(1, b"")) + record(BODY)
    yield "old-scope-logs-beside-present", delimited(1, library + delimited(2, delimited(2, BODY)))
    yield "old-scope-logs-but-broken", delimited(1, library + delimited(1000, delimited(2, body(text(b"\xff")))))
    yield "unread-in-request", delimited(2, delimited(2, BODY))
    yield "unread-in-resource", record(BODY) + delimited(1, delimited(1, b"") + delimited(4, BODY))
    yield "unread-in-scope", delimited(1, delimited(2, delimited(1, b"") + group(2, BODY)))
    yield "unread-in-record", delimited(1, delimited(1000, delimited(2, BODY) + delimited(2, field(4, 0, b"\x01"))))
    yield "unread-metric", record(delimited(1, b"metric") + delimited(3, b"ms"))


def _awkward_messages() -> Iterator[tuple[str, bytes]]:
    name, other = attribute(b"service.name", text(b"late"), 1), attribute(b"service.name", text(b"later"), 1)
    records = delimited(2, delimited(2, BODY))
    yield "resource-behind-its-records", delimited(1, delimited(3, b"url") + records + delimited(1, name))
    yield (
        "resource-in-parts",
        delimited(
            1,
            delimited(1, name + field(2, 0, b"\x01"))
            + records
            + delimited(1, other)
            + delimited(1, field(2, 0, b"\x02")),
        ),
    )
    yield (
        "scope-behind-its-records",
        delimited(1, delimited(2, delimited(2, BODY) + delimited(1, delimited(1, b"scope")))),
    )
    yield (
        "scope-in-parts",
        delimited(
            1,
            delimited(
                2,
                delimited(1, delimited(1, b"s") + attribute(b"a", text(b"1"), 3))
                + delimited(2, BODY)
                + delimited(1, delimited(2, b"v") + attribute(b"a", text(b"2"), 3))
                + delimited(1, delimited(1, b"scope")),
            ),
        ),
    )
    yield (
        "schema-urls-twice",
        delimited(
            1,
            delimited(3, b"1")
            + delimited(3, b"2")
            + delimited(2, delimited(3, b"3") + delimited(3, b"") + delimited(2, b"")),
        ),
    )
    yield "resource-without-records", delimited(1, delimited(1, name)) + delimited(1, b"") + WHOLE
    yield "scope-without-records", delimited(1, delimited(2, delimited(1, b"")) + delimited(2, b"") + records)
    yield "scope-without-records-but-broken", delimited(1, delimited(2, delimited(1, delimited(1, b"\xff"))))
    yield "scope-broken-behind-its-records", delimited(1, delimited(2, delimited(2, BODY) + delimited(1, b"\x0a")))
    yield "body-in-parts", record(body(LIST) * 3)
    yield "body-in-parts-of-different-kinds", record(body(LIST) + body(KVLIST) + body(LIST) + body(LIST))
    yield "kvlist-in-parts", record(body(KVLIST + KVLIST) + body(KVLIST))
    yield (
        "value-in-parts",
        record(delimited(6, delimited(2, LIST) + delimited(1, b"k") + delimited(2, LIST) + delimited(1, b"a"))),
    )
    yield (
        "value-in-parts-in-a-list",
        record(body(delimited(6, delimited(1, delimited(2, LIST) + delimited(2, LIST) + delimited(1, b"k"))))),
    )
    yield (
        "oneof-replaced",
        record(
            body(LIST + text(b"x"))
            + attribute(b"a", text(b"x") + LIST)
            + attribute(b"b", KVLIST + field(8, 0, b"\x01"))
        ),
    )
    yield "oneof-replaced-and-back", record(body(LIST + field(3, 0, b"\x01") + delimited(5, delimited(1, text(b"b")))))
    yield (
        "oneof-not-replaced-by-another-wire-type",
        record(body(text(b"x") + field(3, 5, b"1234") + field(1, 0, b"\x01"))),
    )
    yield "replaced-but-broken", record(body(delimited(5, b"\x0a")) + BODY)
    yield "replaced-but-not-utf8", record(body(text(b"\xff") + text(b"x")))
    yield (
        "entity-refs",
        delimited(
            1,
            delimited(
                1,
                delimited(3, delimited(1, b"u") + delimited(2, b"t") + delimited(3, b'"') + delimited(4, b"")) * 2
                + delimited(3, b""),
            )
            + records,
        ),
    )


def _awkward_values() -> Iterator[tuple[str, bytes]]:
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


def _awkward_records() -> Iterator[tuple[str, bytes]]:
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


def generated(examples: st.SearchStrategy[bytes]) -> set[bytes]:
    """Return requests that hold everything that a request can hold."""
    made: set[bytes] = set()

    @settings(
        max_examples=_EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(examples)
    def collect(data: bytes) -> None:
        if len(data) <= _MOST_BYTES:
            made.add(data)

    collect()
    return made


def main() -> None:
    """Write the inputs."""
    examples = requests(max_records=3).map(ExportLogsServiceRequest.SerializeToString)
    write(CORPORA[Signal.LOGS], awkward(), examples, "python -m tests.fuzz.make_corpus", __doc__)


def write(
    corpus: Path,
    named: Iterable[tuple[str, bytes]],
    examples: st.SearchStrategy[bytes],
    prog: str,
    description: str | None,
) -> None:
    """Write named inputs to a corpus, and generated ones to the folder that the command line says."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("seeds", type=Path, help="folder for whole requests of every kind")
    arguments = parser.parse_args()
    corpus.mkdir(exist_ok=True)
    for name, data in named:
        if len(data) > MAX_LENGTH:
            raise ValueError(f"{name} is too long")
        (corpus / name).write_bytes(data)
    arguments.seeds.mkdir(parents=True, exist_ok=True)
    for data in generated(examples):
        (arguments.seeds / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


if __name__ == "__main__":
    main()

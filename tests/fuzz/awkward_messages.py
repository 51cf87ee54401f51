"""Requests that are seldom sent because of their wire format, nesting, or messages in parts."""

from __future__ import annotations

from collections.abc import Iterator

from tests.codec.wire import delimited, field, group, overlong, varint
from tests.fuzz.logs_requests import BODY, KVLIST, LIST, WHOLE, attribute, body, record, records, text

__all__ = ["awkward_messages"]


def awkward_messages() -> Iterator[tuple[str, bytes]]:
    """Yield requests, and bytes that are none, each with its name."""
    yield from _of_the_wire_format()
    yield from _deep()
    yield from _in_parts()
    yield from _unread()


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


def _of_the_wire_format() -> Iterator[tuple[str, bytes]]:
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


def _deep() -> Iterator[tuple[str, bytes]]:
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


def _unread() -> Iterator[tuple[str, bytes]]:
    library = delimited(1000, delimited(1, delimited(1, b"lib")) + delimited(2, BODY))
    yield "old-scope-logs", delimited(1, library + delimited(1, b"")) + record(BODY)
    yield "old-scope-logs-beside-present", delimited(1, library + delimited(2, delimited(2, BODY)))
    yield "old-scope-logs-but-broken", delimited(1, library + delimited(1000, delimited(2, body(text(b"\xff")))))
    yield "unread-in-request", delimited(2, delimited(2, BODY))
    yield "unread-in-resource", record(BODY) + delimited(1, delimited(1, b"") + delimited(4, BODY))
    yield "unread-in-scope", delimited(1, delimited(2, delimited(1, b"") + group(2, BODY)))
    yield "unread-in-record", delimited(1, delimited(1000, delimited(2, BODY) + delimited(2, field(4, 0, b"\x01"))))
    yield "unread-metric", record(delimited(1, b"metric") + delimited(3, b"ms"))


def _in_parts() -> Iterator[tuple[str, bytes]]:
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

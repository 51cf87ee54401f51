"""Logs requests and their parts as bytes, with whatever one cares to put into them."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from tests.codec.wire import delimited, field

__all__ = ["BODY", "KVLIST", "LIST", "WHOLE", "attribute", "body", "double", "fixed64", "record", "records", "text"]


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

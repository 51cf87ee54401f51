"""Paths to values within attributes and bodies: ``user.username``, ``sourceIPs[0]``, ``target[*].id``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

__all__ = ["ALL", "BYTES", "HEX", "MOST_SEGMENTS", "Path", "Segment", "parse_path"]

ALL = "*"
"""The segment ``[*]``: all elements of a list."""

BYTES = "bytes"
"""The segment ``[bytes]``: the text of a list of bytes."""

HEX = "hex"
"""The segment ``[hex]``: the text of bytes in hexadecimal digits."""

MOST_SEGMENTS = 16

Segment = bytes | int | str
"""A key in UTF-8, the position of an element (0 is the first, -1 the last), ``ALL``, ``BYTES`` or ``HEX``."""

_INDEX = re.compile(r"\[([0-9]{1,3}|-1|\*|bytes|hex)\]")


@dataclass(frozen=True, slots=True)
class Path:
    """A path, as it is written and in segments.

    Attributes:
        text: the path in UTF-8. An attribute with this very key is found first.
        segments: keys between dots, and positions in lists.
    """

    text: bytes
    segments: tuple[Segment, ...]


def beginnings(segments: tuple[Segment, ...]) -> Iterator[tuple[int, bytes]]:
    """Yield the keys with which segments can begin, with their number of segments, the longest first.

    Keys may contain dots: ``a.b.c`` can be the key ``a.b.c``, ``c`` in ``a.b``, ``b.c`` in ``a``, or three maps.
    """
    keys = [key for key in takewhile(lambda segment: isinstance(segment, bytes), segments) if isinstance(key, bytes)]
    for count in range(len(keys), 0, -1):
        yield count, b".".join(keys[:count])


def parse_path(text: str) -> Path:
    """Read a path; brackets that hold no position belong to a key.

    Raises:
        ValueError: the path is empty or has more than ``MOST_SEGMENTS`` segments.
    """
    if not text:
        raise ValueError("the path is empty: name an attribute, such as user.id")
    segments: list[Segment] = []
    for part in text.split("."):
        key, indexes = _cut_indexes(part)
        if key or not indexes:
            segments.append(key.encode())
        segments += indexes
    if len(segments) > MOST_SEGMENTS:
        raise ValueError(f"the path {text[:80]!r} has {len(segments)} parts, but at most {MOST_SEGMENTS} are allowed")
    return Path(text.encode(), tuple(segments))


def _cut_indexes(part: str) -> tuple[str, list[Segment]]:
    indexes: list[Segment] = []
    while match := re.search(_INDEX.pattern + r"\Z", part):
        indexes.insert(0, match[1] if match[1] in (ALL, BYTES, HEX) else int(match[1]))
        part = part[: match.start()]
    return part, indexes

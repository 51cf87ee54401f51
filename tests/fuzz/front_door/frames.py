"""HTTP/2 frames (RFC 9113) by hand: what no library would write."""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

__all__ = [
    "ACK",
    "END_HEADERS",
    "END_STREAM",
    "PADDED",
    "PREFACE",
    "PRIORITY",
    "Frame",
    "Kind",
    "block",
    "frame",
    "integer",
    "literal",
    "read_frames",
    "settings",
    "unpadded",
]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY = 0x20

_HEAD = 9  # bytes before the payload


class Kind(IntEnum):
    """Frame types (RFC 9113, section 6)."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it stands on the wire."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"", length: int | None = None) -> bytes:
    """Write a frame; ``length`` is a lie about its size, ``stream`` may have the reserved bit."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size & 0xFFFFFF)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(values: Iterable[tuple[int, int]] = (), flags: int = 0) -> bytes:
    """Write a SETTINGS frame."""
    return frame(Kind.SETTINGS, flags, 0, b"".join(struct.pack(">HI", *pair) for pair in values))


def read_frames(data: bytes | bytearray) -> Iterator[tuple[Frame, int]]:
    """Yield the whole frames, each with where it ends."""
    at = 0
    while len(data) - at >= _HEAD:
        size = int.from_bytes(data[at : at + 3])
        kind, flags, stream = struct.unpack_from(">BBI", data, at + 3)
        end = at + _HEAD + size
        if end > len(data):
            return
        yield Frame(kind, flags, stream & 0x7FFFFFFF, bytes(data[at + _HEAD : end])), end
        at = end


def unpadded(read: Frame) -> bytes:
    """Return the payload of a DATA or HEADERS frame without padding and priority.

    Raises:
        ValueError: there is more padding than payload.
    """
    payload = read.payload
    if read.flags & PADDED:
        if not payload or payload[0] >= len(payload):
            raise ValueError("padding")
        payload = payload[1 : len(payload) - payload[0]]
    return payload[5:] if read.kind == Kind.HEADERS and read.flags & PRIORITY else payload


def integer(value: int, prefix: int, first: int = 0) -> bytes:
    """Encode an integer of HPACK (RFC 7541, 5.1)."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes((first | value,))
    out = bytearray((first | most,))
    value -= most
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


@functools.lru_cache(4096)
def literal(name: bytes, value: bytes, first: int = 0) -> bytes:
    """Encode a header field without Huffman coding; ``first`` 0x40 puts it into the dynamic table."""
    return bytes((first,)) + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Encode header fields, none of which is remembered."""
    return b"".join(literal(name, value) for name, value in headers)

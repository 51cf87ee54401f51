"""Calls of the logs service over HTTP/2, put together of frames."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tests.fuzz.front_door.frames import END_HEADERS, END_STREAM, Kind, block, frame

__all__ = [
    "EXPORT",
    "MAX_FRAME",
    "Call",
    "Headers",
    "block_frames",
    "call_headers",
    "data_frames",
    "headers_frame",
    "message",
    "whole_call",
]

EXPORT = b"/opentelemetry.proto.collector.logs.v1.LogsService/Export"

MAX_FRAME = 16384  # bytes of a payload, unless the server says more (RFC 9113, 6.5.2)

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Call:
    """Bytes that are written for one stream.

    Attributes:
        kind: what is wrong with it.
        frames: the frames.
        certain: the stream is whole, so that it has to be answered, or the connection ends.
        streams: how many stream numbers it takes.
    """

    kind: str
    frames: bytes
    certain: bool = True
    streams: int = 1


def call_headers(**changed: bytes) -> Headers:
    """The header fields of a call; names by keyword, ``content_type`` for content-type."""
    headers = {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": EXPORT,
        b":authority": b"127.0.0.1",
        b"content-type": b"application/grpc",
        b"te": b"trailers",
    }
    headers |= {name.replace("_", "-").encode(): value for name, value in changed.items()}
    return list(headers.items())


def message(data: bytes, flag: int = 0, size: int | None = None) -> bytes:
    """Length-Prefixed-Message (gRPC over HTTP/2, "Requests"); ``size`` is a lie."""
    return struct.pack(">BI", flag, len(data) if size is None else size) + data


def data_frames(stream: int, data: bytes, piece: int = MAX_FRAME, *, end: bool = True) -> bytes:
    """Write DATA frames of at most that size."""
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)] or [b""]
    flags = [0] * (len(pieces) - 1) + [END_STREAM if end else 0]
    return b"".join(frame(Kind.DATA, flag, stream, part) for part, flag in zip(pieces, flags, strict=True))


def headers_frame(stream: int, headers: Headers, flags: int = END_HEADERS) -> bytes:
    """Write a HEADERS frame, with CONTINUATION frames where one is not enough."""
    return block_frames(stream, block(headers), flags)


def block_frames(stream: int, encoded: bytes, flags: int = END_HEADERS, piece: int = MAX_FRAME) -> bytes:
    """Write a header block."""
    pieces = [encoded[at : at + piece] for at in range(0, len(encoded), piece)] or [b""]
    if len(pieces) == 1:
        return frame(Kind.HEADERS, flags, stream, pieces[0])
    middle = b"".join(frame(Kind.CONTINUATION, 0, stream, part) for part in pieces[1:-1])
    last = frame(Kind.CONTINUATION, flags & END_HEADERS, stream, pieces[-1])
    return frame(Kind.HEADERS, flags & ~END_HEADERS, stream, pieces[0]) + middle + last


def whole_call(stream: int, data: bytes, **changed: bytes) -> bytes:
    """Write all frames of a call."""
    return headers_frame(stream, call_headers(**changed)) + data_frames(stream, data)

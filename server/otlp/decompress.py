"""Decompression that stops at a limit.

"The server MUST enforce a message size limit when receiving the request, including after decompression"
(OTLP specification, "Message size"). The limit is checked while inflating, so that a small body that
inflates to gigabytes costs no more memory than a body of the permitted size.
"""

from __future__ import annotations

import zlib

import zstandard

from server.otlp.errors import TooLargeError, UnsupportedEncodingError
from server.pipeline.errors import MalformedRequestError

__all__ = ["ENCODINGS", "decompress"]

ENCODINGS = ("gzip", "zstd", "identity")
"""The accepted Content-Encodings. OTLP demands gzip and none; zstd is the Collector's other favourite."""

# RFC 9110, 8.4.1.3: "A recipient SHOULD consider 'x-gzip' to be equivalent to 'gzip'".
_GZIP_NAMES = ("gzip", "x-gzip")

# What follows the end of a member is copied, so a body made of nothing but tiny members would cost the
# square of its size. It is fed in pieces for that reason, and the number of members has a bound.
_PIECE = 64 * 1024
_MAX_MEMBERS = 4096

# wbits of zlib: the largest window, and 16 for "gzip header and trailer".
_GZIP_WBITS = 16 + zlib.MAX_WBITS

# RFC 9659, section 3: a zstd Content-Encoding must not need a window larger than 8 MB.
_ZSTD_MAX_WINDOW = 8 * 1024 * 1024


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo a Content-Encoding.

    Args:
        body: the body as it was sent.
        encoding: the Content-Encoding header; empty means none.
        limit: the largest permitted result in bytes.

    Raises:
        UnsupportedEncodingError: the encoding is unknown, or there is more than one.
        TooLargeError: the result would be larger than the limit.
        MalformedRequestError: the body is damaged or ends too early.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        if len(body) > limit:
            raise TooLargeError(limit)
        return body
    if name in _GZIP_NAMES:
        return _gunzip(body, limit)
    if name == "zstd":
        return _unzstd(body, limit)
    raise UnsupportedEncodingError(f"Content-Encoding {encoding[:64]!r} is not supported", ENCODINGS)


def _gunzip(body: bytes, limit: int) -> bytes:
    """Inflate one or more gzip members (RFC 1952, 2.2: members "simply appear one after another")."""
    pieces: list[bytes] = []
    size = 0
    members = 1
    member = zlib.decompressobj(_GZIP_WBITS)
    try:
        for start in range(0, len(body), _PIECE):
            data = body[start : start + _PIECE]
            while data:
                if member.eof:
                    members += 1
                    if members > _MAX_MEMBERS:
                        raise MalformedRequestError(f"the gzip body has more than {_MAX_MEMBERS} members")
                    member = zlib.decompressobj(_GZIP_WBITS)
                # One byte more than is permitted is enough to know that there is too much, and as this
                # stops there, nothing is ever left over in member.unconsumed_tail.
                piece = member.decompress(data, limit - size + 1)
                size += len(piece)
                if size > limit:
                    raise TooLargeError(limit)
                pieces.append(piece)
                data = member.unused_data
    except zlib.error as error:
        raise MalformedRequestError(f"the gzip body is damaged: {error}") from error
    if not member.eof:
        raise MalformedRequestError("the gzip body ends too early")
    return b"".join(pieces)


def _unzstd(body: bytes, limit: int) -> bytes:
    """Decompress one or more zstd frames (RFC 8878, section 3).

    The reader of this library can stop at a size, but does not tell a cut body from a whole one; the
    decompression object tells, but cannot stop. So the body is measured with the first and read with the
    second, which costs a second pass over at most ``limit`` bytes.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW)
    pieces: list[bytes] = []
    frames = 1
    try:
        _measure_zstd(decompressor, body, limit)
        frame = decompressor.decompressobj()
        for start in range(0, len(body), _PIECE):
            data = body[start : start + _PIECE]
            while data:
                if frame.eof:
                    frames += 1
                    if frames > _MAX_MEMBERS:
                        raise MalformedRequestError(f"the zstd body has more than {_MAX_MEMBERS} frames")
                    frame = decompressor.decompressobj()
                pieces.append(frame.decompress(data))
                data = frame.unused_data
    except zstandard.ZstdError as error:
        raise MalformedRequestError(f"the zstd body is damaged: {error}") from error
    if not frame.eof:
        raise MalformedRequestError("the zstd body ends too early")
    return b"".join(pieces)


def _measure_zstd(decompressor: zstandard.ZstdDecompressor, body: bytes, limit: int) -> None:
    """Raise if the frames hold more than the limit; keep nothing of what they hold."""
    size = 0
    with decompressor.stream_reader(body, read_across_frames=True) as reader:
        while piece := reader.read(_PIECE):
            size += len(piece)
            if size > limit:
                raise TooLargeError(limit)

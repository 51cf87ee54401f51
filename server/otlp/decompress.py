"""Decompression that stops at a limit.

"The server MUST enforce a message size limit when receiving the request, including after decompression"
(OTLP specification, "Message size"). The limit is checked while inflating, so that a small body that
inflates to gigabytes costs no more memory than a body of the permitted size. And whoever keeps account of memory
is asked before more of it is taken.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import zstandard

from server.errors.ingest import MalformedRequestError
from server.otlp.errors import TooLargeError, UnsupportedEncodingError

__all__ = ["ENCODINGS", "Hold", "decompress", "decompress_message", "is_compressed"]

ENCODINGS = ("gzip", "zstd", "identity")
"""The accepted Content-Encodings. OTLP demands gzip and none; zstd is the Collector's other favourite."""

Hold = Callable[[int], None]
"""Is told how many bytes a result will have, or may have soon; raises where there is no room for so many."""

# RFC 9110, 8.4.1.3: "A recipient SHOULD consider 'x-gzip' to be equivalent to 'gzip'".
_GZIP_NAMES = ("gzip", "x-gzip")

# What follows the end of a member is copied, so a body made of nothing but tiny members would cost the
# square of its size. It is fed in pieces for that reason, and the number of members has a bound.
_PIECE = 64 * 1024
_FIRST_HOLD = 1024 * 1024  # bytes; from there on, by doubling
_AT_ONCE = 1024 * 1024  # bytes that come of one call: inside zlib they are there twice
_MAX_MEMBERS = 4096

_GZIP_MAGIC = b"\x1f\x8b"
# wbits of zlib: the largest window, and 16 for "gzip header and trailer".
_GZIP_WBITS = 16 + zlib.MAX_WBITS

# RFC 9659, section 3: a zstd Content-Encoding must not need a window larger than 8 MB.
_ZSTD_MAX_WINDOW = 8 * 1024 * 1024


def decompress(body: bytes, encoding: str, limit: int, hold: Hold = lambda _: None) -> bytes:
    """Undo a Content-Encoding.

    Args:
        body: the body as it was sent.
        encoding: the Content-Encoding header; empty means none.
        limit: the largest permitted result in bytes.
        hold: asked before more than a megabyte is taken; what it raises is passed on.

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
        return _inflate(body, limit, hold, wbits=_GZIP_WBITS, name="gzip")
    if name == "zstd":
        return _unzstd(body, limit, hold)
    raise UnsupportedEncodingError(f"Content-Encoding {encoding[:64]!r} is not supported", ENCODINGS)


def is_compressed(message: bytes) -> bool:
    """Tell whether a gRPC message that was not decompressed is compressed, with gzip or deflate.

    gRPC does not say so once it leaves decompression to others. But no request begins like a gzip member: 0x1f would
    be a field of the wire type 7, which does not exist. One could begin like a zlib stream, with a field 15, which
    requests do not have; so that is believed only where the second byte fits as well (RFC 1950, 2.2: the two, as a
    number, are a multiple of 31).
    """
    return message[:2] == _GZIP_MAGIC or (message[:1] == b"\x78" and int.from_bytes(message[:2], "big") % 31 == 0)


def decompress_message(message: bytes, limit: int, hold: Hold = lambda _: None) -> bytes:
    """Decompress a gRPC message that ``is_compressed``; what gRPC calls deflate is a zlib stream (RFC 1950).

    Args:
        message: the message.
        limit: as for ``decompress``.
        hold: as for ``decompress``.

    Raises:
        TooLargeError: the result would be larger than the limit.
        MalformedRequestError: the message is damaged or ends too early.
    """
    if message[:2] == _GZIP_MAGIC:
        return _inflate(message, limit, hold, wbits=_GZIP_WBITS, name="gzip")
    return _inflate(message, limit, hold, wbits=zlib.MAX_WBITS, name="deflate")


def _inflate(body: bytes, limit: int, hold: Hold, *, wbits: int, name: str) -> bytes:
    """Inflate one or more members (RFC 1952, 2.2: members "simply appear one after another")."""
    pieces: list[bytes] = []
    size, held = 0, _FIRST_HOLD
    members = 1
    member = zlib.decompressobj(wbits)
    try:
        for start in range(0, len(body), _PIECE):
            data, more = body[start : start + _PIECE], False
            while data or more:
                if member.eof:
                    members += 1
                    if members > _MAX_MEMBERS:
                        raise MalformedRequestError(f"the {name} body has more than {_MAX_MEMBERS} members")
                    member = zlib.decompressobj(wbits)
                # One byte more than is permitted is enough to know that there is too much.
                most = min(_AT_ONCE, min(held, limit) - size + 1)
                piece = member.decompress(data, most)
                size += len(piece)
                if size > limit:
                    raise TooLargeError(limit)
                if size > held:
                    held *= 2
                    hold(min(held, limit))
                pieces.append(piece)
                data = member.unused_data if member.eof else member.unconsumed_tail
                more = len(piece) == most and not member.eof  # what is left may lie within zlib
    except zlib.error as error:
        raise MalformedRequestError(f"the {name} body is damaged: {error}") from error
    if not member.eof:
        raise MalformedRequestError(f"the {name} body ends too early")
    return b"".join(pieces)


def _unzstd(body: bytes, limit: int, hold: Hold) -> bytes:
    """Decompress one or more zstd frames (RFC 8878, section 3).

    The reader of this library can stop at a size, but does not tell a cut body from a whole one; the
    decompression object tells, but cannot stop. So the body is measured with the first and read with the
    second, which costs a second pass over at most ``limit`` bytes.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW)
    pieces: list[bytes] = []
    frames = 1
    try:
        hold(_measure_zstd(decompressor, body, limit))
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


def _measure_zstd(decompressor: zstandard.ZstdDecompressor, body: bytes, limit: int) -> int:
    """Return how much the frames hold, and keep nothing of it; raise if it is more than the limit."""
    size = 0
    with decompressor.stream_reader(body, read_across_frames=True) as reader:
        while piece := reader.read(_PIECE):
            size += len(piece)
            if size > limit:
                raise TooLargeError(limit)
    return size

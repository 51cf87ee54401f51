"""Decompression that stops at a limit.

"The server MUST enforce a message size limit when receiving the request, including after decompression"
(OTLP specification, "Message size"). The limit is checked while inflating, so that a small body that
inflates to gigabytes costs no more memory than a body of the permitted size. And whoever keeps account of memory
is asked before more of it is taken.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from server.errors.ingest import MalformedRequestError
from server.otlp.errors import TooLargeError, UnsupportedEncodingError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["ENCODINGS", "Hold", "decompress", "decompress_message", "is_compressed"]

ENCODINGS = ("gzip", "zstd", "identity")
"""The accepted Content-Encodings. OTLP demands gzip and identity; many Collectors send zstd."""

Hold = Callable[[int], None]
"""Function that reserves memory for a result of so many bytes; raises an error if there is not enough."""

# RFC 9110, 8.4.1.3: "A recipient SHOULD consider 'x-gzip' to be equivalent to 'gzip'".
_GZIP_NAMES = ("gzip", "x-gzip")

# What follows the end of a part (a gzip member, a zstd frame) is copied, so a body made of nothing but tiny parts would
# cost the square of its size. It is fed in pieces for that reason, and the number of parts has a bound.
_PIECE = 64 * 1024
_FIRST_HOLD = 1024 * 1024  # bytes; from there on, by doubling
_AT_ONCE = 1024 * 1024  # bytes that come of one call: inside the library they are there twice
_MAX_PARTS = 4096

_GZIP_MAGIC = b"\x1f\x8b"
# wbits of zlib: the largest window, and 16 for "gzip header and trailer".
_GZIP_WBITS = 16 + zlib.MAX_WBITS

# RFC 9659, section 3: a zstd Content-Encoding must not need a window larger than 8 MB.
_ZSTD_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}


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
        return _inflate(body, limit, hold, _GZIP)
    if name == "zstd":
        return _inflate(body, limit, hold, _ZSTD)
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
        return _inflate(message, limit, hold, _GZIP)
    return _inflate(message, limit, hold, _DEFLATE)


class _Member(Protocol):
    """A gzip member, zlib stream or zstd frame that is being decompressed."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Format:
    """Reader of one compressed format.

    Attributes:
        name: for messages.
        part: the word for one of the parts that appear one after another in a body.
        begin: returns the decompressor of a new part.
        damaged: what that raises for damaged data.
    """

    name: str
    part: str
    begin: Callable[[], _Member]
    damaged: type[Exception]


# RFC 1952, 2.2: members "simply appear one after another"; RFC 8878, section 3: frames do so too.
_GZIP = _Format("gzip", "members", partial(zlib.decompressobj, _GZIP_WBITS), zlib.error)
_DEFLATE = _Format("deflate", "members", partial(zlib.decompressobj, zlib.MAX_WBITS), zlib.error)
_ZSTD = _Format("zstd", "frames", partial(zstd.ZstdDecompressor, options=_ZSTD_OPTIONS), zstd.ZstdError)


def _inflate(body: bytes, limit: int, hold: Hold, form: _Format) -> bytes:
    """Decompress one or more parts, in one pass."""
    pieces: list[bytes] = []
    size, held = 0, _FIRST_HOLD
    parts = 1
    part = form.begin()
    try:
        for start in range(0, len(body), _PIECE):
            data, more = body[start : start + _PIECE], False
            while data or more:
                if part.eof:
                    parts += 1
                    if parts > _MAX_PARTS:
                        raise MalformedRequestError(f"the {form.name} body has more than {_MAX_PARTS} {form.part}")
                    part = form.begin()
                # One byte more than is permitted is enough to know that there is too much.
                most = min(_AT_ONCE, min(held, limit) - size + 1)
                piece = part.decompress(data, most)
                size += len(piece)
                if size > limit:
                    raise TooLargeError(limit)
                if size > held:
                    held *= 2
                    hold(min(held, limit))
                pieces.append(piece)
                # zlib gives back what it did not use yet, zstd keeps it.
                data = part.unused_data if part.eof else getattr(part, "unconsumed_tail", b"")
                more = len(piece) == most and not part.eof  # what is left may lie within the library
    except form.damaged as error:
        raise MalformedRequestError(f"the {form.name} body is damaged: {error}") from error
    if not part.eof:
        raise MalformedRequestError(f"the {form.name} body ends too early")
    return b"".join(pieces)

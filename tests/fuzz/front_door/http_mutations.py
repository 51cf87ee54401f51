"""Malformed HTTP/1.1 requests, above the body (RFC 9112)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.front_door.http_cases import Request

__all__ = ["CHANGES", "bytes_changed"]

_METHODS = (
    *(b"GET", b"PUT", b"HEAD", b"OPTIONS", b"DELETE", b"TRACE", b"CONNECT", b"PATCH", b"PRI", b"post", b""),
    *(b"POST ", b"PO\0ST", b"P" * 70_000, b"\xff\xfe", b"M-SEARCH", b"POST\t", b"\r\nPOST", b"\nPOST", b"\0POST"),
)
_TARGETS = (
    *(b"/v1/logs/", b"//v1/logs", b"/v1/profiles", b"/v1/metrics", b"/", b"*", b"", b"v1/logs", b"/V1/LOGS"),
    *(b"/v1/logs?x=1", b"http://h/v1/logs", b"http://[::1/v1/logs", b"/v1/%6cogs", b"/v1/logs%00"),
    *(b"/v1/../v1/logs", b"/v1/logs#f", b"/v1/l\xc3\xb6gs", b"/v1/l\0gs", b"/v1/logs x", b"/" + b"a" * 100_000),
    *(b"/?" + b"a=b&" * 20_000, b"/%", b"/%zz%ff", b"//", b"///", b"http://", b"://", b"host:443", b"/v1/logs;x"),
    *(b"/\x7f", b"/v1\\logs", b"?", b"http://h:99999999/"),
)
_VERSIONS = (
    *(b"HTTP/1.0", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/1.1 x", b"http/1.1", b"HTTP/11"),
    *(b"HTTP/1.", b"", b"HTTP/9999999999.1", b"HTTPS/1.1", b"HTTP/1.1\0", b"HTTP/1.1\t", b"HTTP/-1.1", b"ICE/1.0"),
    *(b"RTSP/1.0",),
)
_NAMES = (
    *(b"", b" ", b"X Y", b"X:Y", b"X\0", b"\xff", b"X\r", b"X\t", b"(x)", b"@", b"X-" + b"a" * 70_000, b"\x7f"),
    *(b"{x}", b"X\n", b"Host", b"host", b"Connection", b"Content-Type", b"Content-Length", b"Content-Encoding"),
    *(b"Cookie", b":path", b"TE"),
)
_VALUES = (
    *(b"", b" ", b"\0", b"\r", b"\n", b"\r\n", b"\r\n folded", b"\r\n\tfolded\r\n again", b"\n folded"),
    *(b"\xff\xfe", b"\x7f", b"a" * 1000, b"a" * 70_000, b"a" * 1_000_000, b"close", b"keep-alive", b"a,b;c=d"),
    *(b'"', b"\x1b[2J", b"x\r\nX: y"),
)
_LENGTHS = (
    *(b"-1", b"+%d", b"0x%x", b"%d%d", b"%d, %d", b"%d,", b" %d ", b"\t%d", b"%d ", b"0%d", b"", b" ", b"%d.0"),
    *(b"1e3", b"abc", b"9" * 18, b"9" * 19, b"9" * 30, b"9" * 5000, b"18446744073709551615"),
    *(b"18446744073709551616", b"4294967296", b"67108865", b"\xd9\xa1", b"%d\0", b"0", b"1", b"%d\r\n 1", b"-0"),
    *(b"00",),
)
_CODINGS = (
    *(b"chunked", b"chunked", b"Chunked", b"chunked, chunked", b"gzip, chunked", b"chunked, gzip", b"identity"),
    *(b"xchunked", b"chunkedx", b" chunked", b"chunked\x0b", b"\x0bchunked", b"chunked;q=1", b'"chunked"', b""),
    *(b",", b"chunked,", b"cow", b"\r\n chunked", b"chunk", b"ch\0unked", b"chunked\t"),
)
_SIZES = (
    *(b"-1", b"0x%x", b"+%x", b"%x ", b" %x", b"%x\t", b"%x;", b"%x;a", b'%x;a="b"', b"%x;" + b"a" * 70_000),
    *(b"%x;\0", b"g", b"", b"f" * 15, b"f" * 16, b"f" * 17, b"f" * 5000, b"0" * 17 + b"%x", b"0" * 70_000 + b"%x"),
    *(b"%x\r", b"%x;a=\r", b"%x.0", b"7fffffffffffffff", b"8000000000000000", b"ffffffffffffffff", b"4000001"),
    *(b'%x;a="\r\n"', b"%x,", b"00", b"%X"),
)
_TRAILERS = (
    *(b"X: y\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"X", b"X\r\n", b" folded\r\n"),
    *(b"\0: x\r\n", b"X: " + b"y" * 70_000 + b"\r\n", b"X: y\r\n" * 2000, b": x\r\n", b"Host: other\r\n", b"\n"),
    *(b"\r", b"X: y\n"),
)
_JUNK = (
    *(b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b";", b",", b"0", b"-", b"\xff", b"%", b"/"),
    *(b"chunked", b"HTTP/1.1", b"POST /v1/logs HTTP/1.1\r\n", b"Content-Length: 0\r\n", b"0\r\n\r\n"),
    *(b"Transfer-Encoding: chunked\r\n",),
)


def _method(request: Request, chance: random.Random) -> None:
    request.line = b" ".join((chance.choice(_METHODS), *request.line.split(b" ")[1:]))
    request.certain = False


def _head(request: Request, chance: random.Random) -> None:
    """A method that is not wrong, only not served."""
    request.line = chance.choice((b"HEAD", b"GET", b"PUT", b"DELETE")) + request.line[request.line.find(b" ") :]


def _target(request: Request, chance: random.Random) -> None:
    first, _, rest = request.line.partition(b" ")
    request.line = b" ".join((first, chance.choice(_TARGETS), rest.rpartition(b" ")[2]))
    request.certain = False


def _version(request: Request, chance: random.Random) -> None:
    request.line = request.line.rpartition(b" ")[0] + b" " + chance.choice(_VERSIONS)
    request.certain = False


def _line_ends(request: Request, chance: random.Random) -> None:
    request.end = chance.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n ", b"\0"))
    request.certain = False


def _header(request: Request, chance: random.Random) -> None:
    at = chance.randint(0, len(request.headers))
    request.headers.insert(at, (chance.choice(_NAMES), chance.choice(_VALUES)))
    request.certain = False


def _other_value(request: Request, chance: random.Random) -> None:
    at = chance.randrange(len(request.headers))
    request.headers[at] = (request.headers[at][0], chance.choice(_VALUES))
    request.certain = False


def _many_headers(request: Request, chance: random.Random) -> None:
    count = chance.choice((50, 500, 5000))
    request.headers += [(b"X-%d" % number, b"y" * chance.choice((0, 1, 40))) for number in range(count)]
    request.certain = False


def _header_doubled(request: Request, chance: random.Random) -> None:
    name, value = chance.choice(request.headers)
    other = value if chance.random() < 0.5 else chance.choice((b"", b"other", b"0", value + value))
    request.headers.insert(chance.randint(0, len(request.headers)), (name, other))
    request.certain = False


def _header_missing(request: Request, chance: random.Random) -> None:
    del request.headers[chance.randrange(len(request.headers))]
    request.certain = False


def _media_type(request: Request, chance: random.Random) -> None:
    """All of these are answered."""
    types = (
        b"application/json",
        b"text/plain",
        b"application/grpc",
        b"application/x-protobuf; charset=x",
        b"*/*",
        b"x" * 900,
    )
    request.header(
        b"Content-Type", chance.choice((*types, b"APPLICATION/JSON", b";", b"application/x-protobuf;", b"\xff"))
    )


def _length(request: Request, chance: random.Random) -> None:
    size = len(request.body)
    lie = chance.choice(_LENGTHS)
    value = lie % ((size,) * lie.count(b"%")) if b"%" in lie else lie
    if chance.random() < 0.4:
        value = b"%d" % max(0, size + chance.choice((-size, -10, -1, 1, 2, 10, 2**20, 2**33)))
    if chance.random() < 0.3:
        request.headers.append((chance.choice((b"Content-Length", b"content-length")), value))
    else:
        request.header(b"Content-Length", value)
    request.certain = False


def _chunked(request: Request, chance: random.Random) -> None:
    """Chunks, as they should be."""
    request.headers = [pair for pair in request.headers if pair[0].lower() != b"content-length"]
    request.headers.append((b"Transfer-Encoding", b"chunked"))
    request.body = _chunks(request.body, chance)


def _chunks(body: bytes, chance: random.Random) -> bytes:
    size = chance.choice((1, 7, 1000)) if len(body) < 2000 else 4096
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    extension = chance.choice((b"", b"", b";a=b"))
    return b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces) + b"0\r\n\r\n"


def _wrong_chunks(request: Request, chance: random.Random) -> None:
    body = request.body
    _chunked(request, chance)
    request.certain = False
    size = chance.choice(_SIZES).replace(b"%x", b"%x" % len(body)).replace(b"%X", b"%X" % len(body))
    match chance.randrange(7):
        case 0 | 1:
            request.body = size + b"\r\n" + body + b"\r\n0\r\n\r\n"
        case 2:
            request.body = request.body[:-2] + chance.choice(_TRAILERS) + b"\r\n"
        case 3:  # ends of lines
            wrong = chance.choice((b"\n", b"\r", b"", b"\r\r\n", b"x\r\n"))
            request.body = b"%x" % len(body) + wrong + body + chance.choice((b"\r\n", wrong)) + b"0\r\n\r\n"
        case 4:
            request.body = request.body[: -chance.choice((1, 2, 3, 5))]
        case 5:
            request.body = request.body.replace(
                b"0\r\n\r\n", chance.choice((b"0\r\n", b"00\r\n\r\n", b"0;\r\n\r\n", b"0 \r\n\r\n"))
            )
        case _:
            request.body = b"%x\r\n" % (len(body) + chance.choice((-1, 1, 2, 3, 1000))) + body + b"\r\n0\r\n\r\n"


def _smuggling(request: Request, chance: random.Random) -> None:
    """Two answers to where the body ends (RFC 9112, 6.3)."""
    inner = b"POST /v1/logs HTTP/1.1\r\nHost: inner\r\nContent-Length: 0\r\n\r\n"
    chunks = _chunks(request.body, chance)
    request.body = chance.choice((chunks, request.body, b"0\r\n\r\n" + inner, chunks + inner))
    lengths = (len(request.body), len(chunks), 0, 4, 5, len(request.body) + 1)
    request.header(b"Content-Length", b"%d" % chance.choice(lengths))
    name = chance.choice(
        (b"Transfer-Encoding", b"transfer-encoding", b"Transfer-Encoding ", b"Transfer_Encoding", b"TE")
    )
    request.headers.insert(chance.randint(0, len(request.headers)), (name, chance.choice(_CODINGS)))
    if chance.random() < 0.2:
        request.headers.append((b"Transfer-Encoding", chance.choice(_CODINGS)))
    if chance.random() < 0.3:
        request.line = request.line.replace(b"HTTP/1.1", b"HTTP/1.0")
    request.certain = False


def _expect(request: Request, chance: random.Random) -> None:
    request.headers.append(
        (b"Expect", chance.choice((b"100-continue", b"100-Continue", b"200-ok", b"", b"100-continue, x")))
    )


def _upgrade(request: Request, chance: random.Random) -> None:
    request.headers += [
        (b"Connection", chance.choice((b"Upgrade", b"upgrade, HTTP2-Settings", b"close, Upgrade", b"keep-alive"))),
        (b"Upgrade", chance.choice((b"h2c", b"websocket", b"TLS/1.0", b"HTTP/2.0", b"", b"a" * 9000, b"\xff"))),
        (b"HTTP2-Settings", b"AAMAAABkAAQAAP__"),
        (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        (b"Sec-WebSocket-Version", b"13"),
    ]
    if chance.random() < 0.5:
        request.line = b"GET " + request.line.partition(b" ")[2]
    request.certain = False


def _connection(request: Request, chance: random.Random) -> None:
    request.headers.append(
        (b"Connection", chance.choice((b"close", b"keep-alive", b"Close", b"", b"x, close, y", b"TE")))
    )
    request.certain = chance.random() < 0.5


Change = Callable[["Request", random.Random], None]

CHANGES: Sequence[tuple[str, Change]] = (
    *(("request line", change) for change in (_method, _head, _target, _version)),
    *(("headers", change) for change in (_header, _header, _other_value, _header_doubled, _header_missing)),
    *(("headers", change) for change in (_many_headers, _line_ends, _media_type, _connection)),
    *(("Content-Length", change) for change in (_length, _length)),
    *(("chunks", change) for change in (_chunked, _wrong_chunks, _wrong_chunks)),
    *(("smuggling", change) for change in (_smuggling, _smuggling)),
    *(("Expect, Upgrade", change) for change in (_expect, _upgrade)),
)
"""Kinds of changes, and what makes them."""


def bytes_changed(data: bytes, chance: random.Random) -> bytes:
    """Change bytes anywhere."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randint(0, len(changed))
        match chance.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(changed):
                changed[at] = chance.randrange(256)
            case 2:
                del changed[at : at + chance.choice((1, 2, 4, 30))]
            case 3:
                changed[at:at] = chance.choice(_JUNK)
            case 4:
                changed[at:at] = changed[at : at + chance.choice((1, 10, 60))]
            case _:
                changed[at:at] = chance.randbytes(chance.choice((1, 2, 4)))
    return bytes(changed)

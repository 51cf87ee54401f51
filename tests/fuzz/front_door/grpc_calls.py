"""Calls of the logs service over HTTP/2: what can be wrong with one stream while the connection goes on."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from tests.fuzz.front_door.encodings import bomb, gzip_of, wrong_gzip
from tests.fuzz.front_door.frames import END_HEADERS, END_STREAM, PADDED, PRIORITY, Kind, block, frame, literal
from tests.fuzz.front_door.payloads import protobuf_body, protobuf_bomb, valid_protobuf

__all__ = ["EXPORT", "Call", "any_call", "bomb_call", "call_headers", "data_frames", "message", "valid_call"]

EXPORT = b"/opentelemetry.proto.collector.logs.v1.LogsService/Export"

MAX_FRAME = 16384  # bytes of a payload, unless the server says more (RFC 9113, 6.5.2)

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Call:
    """What is written for one stream.

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


def _call(stream: int, data: bytes, **changed: bytes) -> bytes:
    return headers_frame(stream, call_headers(**changed)) + data_frames(stream, data)


def valid_call(stream: int, chance: random.Random) -> Call:
    """A call with nothing wrong."""
    return Call("valid", _call(stream, message(valid_protobuf(chance))))


def any_call(stream: int, chance: random.Random) -> Call:
    """A call with something wrong, mostly."""
    return chance.choice(_CALLS)(stream, chance)


def bomb_call(stream: int, chance: random.Random) -> Call:
    """A call that costs the server much."""
    if chance.random() < 0.5:
        name, body = bomb(chance)
        return Call("bomb", _call(stream, message(body, 1), grpc_encoding=name))
    body = protobuf_bomb(chance)
    compressed = chance.random() < 0.5
    data = message(gzip_of(body) if compressed else body, int(compressed))
    return Call("bomb", _call(stream, data, grpc_encoding=b"gzip"))


def _request(stream: int, chance: random.Random) -> Call:
    data = protobuf_body(chance)
    if chance.random() < 0.3:
        return Call("protobuf", _call(stream, message(gzip_of(data), 1), grpc_encoding=b"gzip"))
    return Call("protobuf", _call(stream, message(data)))


def _length_prefix(stream: int, chance: random.Random) -> Call:
    body = valid_protobuf(chance)
    size = len(body)
    wrong = (size + 1, size + 1000, size - 1, 0, 1, 2**31, 2**32 - 1, (64 << 20) + 1, 64 << 20)
    data = chance.choice(
        (
            message(body, size=chance.choice(wrong)),
            message(body, size=chance.choice(wrong)),
            message(body)[: chance.randint(0, size + 4)],
            b"",
            message(b""),
            message(body) + chance.choice((b"\0", message(b"")[:-1], chance.randbytes(30))),
        )
    )
    return Call("length prefix", _call(stream, data))


def _several_messages(stream: int, chance: random.Random) -> Call:
    messages = b"".join(message(valid_protobuf(chance)) for _ in range(chance.choice((2, 2, 3, 50))))
    return Call("several messages", _call(stream, messages))


def _compression(stream: int, chance: random.Random) -> Call:
    body = valid_protobuf(chance)
    kind = "compressed"
    match chance.randrange(7):
        case 0:  # the flag, but no encoding
            return Call(kind, _call(stream, message(chance.choice((body, gzip_of(body))), 1)))
        case 1:  # flags that do not exist
            return Call(kind, _call(stream, message(body, chance.choice((2, 3, 127, 128, 255)))))
        case 2:
            return Call(kind, _call(stream, message(wrong_gzip(body, chance), 1), grpc_encoding=b"gzip"))
        case 3:
            data = chance.choice((zlib.compress(body), zlib.compress(body)[:-3], body, b""))
            return Call(kind, _call(stream, message(data, 1), grpc_encoding=b"deflate"))
        case 4:
            names = (b"snappy", b"zstd", b"identity", b"", b"gzip, gzip", b"GZIP", b"x" * 5000, b"\xff\xfe")
            flag = chance.choice((0, 1))
            return Call(kind, _call(stream, message(body, flag), grpc_encoding=chance.choice(names)))
        case 5:
            names = (b"", b",", b"gzip,,", b"a," * 2000, b"\xff", b"identity;q=0")
            return Call(kind, _call(stream, message(body), grpc_accept_encoding=chance.choice(names)))
        case _:  # the encoding, but no flag
            return Call(kind, _call(stream, message(gzip_of(body)), grpc_encoding=b"gzip"))


_CONTENT_TYPES = (
    *(b"", b"application/json", b"application/grpcx", b"application/grpc+json", b"application/grpc;x", b"text/html"),
    *(b"application/GRPC", b"application/grpc-web", b"\xff", b"x" * 5000),
)
_PATHS = (
    *(b"/", b"*", b"", b"/x", b"//", EXPORT + b"/", EXPORT[1:], EXPORT.upper(), EXPORT + b"\0", EXPORT + b"?a"),
    *(b"/opentelemetry.proto.collector.trace.v1.TraceService/Export", b"/grpc.health.v1.Health/Check", b"/" + b"a" * 6000),
    *(b"/\xff\xfe", b"/v1/logs", b"/opentelemetry.proto.collector.logs.v1.LogsService/", b"/\x01", b"/../x", b"/%2e"),
)
_TIMEOUTS = (
    *(b"", b"0n", b"1n", b"1u", b"1m", b"99999999H", b"999999999H", b"-1S", b"1", b"S", b"1s", b"1.5S", b"abc", b" 1S"),
    *(b"9" * 300 + b"S", b"00000000S", b"0S", b"\xff", b"1S "),
)


def _wrong_headers(stream: int, chance: random.Random) -> Call:
    """Header fields that mean something, and something wrong."""
    changed: dict[str, bytes] = chance.choice(
        (
            {"content_type": chance.choice(_CONTENT_TYPES)},
            {":path": chance.choice(_PATHS)},
            {":path": chance.choice(_PATHS)},
            {":method": chance.choice((b"GET", b"PUT", b"OPTIONS", b"post", b"", b"CONNECT", b"\xff", b"P" * 5000))},
            {":scheme": chance.choice((b"https", b"ftp", b"", b"\xff", b"HTTP"))},
            {":authority": chance.choice((b"", b"a b", b"\xff", b"h" * 5000, b"user@h", b"[::1", b"h:99999999"))},
            {"te": chance.choice((b"", b"gzip", b"trailers, deflate", b"TRAILERS"))},
            {"grpc_timeout": chance.choice(_TIMEOUTS)},
            {"grpc_timeout": chance.choice(_TIMEOUTS)},
            {"content_length": chance.choice((b"0", b"1", b"-1", b"99999999999999999999", b"x", b""))},
            {"user_agent": chance.choice((b"", b"\xff" * 20, b"g" * 5000))},
            {":protocol": b"websocket"},
        )
    )
    return Call("call headers", _call(stream, message(valid_protobuf(chance)), **changed))


_FIELDS = (
    *((b"", b"x"), (b"X-Upper", b"x"), (b"x y", b"z"), (b"x\0", b"z"), (b"x", b"\0"), (b"x", b"a\r\nb: c"), (b"x:y", b"z")),
    *((b"connection", b"close"), (b"keep-alive", b"1"), (b"transfer-encoding", b"chunked"), (b"upgrade", b"h2c")),
    *((b"proxy-connection", b"x"), (b":status", b"200"), (b":unknown", b"x"), (b":path", EXPORT), (b":path", b"/x")),
    *((b"x-bin", b"!!!not base64"), (b"x-bin", b"AAEC"), (b"x-bin", b"AAE"), (b"x-bin", b"AA=,AA"), (b"x-bin", b"")),
    *((b"x", b"\xff\xfe"), (b"\xff", b"x"), (b"x", b" padded "), (b"grpc-status", b"0"), (b"grpc-message", b"%"), (b"te", b"x")),
    *((b"grpc-previous-rpc-attempts", b"x"), (b"grpc-tags-bin", b"////"), (b"grpc-trace-bin", b"AA"), (b"lb-token", b"x")),
    *((b"content-type", b"text/html"), (b"grpc-encoding", b"gzip"), (b"host", b"other"), (b"cookie", b"a=b; c"), (b"x", b"v" * 9000)),
)


def _odd_fields(stream: int, chance: random.Random) -> Call:
    """Header fields that may not be there, or not twice, or not in this place."""
    headers = call_headers()
    for _ in range(chance.choice((1, 1, 2, 4))):
        match chance.randrange(4):
            case 0 | 1:
                headers.insert(chance.randint(0, len(headers)), chance.choice(_FIELDS))
            case 2:
                del headers[chance.randrange(len(headers))]
            case _:
                headers.insert(chance.randint(0, len(headers)), chance.choice(headers))
    if chance.random() < 0.2:
        chance.shuffle(headers)
    return Call("header fields", headers_frame(stream, headers) + data_frames(stream, message(valid_protobuf(chance))))


_MUCH = ((1, 8000), (1, 15_000), (1, 17_000), (1, 300_000), (100, 50), (3000, 1), (10_000, 5), (1, 8192))


@cache
def _much(count: int, size: int) -> bytes:
    return block([*call_headers(), *((b"x-%d" % number, b"v" * size) for number in range(count))])


def _much_metadata(stream: int, chance: random.Random) -> Call:
    head = block_frames(stream, _much(*chance.choice(_MUCH)), piece=chance.choice((MAX_FRAME, MAX_FRAME, 1000)))
    return Call("much metadata", head + data_frames(stream, message(valid_protobuf(chance))))


def _remembered_fields(stream: int, chance: random.Random) -> Call:
    """The dynamic table, used as it may be, and Huffman coding."""
    fields = [literal(name, value, 0x40) for name, value in call_headers()]
    update = chance.choice((b"", b"\x20", b"\x3f\xe1\x1f", b"\x20\x3f\xe1\x1f"))
    data = data_frames(stream, message(valid_protobuf(chance)))
    return Call("HPACK", block_frames(stream, update + b"".join(fields), piece=chance.choice((1, 9, MAX_FRAME))) + data)


def _small_frames(stream: int, chance: random.Random) -> Call:
    """DATA in pieces, with padding, and empty."""
    data = message(valid_protobuf(chance))
    parts = [headers_frame(stream, call_headers())]
    size = chance.choice((1, 2, 5, 50))
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        padding = chance.choice((0, 0, 1, 255))
        if padding:
            parts.append(frame(Kind.DATA, PADDED, stream, bytes((padding,)) + piece + bytes(padding)))
        else:
            parts.append(frame(Kind.DATA, 0, stream, piece))
        parts += [frame(Kind.DATA, 0, stream)] * chance.choice((0, 0, 0, 3))
    parts.append(frame(Kind.DATA, END_STREAM, stream))
    return Call("small frames", b"".join(parts))


def _no_end(stream: int, chance: random.Random) -> Call:
    """A stream that the client never ends."""
    data = message(valid_protobuf(chance))
    start = headers_frame(stream, call_headers())
    rest = data_frames(stream, data[: chance.randint(0, len(data))], end=False)
    return Call("no END_STREAM", chance.choice((start, start + rest, start + data_frames(stream, data, end=False))), False)


def _cancelled(stream: int, chance: random.Random) -> Call:
    """A stream that is reset at some point, by any code."""
    code = struct.pack(">I", chance.choice((8, 8, 0, 1, 2, 7, 11, 13, 2**32 - 1)))
    start = headers_frame(stream, call_headers())
    data = data_frames(stream, message(valid_protobuf(chance)), chance.choice((10, MAX_FRAME)), end=chance.random() < 0.5)
    return Call("reset", start + data[: chance.choice((0, len(data)))] + frame(Kind.RST_STREAM, 0, stream, code), False)


def _rapid_reset(stream: int, chance: random.Random) -> Call:
    """Streams that are reset as soon as they are opened (CVE-2023-44487)."""
    count = chance.choice((2, 10, 60))
    reset = struct.pack(">I", 8)
    parts = (
        headers_frame(number, call_headers()) + frame(Kind.RST_STREAM, 0, number, reset)
        for number in range(stream, stream + 2 * count, 2)
    )
    return Call("rapid reset", b"".join(parts), False, count)


def _trailers(stream: int, chance: random.Random) -> Call:
    """Trailers from the client, which no gRPC client sends."""
    data = data_frames(stream, message(valid_protobuf(chance)), end=False)
    fields: Headers = chance.choice(([(b"x", b"y")], [(b":path", b"/x")], [], call_headers()))
    flags = END_HEADERS | chance.choice((0, END_STREAM, END_STREAM))
    return Call("trailers", headers_frame(stream, call_headers()) + data + headers_frame(stream, fields, flags), False)


def _only_headers(stream: int, chance: random.Random) -> Call:
    """No DATA at all, or priority and padding."""
    encoded = block(call_headers())
    match chance.randrange(3):
        case 0:
            return Call("only headers", frame(Kind.HEADERS, END_HEADERS | END_STREAM, stream, encoded))
        case 1:
            priority = struct.pack(">IB", chance.choice((0, stream, 1, 2**32 - 1)), 255)
            head = frame(Kind.HEADERS, END_HEADERS | PRIORITY, stream, priority + encoded)
            return Call("only headers", head + data_frames(stream, message(valid_protobuf(chance))), False)
        case _:
            head = frame(Kind.HEADERS, END_HEADERS | PADDED, stream, b"\x20" + encoded + bytes(32))
            return Call("only headers", head + data_frames(stream, message(valid_protobuf(chance))))


def _stream_windows(stream: int, chance: random.Random) -> Call:
    """Window updates of the stream, some of which are errors."""
    change = chance.choice((0, 1, 1000, 2**31 - 1, 2**31, 2**32 - 1))
    update = frame(Kind.WINDOW_UPDATE, 0, stream, struct.pack(">I", change)) * chance.choice((1, 1, 3, 200))
    head = headers_frame(stream, call_headers())
    return Call("stream window", head + update + data_frames(stream, message(valid_protobuf(chance))))


_CALLS: Sequence[Callable[[int, random.Random], Call]] = (
    *(_request, _request, _request, _length_prefix, _length_prefix, _compression, _compression, _several_messages),
    *(_wrong_headers, _wrong_headers, _odd_fields, _odd_fields, _much_metadata, _remembered_fields, _small_frames),
    *(_no_end, _cancelled, _rapid_reset, _trailers, _only_headers, _stream_windows),
)

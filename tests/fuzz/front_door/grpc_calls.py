"""Calls of the logs service: what can be wrong with one stream while the connection goes on."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence

from tests.fuzz.front_door.encodings import bomb, gzip_of, wrong_gzip
from tests.fuzz.front_door.frames import END_HEADERS, END_STREAM, PADDED, PRIORITY, Kind, block, frame, literal
from tests.fuzz.front_door.grpc_metadata import much_metadata, odd_fields, wrong_headers
from tests.fuzz.front_door.grpc_wire import (
    MAX_FRAME,
    Call,
    Headers,
    block_frames,
    call_headers,
    data_frames,
    headers_frame,
    message,
    whole_call,
)
from tests.fuzz.front_door.payloads import protobuf_body, protobuf_bomb, valid_protobuf

__all__ = ["any_call", "bomb_call", "valid_call"]


def valid_call(stream: int, chance: random.Random) -> Call:
    """A call with nothing wrong."""
    return Call("valid", whole_call(stream, message(valid_protobuf(chance))))


def any_call(stream: int, chance: random.Random) -> Call:
    """A call with something wrong, mostly."""
    return chance.choice(_CALLS)(stream, chance)


def bomb_call(stream: int, chance: random.Random) -> Call:
    """A call that costs the server much."""
    if chance.random() < 0.5:
        name, body = bomb(chance)
        return Call("bomb", whole_call(stream, message(body, 1), grpc_encoding=name))
    body = protobuf_bomb(chance)
    compressed = chance.random() < 0.5
    data = message(gzip_of(body) if compressed else body, int(compressed))
    return Call("bomb", whole_call(stream, data, grpc_encoding=b"gzip"))


def _request(stream: int, chance: random.Random) -> Call:
    data = protobuf_body(chance)
    if chance.random() < 0.3:
        return Call("protobuf", whole_call(stream, message(gzip_of(data), 1), grpc_encoding=b"gzip"))
    return Call("protobuf", whole_call(stream, message(data)))


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
    return Call("length prefix", whole_call(stream, data))


def _several_messages(stream: int, chance: random.Random) -> Call:
    messages = b"".join(message(valid_protobuf(chance)) for _ in range(chance.choice((2, 2, 3, 50))))
    return Call("several messages", whole_call(stream, messages))


def _compression(stream: int, chance: random.Random) -> Call:
    body = valid_protobuf(chance)
    kind = "compressed"
    match chance.randrange(7):
        case 0:  # the flag, but no encoding
            return Call(kind, whole_call(stream, message(chance.choice((body, gzip_of(body))), 1)))
        case 1:  # flags that do not exist
            return Call(kind, whole_call(stream, message(body, chance.choice((2, 3, 127, 128, 255)))))
        case 2:
            return Call(kind, whole_call(stream, message(wrong_gzip(body, chance), 1), grpc_encoding=b"gzip"))
        case 3:
            data = chance.choice((zlib.compress(body), zlib.compress(body)[:-3], body, b""))
            return Call(kind, whole_call(stream, message(data, 1), grpc_encoding=b"deflate"))
        case 4:
            odd = (b"snappy", b"zstd", b"identity", b"", b"gzip, gzip", b"GZIP", b"x" * 5000, b"\xff\xfe")
            flag = chance.choice((0, 1))
            return Call(kind, whole_call(stream, message(body, flag), grpc_encoding=chance.choice(odd)))
        case 5:
            names = (b"", b",", b"gzip,,", b"a," * 2000, b"\xff", b"identity;q=0")
            return Call(kind, whole_call(stream, message(body), grpc_accept_encoding=chance.choice(names)))
        case _:  # the encoding, but no flag
            return Call(kind, whole_call(stream, message(gzip_of(body)), grpc_encoding=b"gzip"))


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
    return Call(
        "no END_STREAM", chance.choice((start, start + rest, start + data_frames(stream, data, end=False))), False
    )


def _cancelled(stream: int, chance: random.Random) -> Call:
    """A stream that is reset at some point, by any code."""
    code = struct.pack(">I", chance.choice((8, 8, 0, 1, 2, 7, 11, 13, 2**32 - 1)))
    start = headers_frame(stream, call_headers())
    data = data_frames(
        stream, message(valid_protobuf(chance)), chance.choice((10, MAX_FRAME)), end=chance.random() < 0.5
    )
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
    *(wrong_headers, wrong_headers, odd_fields, odd_fields, much_metadata, _remembered_fields, _small_frames),
    *(_no_end, _cancelled, _rapid_reset, _trailers, _only_headers, _stream_windows),
)

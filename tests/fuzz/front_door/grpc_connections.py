"""Malformed HTTP/2 that ends the connection (RFC 9113, RFC 7541)."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

from tests.fuzz.front_door.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    PADDED,
    PREFACE,
    PRIORITY,
    Kind,
    block,
    frame,
    integer,
    literal,
    settings,
)
from tests.fuzz.front_door.grpc_wire import block_frames, call_headers, data_frames, message
from tests.fuzz.front_door.http_mutations import bytes_changed
from tests.fuzz.front_door.payloads import valid_protobuf

__all__ = ["bytes_of_a_call", "connection_fault", "wrong_preface"]

_MAX_FRAME = 16384


def wrong_preface(chance: random.Random) -> bytes:
    """Return the beginning of a connection that is not one of HTTP/2."""
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(512)
    return chance.choice(
        (
            PREFACE[: chance.randint(1, len(PREFACE) - 1)],
            PREFACE[: chance.randint(0, len(PREFACE) - 1)] + chance.randbytes(30),
            PREFACE,
            PREFACE + frame(Kind.PING, 0, 0, bytes(8)),
            PREFACE + frame(Kind.HEADERS, END_HEADERS, 1, block(call_headers())),
            PREFACE + PREFACE,
            PREFACE + settings(flags=ACK),
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            b"PRI * HTTP/1.1\r\n\r\n",
            hello,
            b"\0" * chance.choice((1, 100, 70_000)),
            chance.randbytes(chance.choice((1, 9, 24, 5000))),
            b"\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n",
            bytes_changed(PREFACE + settings(), chance),
        )
    )


def bytes_of_a_call(chance: random.Random) -> bytes:
    """Return all the bytes of a connection with one call, a few of them changed."""
    call = frame(Kind.HEADERS, END_HEADERS, 1, block(call_headers())) + data_frames(1, message(valid_protobuf(chance)))
    return bytes_changed(PREFACE + settings() + settings(flags=ACK) + call, chance)


def connection_fault(stream: int, chance: random.Random) -> tuple[str, bytes]:
    """Return what is wrong, and the bytes; ``stream`` is the next number that may be used."""
    kind, make = chance.choice(_FAULTS)
    return kind, make(stream, chance)


def _any_frame(stream: int, chance: random.Random) -> bytes:
    """A frame of any type on any stream in any state, of any size."""
    kind = chance.choice((*Kind, *Kind, 10, 11, 12, 0x10, 0x4D, 0xFF))
    number = chance.choice((0, 1, stream, stream, stream - 2, 2, stream + 1, 2**31 - 1, 2**31, 2**32 - 1)) & 0xFFFFFFFF
    size = chance.choice((0, 1, 3, 4, 5, 6, 7, 8, 9, 12, 100, _MAX_FRAME, _MAX_FRAME + 1))
    payload = chance.choice((bytes(size), chance.randbytes(size), b"\xff" * size))
    flags = chance.choice((0, 1, 4, 5, 8, 0x20, 0x2D, 0xFF, chance.randrange(256)))
    return frame(kind, flags, number, payload) * chance.choice((1, 1, 1, 2, 20))


def _sizes(stream: int, chance: random.Random) -> bytes:
    """Frame whose length field is wrong for its payload or for its type."""
    kind = chance.choice(tuple(Kind))
    length = chance.choice((0, 1, 5, 9, _MAX_FRAME, _MAX_FRAME + 1, 2**20, 2**24 - 1))
    return frame(kind, 0, chance.choice((0, stream)), chance.randbytes(chance.choice((0, 4, 8, 300))), length)


_HPACK = (
    *(b"\x80", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\xbe", b"\xfe", b"\x7f\xff\xff\xff\x7f", b"\x40"),
    *(b"\x3f\xff\xff\xff\xff\x0f", b"\x3f\xe2\x1f", b"\x20" * 100, b"\x82\x20", b"\x00", b"\x00\x81\xff\x00"),
    *(b"\x00\x84\xff\xff\xff\xff\x00", b"\x00\x83\x1f\xff\xff\x01x", b"\x00\x81\x00\x00"),
    *(b"\x00\x01a\x7f\xff\xff\xff\xff\x7f", b"\x00\x01a\xff\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", b"\x10\x7f"),
    *(b"\x0f\x80\x80\x80\x80\x80\x80\x00\x01a", b"\x00\xff\xff\xff\xff\x07", b"\xc1\xc2\xc3", b"\x40\x00\x00"),
    *(b"\x00\x00\x00",),
)


def _hpack(stream: int, chance: random.Random) -> bytes:
    """Header blocks that cannot be read."""
    before = block(call_headers()) if chance.random() < 0.5 else b""
    garbage = chance.choice((*_HPACK, chance.randbytes(chance.choice((1, 5, 40, 3000)))))
    after = chance.choice((b"", block(call_headers())))
    return block_frames(stream, before + garbage + after, END_HEADERS | END_STREAM)


def _hpack_bomb(stream: int, chance: random.Random) -> bytes:
    """One large field, remembered, and then named again and again, at one byte each."""
    remembered = literal(b"x", b"v" * chance.choice((100, 3900)), 0x40)
    names = integer(62, 7, 0x80) * chance.choice((100, 10_000, 100_000))
    return block_frames(stream, block(call_headers()) + remembered + names, END_HEADERS | END_STREAM)


def _continuations(stream: int, chance: random.Random) -> bytes:
    """Header blocks without an end, or with something between (CVE-2024-27316 and others like it)."""
    start = frame(Kind.HEADERS, chance.choice((0, END_STREAM)), stream, block(call_headers()))
    match chance.randrange(5):
        case 0:
            return start + frame(Kind.CONTINUATION, 0, stream) * chance.choice((1, 100, 5000))
        case 1:
            field = literal(b"x-%d" % chance.randrange(99), b"v" * chance.choice((1, 1000, 16_000)))
            return start + frame(Kind.CONTINUATION, 0, stream, field) * chance.choice((1, 50, 300))
        case 2:
            return frame(Kind.CONTINUATION, END_HEADERS, stream, block(call_headers()))
        case 3:
            return start + _any_frame(stream, chance)
        case _:
            return start + frame(Kind.CONTINUATION, END_HEADERS, stream + 2, b"")


def _flood(stream: int, chance: random.Random) -> bytes:
    """Many small frames that each want something done."""
    count = chance.choice((50, 500, 5000))
    reset = struct.pack(">I", 8)
    match chance.randrange(9):
        case 0:
            return settings([(4, 65535)]) * count
        case 1:
            return frame(Kind.PING, 0, 0, b"fuzzfuzz") * count
        case 2:
            return frame(Kind.PRIORITY, 0, stream, struct.pack(">IB", 0, 1)) * count
        case 3:
            return frame(Kind.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * count
        case 4:
            head = frame(Kind.HEADERS, END_HEADERS, stream, block(call_headers()))
            return head + frame(Kind.DATA, 0, stream) * count
        case 5:
            return frame(0x42, 0, 0, bytes(8)) * count
        case 6:
            head = block(call_headers())
            numbers = range(stream, stream + 2 * min(count, 1000), 2)
            return b"".join(
                frame(Kind.HEADERS, END_HEADERS, number, head) + frame(Kind.RST_STREAM, 0, number, reset)
                for number in numbers
            )
        case 7:  # streams that stay open, more than are permitted
            head = block(call_headers())
            return b"".join(
                frame(Kind.HEADERS, END_HEADERS, number, head)
                for number in range(stream, stream + 2 * min(count, 1000), 2)
            )
        case _:
            return settings(flags=ACK) * count


def _settings(stream: int, chance: random.Random) -> bytes:
    """Settings that are wrong, or unusual."""
    values = (0, 1, 2, 100, _MAX_FRAME - 1, _MAX_FRAME, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
    pairs = [
        (chance.choice((1, 2, 3, 4, 5, 6, 8, 9, 0, 0xFE03, 0xFFFF)), chance.choice(values))
        for _ in range(chance.choice((1, 1, 2, 100, 2000)))
    ]
    call = frame(Kind.HEADERS, END_HEADERS, stream, block(call_headers())) + data_frames(stream, message(b""))
    return settings(pairs) + chance.choice((b"", call, settings([(4, 2**31 - 1)])))


def _windows(stream: int, chance: random.Random) -> bytes:
    """Windows of the connection: closed, reopened, overflown, and not heeded."""
    head = frame(Kind.HEADERS, END_HEADERS, stream, block(call_headers()))
    call = head + data_frames(stream, message(valid_protobuf(chance)))
    match chance.randrange(5):
        case 0:
            return settings([(4, 0)]) + call
        case 1:
            return settings([(4, 0)]) + call + settings([(4, 65535)])
        case 2:
            return frame(Kind.WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1)) * chance.choice((1, 2, 3))
        case 3:
            return head + frame(Kind.WINDOW_UPDATE, 0, stream, struct.pack(">I", 2**31 - 1)) * 2
        case _:  # more than the server asked for
            return head + data_frames(stream, message(bytes(chance.choice((100_000, 6 << 20)))))


def _numbers(stream: int, chance: random.Random) -> bytes:
    """Streams with numbers that cannot be."""
    head = block(call_headers())
    number = chance.choice((0, 2, stream + 1, stream - 2 if stream > 2 else 1, 2**31 - 1, 2**31 + 1))
    call = frame(Kind.HEADERS, END_HEADERS, number, head) + data_frames(number, message(b""))
    return call + chance.choice((b"", call, frame(Kind.HEADERS, END_HEADERS, stream, head)))


def _push(stream: int, chance: random.Random) -> bytes:
    """Frames that only servers send, and ends of connections that go on."""
    match chance.randrange(3):
        case 0:
            return frame(Kind.PUSH_PROMISE, END_HEADERS, stream, struct.pack(">I", 2) + block(call_headers()))
        case 1:
            goaway = frame(Kind.GOAWAY, 0, 0, struct.pack(">II", 0, chance.choice((0, 1, 11, 2**32 - 1))) + b"bye")
            call = frame(Kind.HEADERS, END_HEADERS, stream, block(call_headers()))
            return goaway + call + data_frames(stream, message(b""))
        case _:
            return frame(Kind.GOAWAY, 0, 0, bytes(chance.choice((0, 7, 8, 9000))))


def _padding(stream: int, chance: random.Random) -> bytes:
    """More padding than there is payload."""
    head = frame(Kind.HEADERS, END_HEADERS, stream, block(call_headers()))
    wrong = bytes((chance.choice((1, 4, 255)),)) + bytes(chance.choice((0, 1)))
    return chance.choice(
        (
            head + frame(Kind.DATA, PADDED, stream, wrong),
            head + frame(Kind.DATA, PADDED, stream),
            frame(Kind.HEADERS, END_HEADERS | PADDED, stream, b"\xff" + block(call_headers())[:200]),
            frame(Kind.HEADERS, END_HEADERS | PRIORITY, stream, b"\0\0"),
            frame(Kind.HEADERS, END_HEADERS | PADDED | PRIORITY, stream, b"\x01\0\0\0"),
        )
    )


_Fault = Callable[[int, random.Random], bytes]

_FAULTS: Sequence[tuple[str, _Fault]] = (
    *(("any frame", _any_frame), ("any frame", _any_frame), ("frame sizes", _sizes), ("HPACK garbage", _hpack)),
    *(("HPACK garbage", _hpack), ("HPACK bomb", _hpack_bomb), ("CONTINUATION", _continuations), ("flood", _flood)),
    *(("SETTINGS", _settings), ("windows", _windows), ("stream numbers", _numbers), ("push, GOAWAY", _push)),
    *(("padding", _padding),),
)

"""Malformed header fields of calls (gRPC over HTTP/2, "Requests"; RFC 9113, section 8)."""

from __future__ import annotations

import random
from functools import cache

from tests.fuzz.front_door.frames import block
from tests.fuzz.front_door.grpc_wire import (
    EXPORT,
    MAX_FRAME,
    Call,
    block_frames,
    call_headers,
    data_frames,
    headers_frame,
    message,
    whole_call,
)
from tests.fuzz.front_door.payloads import valid_protobuf

__all__ = ["much_metadata", "odd_fields", "wrong_headers"]

_CONTENT_TYPES = (
    *(b"", b"application/json", b"application/grpcx", b"application/grpc+json", b"application/grpc;x"),
    *(b"text/html", b"application/GRPC", b"application/grpc-web", b"\xff", b"x" * 5000),
)
_PATHS = (
    *(b"/", b"*", b"", b"/x", b"//", EXPORT + b"/", EXPORT[1:], EXPORT.upper(), EXPORT + b"\0", EXPORT + b"?a"),
    *(b"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", b"/grpc.health.v1.Health/Check"),
    *(b"/" + b"a" * 6000, b"/\xff\xfe", b"/v1/logs", b"/opentelemetry.proto.collector.logs.v1.LogsService/"),
    *(b"/\x01", b"/../x", b"/%2e"),
)
_TIMEOUTS = (
    *(b"", b"0n", b"1n", b"1u", b"1m", b"99999999H", b"999999999H", b"-1S", b"1", b"S", b"1s", b"1.5S", b"abc"),
    *(b" 1S", b"9" * 300 + b"S", b"00000000S", b"0S", b"\xff", b"1S "),
)


def wrong_headers(stream: int, chance: random.Random) -> Call:
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
    return Call("call headers", whole_call(stream, message(valid_protobuf(chance)), **changed))


_FIELDS = (
    *((b"", b"x"), (b"X-Upper", b"x"), (b"x y", b"z"), (b"x\0", b"z"), (b"x", b"\0"), (b"x", b"a\r\nb: c")),
    *((b"x:y", b"z"), (b"connection", b"close"), (b"keep-alive", b"1"), (b"transfer-encoding", b"chunked")),
    *((b"upgrade", b"h2c"), (b"proxy-connection", b"x"), (b":status", b"200"), (b":unknown", b"x")),
    *((b":path", EXPORT), (b":path", b"/x"), (b"x-bin", b"!!!not base64"), (b"x-bin", b"AAEC"), (b"x-bin", b"AAE")),
    *((b"x-bin", b"AA=,AA"), (b"x-bin", b""), (b"x", b"\xff\xfe"), (b"\xff", b"x"), (b"x", b" padded ")),
    *((b"grpc-status", b"0"), (b"grpc-message", b"%"), (b"te", b"x"), (b"grpc-previous-rpc-attempts", b"x")),
    *((b"grpc-tags-bin", b"////"), (b"grpc-trace-bin", b"AA"), (b"lb-token", b"x")),
    *((b"content-type", b"text/html"), (b"grpc-encoding", b"gzip"), (b"host", b"other"), (b"cookie", b"a=b; c")),
    *((b"x", b"v" * 9000),),
)


def odd_fields(stream: int, chance: random.Random) -> Call:
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


def much_metadata(stream: int, chance: random.Random) -> Call:
    """More header fields than a server may want to hold, or larger ones."""
    head = block_frames(stream, _much(*chance.choice(_MUCH)), piece=chance.choice((MAX_FRAME, MAX_FRAME, 1000)))
    return Call("much metadata", head + data_frames(stream, message(valid_protobuf(chance))))

"""Requests as parsers other than the server's read them: whether an OK was given to an OTLP request."""

from __future__ import annotations

import gzip
import zlib
from urllib.parse import unquote_to_bytes

import h11
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from harness.zstd import zstd
from server.codec.decode import decode
from server.codec.otlp_json import request_from_json
from server.errors.ingest import MalformedRequestError

__all__ = ["is_valid", "why_no_http_request"]

# Where httptools lets more pass, and nobody can be misled by it: what is wrong within the request line, or an empty
# line before it (RFC 9112, section 2.2), changes nothing about where the request ends.
_NO_MATTER = (
    "illegal request line",
    "no request line received",
)
_LARGE = 100_000  # bytes
_LIMIT = 64 << 20


def is_valid(request: bytes) -> bool:
    """Tell whether these bytes are an OTLP logs request, by the reference codec; of large ones only the wire format.

    The reference codec takes a minute for two million resources, in which nothing else would be done here.
    """
    try:
        if len(request) > _LARGE:
            ExportLogsServiceRequest.FromString(request)
            return True
        decode(request)
    except (MalformedRequestError, DecodeError):
        return False
    return True


def why_no_http_request(sent: bytes, number: int) -> str:
    """Return why the request of that number on a connection may not be accepted, empty if it may.

    h11 reads what was sent. It is strict where servers differ, so that requests that could be smuggled count.
    """
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 22)
    connection.receive_data(sent)
    try:
        for _ in range(number):
            _next_request(connection)
            connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
            connection.send(h11.EndOfMessage())
            connection.start_next_cycle()
        request, body = _next_request(connection)
    except h11.ProtocolError as error:
        return "" if str(error).startswith(_NO_MATTER) else f"h11: {error}"
    return _why_refused(request, body)


def _next_request(connection: h11.Connection) -> tuple[h11.Request, bytes]:
    request: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        match event:
            case h11.Request():
                request = event
            case h11.Data():
                body += event.data
            case h11.EndOfMessage() if request is not None:
                return request, bytes(body)
            case _:
                raise h11.RemoteProtocolError("the request is not whole")


def _why_refused(request: h11.Request, body: bytes) -> str:
    headers = dict(request.headers)
    path = unquote_to_bytes(request.target.partition(b"?")[0])
    if request.method != b"POST" or not path.endswith(b"/v1/logs"):
        return f"it is {request.method!r} {path[:50]!r}"
    told = [(name, value) for name, value in request.headers if name in (b"content-type", b"content-encoding")]
    names = [name for name, _ in set(told)]  # what is said twice is said
    if names.count(b"content-type") != 1 or names.count(b"content-encoding") > 1:
        return "more than one Content-Type or Content-Encoding, or none"
    try:
        plain = _decompressed(body, headers.get(b"content-encoding", b"").strip().lower())
    except (OSError, EOFError, zlib.error, zstd.ZstdError, ValueError) as error:
        return f"Content-Encoding: {error}"
    media_type = headers[b"content-type"].partition(b";")[0].strip().lower()
    try:
        match media_type:
            case b"application/json":
                plain = request_from_json(plain)
            case b"application/x-protobuf":
                pass
            case _:
                return f"Content-Type {media_type[:50]!r}"
    except MalformedRequestError as error:
        return f"JSON: {error}"
    return "" if is_valid(plain) else "no OTLP logs request"


def _decompressed(body: bytes, encoding: bytes) -> bytes:
    match encoding:
        case b"" | b"identity":
            return body
        case b"gzip" | b"x-gzip":
            return gzip.decompress(body)
        case b"zstd":
            return _all_frames(body)
        case _:
            raise ValueError(f"{encoding[:50]!r}")


def _all_frames(body: bytes) -> bytes:
    out = bytearray()
    while body:
        frame = zstd.ZstdDecompressor()
        out += frame.decompress(body)
        if not frame.eof or len(out) > _LIMIT:
            raise ValueError("cut, or too large")
        body = frame.unused_data
    return bytes(out)

"""Reads and judges what comes back over gRPC."""

from __future__ import annotations

import base64
import contextlib
import gzip
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import hpack
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from tests.fuzz.front_door.frames import ACK, END_STREAM, PREFACE, Frame, Kind, read_frames, unpadded
from tests.fuzz.front_door.grpc_wire import EXPORT
from tests.fuzz.front_door.requests import is_valid
from tests.fuzz.front_door.script import AnswerError, Script

__all__ = ["GrpcAnswers"]

# What server/otlp/status.py documents; and what gRPC itself answers: CANCELLED, UNKNOWN, DEADLINE_EXCEEDED,
# UNIMPLEMENTED and INTERNAL for calls that never get to the service.
_OWN = {"3": "INVALID_ARGUMENT", "8": "RESOURCE_EXHAUSTED", "14": "UNAVAILABLE"}
_OF_GRPC = {"1": "CANCELLED", "2": "UNKNOWN", "4": "DEADLINE_EXCEEDED", "12": "UNIMPLEMENTED", "13": "INTERNAL"}
_STATUSES = _OWN | _OF_GRPC
# What gRPC answers to calls on a connection that ends, because the client broke it or went away.
_CONNECTION_ENDS = (b"Failed parsing HTTP/2", b"Socket closed", b"Too many pings")
_NEGATIVE = 1 << 31  # bytes of a message, where gRPC takes them for a signed number
_MAX_BLOCK = 1 << 24

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class _Answer:
    headers: list[Headers] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    ended: bool = False
    reset: int | None = None


class GrpcAnswers:
    """The answers on one connection; what comes is fed to it piece by piece."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._answers: dict[int, _Answer] = {}
        self._waiting = set(script.streams)
        self._bytes = bytearray()
        self._block: tuple[Frame, bytearray] | None = None
        self._decoder = hpack.Decoder(max_header_list_size=_MAX_BLOCK)
        self._goaway: int | None = None
        self._windows: Counter[int] = Counter()
        self._window = 65535  # for new streams (RFC 9113, 6.9.2)
        self.heard = False

    @property
    def satisfied(self) -> bool:
        """True if all streams are answered that have to be."""
        return not self._waiting

    def room(self, stream: int) -> int:
        """Return how many bytes may be sent on a stream."""
        return min(65535 + self._windows[0], self._window + self._windows[stream])

    def spend(self, stream: int, size: int) -> None:
        """Take note of what is sent."""
        self._windows[0] -= size
        self._windows[stream] -= size

    def feed(self, data: bytes) -> None:
        """Take bytes.

        Raises:
            AnswerError: they are no HTTP/2.
        """
        self._bytes += data
        end = 0
        for read, end in read_frames(self._bytes):  # noqa: B007 - where it ends is used after the loop
            if not self.heard and read.kind != Kind.SETTINGS:
                if read.kind == Kind.GOAWAY:  # nobody who speaks HTTP/2 is there to have settings
                    self._goaway = -1
                    continue
                raise AnswerError(f"the server begins with a frame of type {read.kind}")
            self.heard = True
            self._take(read)
        del self._bytes[:end]

    def _take(self, read: Frame) -> None:
        if self._block is not None and (read.kind != Kind.CONTINUATION or read.stream != self._block[0].stream):
            raise AnswerError("a frame within a header block")
        match read.kind:
            case Kind.HEADERS:
                try:
                    self._block = (read, bytearray(unpadded(read)))
                except ValueError as error:
                    raise AnswerError("HEADERS with wrong padding") from error
                self._headers_end(read)
            case Kind.CONTINUATION:
                if self._block is None:
                    raise AnswerError("CONTINUATION without HEADERS")
                self._block[1].extend(read.payload)
                self._headers_end(read)
            case Kind.DATA:
                answer = self._answer(read.stream)
                answer.data += unpadded(read)
                if read.flags & END_STREAM:
                    self._ended(read.stream)
            case Kind.RST_STREAM:
                self._answer(read.stream).reset = int.from_bytes(read.payload)
                self._ended(read.stream)
            case Kind.SETTINGS if not read.flags & ACK:
                for at in range(0, len(read.payload), 6):
                    name, value = struct.unpack_from(">HI", read.payload, at)
                    if name == 4:
                        self._window = value
            case Kind.WINDOW_UPDATE:
                self._windows[read.stream] += int.from_bytes(read.payload)
            case Kind.GOAWAY:
                self._goaway = int.from_bytes(read.payload[4:8])
            case Kind.PUSH_PROMISE:
                raise AnswerError("the server pushes")

    def _headers_end(self, read: Frame) -> None:
        if self._block is None or not read.flags & 0x4:
            return
        first, encoded = self._block
        self._block = None
        try:
            headers = [(name, value) for name, value in self._decoder.decode(bytes(encoded), raw=True)]
        except hpack.HPACKError as error:
            raise AnswerError(f"headers that cannot be read\n{error}: {bytes(encoded)!r}") from error
        self._answer(first.stream).headers.append(headers)
        if first.flags & END_STREAM:
            self._ended(first.stream)

    def _answer(self, stream: int) -> _Answer:
        answer = self._answers.setdefault(stream, _Answer())
        if stream == 0 or stream % 2 == 0:
            raise AnswerError(f"an answer on stream {'0' if stream == 0 else 'of even number'}")
        return answer

    def _ended(self, stream: int) -> None:
        self._answers[stream].ended = True
        self._waiting.discard(stream)

    def judge(self, outcomes: Counter[str]) -> None:
        """Check the answers, and count them.

        Raises:
            AnswerError: one of them is wrong.
        """
        for stream, answer in self._answers.items():
            outcomes[self._outcome(stream, answer)] += 1
        if self._goaway is not None:
            outcomes["GOAWAY"] += 1
        outcomes["no answer"] += len(self._waiting)

    def _outcome(self, stream: int, answer: _Answer) -> str:
        if not answer.headers:
            return "RST_STREAM"
        fields = dict(answer.headers[-1])
        first = dict(answer.headers[0])
        if first.get(b":status") != b"200":
            status = first.get(b":status", b"none").decode(errors="replace")
            if status not in ("400", "404", "405", "415"):
                raise AnswerError(f":status {status}")
            return f":status {status}"
        if not answer.ended or (answer.reset not in (None, 0) and b"grpc-status" not in fields):
            return "cut"
        code = fields.get(b"grpc-status", b"").decode(errors="replace")
        if code == "0":
            why = _why_no_call(self._script.sent, stream)
            if why:
                raise AnswerError(f"OK for what is no call: {why.partition(':')[0]}\n{why}")
            if bytes(answer.data) != bytes(5):
                raise AnswerError(f"OK with a message that is not empty\n{bytes(answer.data)!r}")
            return "OK"
        if code not in _STATUSES:
            raise AnswerError(f"grpc-status {code or 'missing'}")
        _check_refusal(code, fields)
        return _STATUSES[code]


def _check_refusal(code: str, fields: dict[bytes, bytes]) -> None:
    details = fields.get(b"grpc-status-details-bin")
    if details is None:
        said = fields.get(b"grpc-message", b"")
        if code == "14" and not said.startswith(_CONNECTION_ENDS):
            raise AnswerError(f"UNAVAILABLE without details\n{said!r}")
        return
    try:
        status = status_pb2.Status.FromString(base64.b64decode(details + b"=" * (-len(details) % 4)))
    except (DecodeError, ValueError) as error:
        raise AnswerError(f"details that are no google.rpc.Status\n{error}") from error
    if str(status.code) != code or not status.message:
        raise AnswerError("details of another code, or without a message")
    retry = any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in status.details)
    if retry != (code == "14"):
        raise AnswerError(f"{_STATUSES[code]} {'with' if retry else 'without'} RetryInfo")


def _why_no_call(sent: bytes, stream: int) -> str:
    """Return why what was sent on a stream may not be accepted, empty if it may."""
    decoder = hpack.Decoder(max_header_list_size=_MAX_BLOCK)
    fields: Headers = []
    encoded, data, ended = bytearray(), bytearray(), False
    try:
        for read, _ in read_frames(sent[len(PREFACE) :]):
            if read.kind in (Kind.HEADERS, Kind.CONTINUATION):
                encoded += unpadded(read) if read.kind == Kind.HEADERS else read.payload
                if read.flags & 0x4:
                    block = decoder.decode(bytes(encoded), raw=True)
                    encoded.clear()
                    fields += block if read.stream == stream and not data else []
            elif read.kind == Kind.DATA and read.stream == stream:
                data += unpadded(read)
            ended = ended or bool(read.stream == stream and read.kind in (0, 1) and read.flags & END_STREAM)
            if ended and not encoded:  # what comes later may be anything
                break
    except (hpack.HPACKError, ValueError) as error:
        return f"HTTP/2: {error}"
    if not ended:
        return "the stream was not ended"
    return _why_refused(fields, bytes(data))


def _why_refused(fields: Iterable[tuple[bytes, bytes]], data: bytes) -> str:
    """Return why a call may not be accepted.

    Two things are gRPC's own, and no service gets to see them: flags that do not exist, and a second message that
    is not whole.
    """
    headers = dict(fields)
    if headers.get(b":path") != EXPORT or headers.get(b":method") != b"POST":
        return f"it is {headers.get(b':method')!r} {headers.get(b':path')!r}"
    messages = list(_messages(data))
    if len(messages) != 1:
        return f"{len(messages)} messages"
    return "" if any(map(is_valid, _plain(messages[0]))) else "no OTLP logs request"


def _messages(data: bytes) -> Iterator[bytes]:
    """Yield the messages that are whole; where one claims to have 2 GiB or more, gRPC makes an empty one of it."""
    at = 0
    while len(data) - at >= 5:
        size = int.from_bytes(data[at + 1 : at + 5])
        if size >= _NEGATIVE:
            yield b""
            return
        if len(data) - at - 5 >= size:
            yield data[at + 5 : at + 5 + size]
        at += 5 + size


def _plain(message: bytes) -> Iterator[bytes]:
    """Yield what a message may be, compressed or not: that is told more than once, and not always alike."""
    yield message
    for decompress in (gzip.decompress, zlib.decompress):
        with contextlib.suppress(OSError, EOFError, zlib.error):
            yield decompress(message)

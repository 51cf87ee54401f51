"""Log records in files: OTLP logs requests as JSON or protobuf, one or many.

Many requests stand in a file as the Collector's file exporter writes them: JSON, one request per line; or protobuf,
each request after its length in 4 bytes, the most significant byte first.

Raw lines, which no sender has put into requests yet, are bodies of records of their own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from typing import BinaryIO

from server.codec.decode import decode
from server.codec.decode_spans import decode_spans
from server.codec.otlp_json import request_from_json
from server.codec.records import RecordColumns
from server.codec.redaction import UNREDACTED, Redactor
from server.errors.files import unreadable
from server.errors.ingest import MalformedRequestError
from server.settings.errors import ConfigError
from server.settings.regular_files import open_regular

__all__ = ["MOST_BYTES", "STANDARD_INPUT", "ReadRequest", "read_raw_lines", "read_requests", "shown_name"]

MOST_BYTES = 64 << 20
"""Largest request that is read, in bytes: the largest that a server accepts by default."""

STANDARD_INPUT = "-"
"""Name of the standard input on the command line."""

_BOM = b"\xef\xbb\xbf"
_COMPRESSED = {b"\x1f\x8b": "gzip -dc", b"\x28\xb5": "zstd -dc"}
_FIRST_FIELD = b"\n"  # the first byte of a request as protobuf; field 1, which has a length
_LENGTH_BYTES = 4
_Read = Callable[[bytes], RecordColumns]
_NO_OTLP = "this is not an OTLP logs request, neither JSON nor protobuf"
_RAW = "; to take each line for the body of a log record, add --raw"
_ROOTS = {"resourceLogs", "resource_logs", "resourceSpans", "resource_spans"}


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """The records of one request in a file.

    Attributes:
        file: name of the file, for people.
        line: line of the request, or number of the message in a file of several as protobuf; 0 if it is the whole file.
        records: its records.
    """

    file: str
    line: int
    records: RecordColumns

    @property
    def place(self) -> str:
        """The place of the request."""
        return _place(self.file, self.line)


def shown_name(file: str) -> str:
    """Return the name of a file, or of the standard input, for people."""
    return "standard input" if file == STANDARD_INPUT else file


def read_requests(file: str, redactor: Redactor = UNREDACTED) -> Iterator[ReadRequest]:
    """Yield the requests in a file, one after the other.

    Args:
        file: path of the file, or ``STANDARD_INPUT``.
        redactor: replaces secrets, as a server does.

    Raises:
        ConfigError: the file cannot be read, or has something that is not an OTLP logs request.
    """
    name = shown_name(file)

    def read(request: bytes) -> RecordColumns:
        return decode(request, redactor=redactor)

    with _opened(file) as stream:
        first, joined = _begun(file, stream)
        if first[:1] == _FIRST_FIELD:
            yield from _protobuf_or_json(name, joined, read)
        elif first and first < b"\x08":  # no field has a number this low
            yield from _messages(name, joined, read)
        else:
            yield from _lines(name, joined, read)


def read_raw_lines(file: str, redactor: Redactor = UNREDACTED) -> Iterator[ReadRequest]:
    """Yield each line of a file as a request with one record, whose body is the line; arguments as ``read_requests``.

    A file that is one JSON value on several lines is one body. Bytes that are not UTF-8 are replaced, as the
    Collector's file receiver does.

    Raises:
        ConfigError: the file cannot be read.
    """
    name = shown_name(file)
    with _opened(file) as stream:
        _, joined = _begun(file, stream)
        for number in count(1):
            line = joined.readline(MOST_BYTES + 1)
            if not line:
                return
            line = line.removeprefix(_BOM) if number == 1 else line
            if number == 1 and line.lstrip()[:1] in (b"{", b"[") and not _is_complete(line):
                rest = joined.read(MOST_BYTES + 1 - len(line))
                if _is_complete(line + rest):
                    yield _raw_request(name, 0, line + rest, redactor)
                    return
                joined = _Joined(rest, stream)
            if line.strip():
                yield _raw_request(name, number, line, redactor)


def _raw_request(name: str, line: int, body: bytes, redactor: Redactor) -> ReadRequest:
    text = _limited(name, line, body).decode(errors="replace").rstrip("\r\n")
    records = [{"body": {"stringValue": text}}]
    request = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
    return ReadRequest(name, line, decode(request_from_json(request.encode()), redactor=redactor))


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    if file == STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)
    try:
        return open_regular(file)
    except OSError as error:
        also = "" if error.errno else "; for what is not in a file, give - and write it to the standard input"
        raise ConfigError(unreadable(file, error) + also) from error


def _begun(file: str, stream: BinaryIO) -> tuple[bytes, _Joined]:
    """Return the first two bytes of a file, and all of it.

    Raises:
        ConfigError: the file is compressed.
    """
    first = stream.read(2)
    if first in _COMPRESSED:
        given = "" if file == STANDARD_INPUT else f" {file}"
        raise ConfigError(f"{shown_name(file)} is compressed: {_COMPRESSED[first]}{given} | lognotary classify -")
    return first, _Joined(first, stream)


class _Joined:
    """A stream, and some bytes before it that were read already."""

    def __init__(self, first: bytes, stream: BinaryIO) -> None:
        self._first = BytesIO(first)
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Return as many bytes, fewer at the end of the stream."""
        first = self._first.read(size)
        return first + self._stream.read(size - len(first))

    def readline(self, size: int) -> bytes:
        """Return a line, of which at most as many bytes."""
        first = self._first.readline(size)
        return first if first.endswith(b"\n") else first + self._stream.readline(size - len(first))


def _protobuf_or_json(name: str, stream: _Joined, read: _Read) -> Iterator[ReadRequest]:
    """Yield the request of a file that begins with a line feed, which is also the first byte of protobuf."""
    request = _limited(name, 0, stream.read(MOST_BYTES + 1))
    try:
        yield ReadRequest(name, 0, read(request))
    except MalformedRequestError as error:
        if request.strip() and not request.lstrip().startswith(b"{"):
            raise ConfigError(f"{name}: {_why(request, error)}") from error
        yield from _lines(name, _Joined(request, BytesIO()), read)


def _why(request: bytes, error: MalformedRequestError) -> str:
    """Return why protobuf is not a logs request."""
    try:
        decode_spans(request)
    except MalformedRequestError:
        return str(error)
    return "this is a traces request: only log records are classified"


def _messages(name: str, stream: _Joined, read: _Read) -> Iterator[ReadRequest]:
    for number in count(1):
        length = stream.read(_LENGTH_BYTES)
        if not length:
            return
        size = int.from_bytes(length)
        request = stream.read(size) if size <= MOST_BYTES else b""
        if len(length) < _LENGTH_BYTES or len(request) < size:
            raise ConfigError(f"{_place(name, number)}: {_NO_OTLP}, or it is cut off")
        try:
            yield ReadRequest(name, number, read(request))
        except MalformedRequestError as error:
            raise ConfigError(f"{_place(name, number)}: {_why(request, error)}") from error


def _lines(name: str, stream: _Joined, read: _Read) -> Iterator[ReadRequest]:
    """Yield the requests of JSON lines, or the one request if the first line is only a part of it."""
    is_first = True
    for number in count(1):
        line = stream.readline(MOST_BYTES + 1)
        if not line:
            return
        line = line.removeprefix(_BOM) if number == 1 else line
        if not line.strip():
            continue
        at = number
        if is_first:
            if not line.lstrip().startswith(b"{"):
                raise ConfigError(f"{_place(name, at)}: {_NO_OTLP}{_RAW}")
            if not _is_complete(line):
                line += stream.read(MOST_BYTES + 1 - len(line))
                at = 0
            is_first = False
        try:
            yield ReadRequest(name, at, read(request_from_json(_limited(name, at, line))))
        except MalformedRequestError as error:
            hint = "" if _looks_like_otlp(line) else _RAW
            raise ConfigError(f"{_place(name, at)}: {error}{hint}") from error


def _looks_like_otlp(line: bytes) -> bool:
    """Return whether text is an OTLP request with an error, rather than something else."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return any(f'"{root}"'.encode() in line for root in _ROOTS)
    return isinstance(content, dict) and not _ROOTS.isdisjoint(content)


def _is_complete(line: bytes) -> bool:
    """Return whether a line is JSON by itself."""
    try:
        json.loads(line)
    except ValueError:
        return False
    except RecursionError:  # what is nested so deeply is no request anyway
        return True
    return True


def _limited(name: str, line: int, request: bytes) -> bytes:
    if len(request) > MOST_BYTES:
        raise ConfigError(
            f"{_place(name, line)}: the request has more than {MOST_BYTES >> 20} MiB: split it into requests of a line "
            "each, as the Collector's file exporter writes them"
        )
    return request


def _place(name: str, line: int) -> str:
    return f"{name}:{line}" if line else name

"""The bytes of the records in a request: found without parsing the request, so that only signed records are parsed.

To parse a whole request in Python takes many times its memory, which admission does not count on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from server.codec.audit.request_records import RecordPlace
from server.codec.limits import MAX_RECORDS, ROW_LIMITS, MalformedReason, malformed, too_many_records
from server.codec.signals import Signal
from server.errors.ingest import MalformedRequestError

__all__ = ["Envelope", "Place"]

_MOST_FIELDS = 2 * MAX_RECORDS
_LONGEST_VARINT = 10  # bytes
_RESOURCE_LOGS = 1 << 3 | 2  # of a request
_RESOURCE = 1 << 3 | 2  # of ResourceLogs
_SCOPE_LOGS = (2 << 3 | 2, 1000 << 3 | 2)  # of ResourceLogs; the second one is what OTLP had before 0.15
_LOG_RECORDS = 2 << 3 | 2  # of ScopeLogs


class Place(NamedTuple):
    """Position of a message in the bytes of a request.

    Attributes:
        start: offset of its first byte.
        end: offset behind its last byte.
    """

    start: int
    end: int


class Envelope:
    """The messages around the records of a request.

    All iterators raise MalformedRequestError if the bytes are not a request, or have more fields than any request that
    is accepted.
    """

    def __init__(self, request: bytes, most_fields: int = _MOST_FIELDS) -> None:
        """Take a request.

        Args:
            request: a serialized ``ExportLogsServiceRequest``.
            most_fields: limit on the number of fields that are read over.
        """
        self._request = request
        self._left = most_fields

    def resource_logs(self) -> Iterator[Place]:
        """Yield the ResourceLogs."""
        return (place for tag, place in self._fields(Place(0, len(self._request))) if tag == _RESOURCE_LOGS)

    def resource(self, resource_logs: Place) -> bytes:
        """Return the bytes of a resource, which may be behind its records, and in several parts."""
        parts = (place for tag, place in self._fields(resource_logs) if tag == _RESOURCE)
        return b"".join(self._request[start:end] for start, end in parts)

    def records(self, number: int, resource_logs: Place) -> Iterator[RecordPlace]:
        """Yield the records of ResourceLogs, in the order in which codecs count them.

        Args:
            number: number of the ResourceLogs in the request, from 0.
            resource_logs: its place.
        """
        scopes = (place for tag, place in self._fields(resource_logs) if tag in _SCOPE_LOGS)
        for scope_number, scope_logs in enumerate(scopes):
            records = (place for tag, place in self._fields(scope_logs) if tag == _LOG_RECORDS)
            for record_number, (start, end) in enumerate(records):
                yield RecordPlace(number, scope_number, record_number, start, end)

    def _fields(self, message: Place) -> Iterator[tuple[int, Place]]:
        """Yield the tag of each field, and its value."""
        at, end = message
        while at < end:
            tag, at = self._tag(at, end)
            kind = tag & 7
            if kind == 2:
                size, at = self._varint(at, end)
                start, at = at, at + size
            elif kind == 3:
                start, at = at, self._end_of_group(at, end)
            else:
                start, at = at, self._end_of_number(kind, at, end)
            if at > end:
                raise self._broken()
            yield tag, Place(start, at)

    def _end_of_group(self, at: int, end: int) -> int:
        depth = 1
        while depth:
            tag, at = self._tag(at, end)
            match tag & 7:
                case 2:
                    size, at = self._varint(at, end)
                    at += size
                case 3:
                    depth += 1
                case 4:
                    depth -= 1
                case kind:
                    at = self._end_of_number(kind, at, end)
        return at

    def _end_of_number(self, kind: int, at: int, end: int) -> int:
        match kind:
            case 0:
                return self._varint(at, end)[1]
            case 1:
                return at + 8
            case 5:
                return at + 4
            case _:
                raise self._broken()

    def _tag(self, at: int, end: int) -> tuple[int, int]:
        self._left -= 1
        if self._left < 0:
            raise too_many_records(ROW_LIMITS, Signal.LOGS)
        return self._varint(at, end)

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        value = 0
        for number in range(min(_LONGEST_VARINT, end - at)):
            byte = self._request[at + number]
            value |= (byte & 0x7F) << 7 * number
            if byte < 0x80:
                return value, at + number + 1
        raise self._broken()

    def _broken(self) -> MalformedRequestError:
        return malformed(self._request, MalformedReason.BROKEN, Signal.LOGS)

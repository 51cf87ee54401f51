"""The bytes of the records in a request: found, and picked, without parsing the request.

To parse a whole request in Python takes up to 27 times its size in memory. The input is well-formed: a codec has
accepted it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from server.codec.unread import delimited, wire_fields

__all__ = ["RecordPlace", "pick_records", "records_of"]

_RESOURCE_LOGS = 1 << 3 | 2  # of a request
_SCOPE_LOGS = (2 << 3 | 2, 1000 << 3 | 2)  # of ResourceLogs; the second one is what OTLP had before 0.19
_LOG_RECORDS = 2 << 3 | 2  # of ScopeLogs


class RecordPlace(NamedTuple):
    """Place of a record in a request.

    Attributes:
        resource_logs: number of its ResourceLogs in the request, from 0.
        scope_logs: number of its ScopeLogs in these.
        log_record: its number in these.
        start: offset of its first byte, which no other record has.
        end: offset behind its last byte.
    """

    resource_logs: int
    scope_logs: int
    log_record: int
    start: int
    end: int

    def __str__(self) -> str:
        """The place as messages name it, with the names of OTLP/JSON."""
        return f"resourceLogs[{self.resource_logs}].scopeLogs[{self.scope_logs}].logRecords[{self.log_record}]"


def records_of(request: bytes) -> Iterator[RecordPlace]:
    """Yield the places of the records of a serialized request, in order."""
    for i, (start, end) in enumerate(_values(request, (_RESOURCE_LOGS,), 0, len(request))):
        for j, scope_logs in enumerate(_values(request, _SCOPE_LOGS, start, end)):
            for k, record in enumerate(_values(request, (_LOG_RECORDS,), *scope_logs)):
                yield RecordPlace(i, j, k, *record)


def pick_records(request: bytes, is_picked: Callable[[int], bool]) -> bytes:
    """Return a request with some of its records, in their order, and only the resources and scopes of these.

    Args:
        request: the serialized request.
        is_picked: function that returns whether the record with its first byte at an offset is picked.
    """

    def scope_logs(start: int, end: int) -> bytes:
        parts, some = [], False
        for tag, begin, first, last in wire_fields(request, start, end):
            if tag != _LOG_RECORDS or (picked := is_picked(first)):
                parts.append(request[begin:last])
                some = some or (tag == _LOG_RECORDS and picked)
        return b"".join(parts) if some else b""

    def resource_logs(start: int, end: int) -> bytes:
        parts, some = [], False
        for tag, begin, first, last in wire_fields(request, start, end):
            if tag not in _SCOPE_LOGS:
                parts.append(request[begin:last])
            elif content := scope_logs(first, last):
                parts.append(delimited(tag, content))
                some = True
        return b"".join(parts) if some else b""

    contents = (resource_logs(*place) for place in _values(request, (_RESOURCE_LOGS,), 0, len(request)))
    return b"".join(delimited(_RESOURCE_LOGS, content) for content in contents if content)


def _values(data: bytes, tags: tuple[int, ...], start: int, end: int) -> Iterator[tuple[int, int]]:
    return ((first, last) for tag, _, first, last in wire_fields(data, start, end) if tag in tags)

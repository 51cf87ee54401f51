"""A look at a logs request before its audit records are read one by one: is it well-formed, and what does it take?"""

from __future__ import annotations

from dataclasses import dataclass

from server.codec.limits import ROW_LIMITS, RowLimits
from server.codec.redaction import Redactor
from server.codec.redaction_rules import NO_REDACTION, Redaction
from server.codec.reference import ReferenceCodec
from server.codec.unread import wire_fields

__all__ = ["REFERENCE_LOOK", "Look", "RequestLook"]

_TIMES = 27  # of its size that a request takes while the official parser's objects of it are there, as measured

# The fields of a message that lead to values: by tag, the fields of their content, and whether each counts as a value.
_Fields = dict[int, tuple["_Fields", int]]
_ANY_VALUE: _Fields = {}
_KEY_VALUE: _Fields = {2 << 3 | 2: (_ANY_VALUE, 0)}
_ANY_VALUE[5 << 3 | 2] = ({1 << 3 | 2: (_ANY_VALUE, 1)}, 0)
_ANY_VALUE[6 << 3 | 2] = ({1 << 3 | 2: (_KEY_VALUE, 1)}, 0)
_LOG_RECORD: _Fields = {5 << 3 | 2: (_ANY_VALUE, 0), 6 << 3 | 2: (_KEY_VALUE, 1)}


@dataclass(frozen=True, slots=True)
class Look:
    """Result of a look at a request.

    Attributes:
        redacts: False if there is nothing to redact in it.
        size: bytes of its rows, as far as that is known.
    """

    redacts: bool
    size: int


class RequestLook:
    """A look as the reference codec has it, which decodes the whole request; thread-safe."""

    def __init__(self, redaction: Redaction = NO_REDACTION, limits: RowLimits = ROW_LIMITS) -> None:
        """Look with a redaction, and with limits on the rows of one request."""
        self._redaction = redaction
        self._limits = limits
        self._redactor = Redactor(redaction)

    def memory(self, request: bytes) -> int:
        """Return the bytes of memory that ``look`` takes, beside what every request does."""
        return _TIMES * len(request)

    def look(self, request: bytes) -> Look:
        """Look at a serialized ``ExportLogsServiceRequest``.

        Raises:
            MalformedRequestError: the bytes are not such a request, or its rows are beyond the limits.
        """
        rows = ReferenceCodec((), self._limits, (), self._redaction).encode(request, 0)
        return Look(any(each.redactions for each in rows), sum(each.size for each in rows))

    def redactor(self) -> Redactor:
        """Return a redactor for one thread."""
        return self._redactor

    def values(self, record: bytes) -> int:
        """Return the number of attributes, members and elements in a serialized ``LogRecord``, which is well-formed."""
        return _count(record, 0, len(record), _LOG_RECORD)


REFERENCE_LOOK = RequestLook()
"""A look without redaction."""


def _count(data: bytes, start: int, end: int, fields: _Fields) -> int:
    count = 0
    for tag, _, first, last in wire_fields(data, start, end):
        if tag in fields:
            content, one = fields[tag]
            count += one + _count(data, first, last, content)
    return count

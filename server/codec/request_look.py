"""A look at a logs request before its audit records are read one by one: is it well-formed, and what does it take?"""

from __future__ import annotations

from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from server.codec.decode_parts import parse
from server.codec.redaction import Redactor
from server.codec.redaction_rules import NO_REDACTION, Redaction
from server.codec.signals import Signal

__all__ = ["REFERENCE_LOOK", "Look", "RequestLook"]


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
    """A look as the reference codec has it, which parses the whole request; thread-safe."""

    def __init__(self, redaction: Redaction = NO_REDACTION) -> None:
        """Look with a redaction."""
        self._redacts = not redaction.is_off
        self._redactor = Redactor(redaction)

    def look(self, request: bytes) -> Look:
        """Look at a serialized ``ExportLogsServiceRequest``.

        Raises:
            MalformedRequestError: the bytes are not such a request.
        """
        parse(ExportLogsServiceRequest, request, Signal.LOGS)
        return Look(self._redacts, len(request))

    def redactor(self) -> Redactor:
        """Return a redactor for one thread."""
        return self._redactor

    def values(self, record: bytes) -> int:  # noqa: ARG002 - compiled code counts them
        """Return the number of attributes, members and elements in a serialized ``LogRecord``, 0 if it is not known."""
        return 0


REFERENCE_LOOK = RequestLook()
"""A look without redaction."""

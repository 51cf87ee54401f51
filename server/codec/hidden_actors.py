"""Redaction that hides actors."""

from __future__ import annotations

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.redaction import Redactor
from server.codec.redaction_rules import Redaction

__all__ = ["hides_actors"]


def hides_actors(redaction: Redaction) -> bool:
    """Return whether redaction puts a mark in place of the ID of an actor in audit records."""
    record = LogRecord()
    record.attributes.add(key="audit.actor.id").value.string_value = "alice"
    return Redactor(redaction).without_secrets(record) != record

"""Redaction that hides actors."""

from __future__ import annotations

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.redaction import Redactor
from server.codec.redaction_rules import Redaction

__all__ = ["hides_actor_names", "hides_actors"]


def hides_actors(redaction: Redaction) -> bool:
    """Return whether redaction puts a mark in place of the ID of an actor in audit records."""
    return _hides(redaction, "audit.actor.id")


def hides_actor_names(redaction: Redaction) -> bool:
    """Return whether redaction puts a mark in place of the name of an actor, or of the ID of who it acts for."""
    return _hides(redaction, "audit.actor.name") or _hides(redaction, "audit.actor.effective_id")


def _hides(redaction: Redaction, key: str) -> bool:
    record = LogRecord()
    record.attributes.add(key=key).value.string_value = "alice"
    return Redactor(redaction).without_secrets(record) != record

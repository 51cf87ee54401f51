"""Native audit records, and requests of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from harness.otlp_load import log_record, request_of

__all__ = ["audit_record", "bytes_of", "id_of"]

TIME = 1_790_000_000 * 10**9


def audit_record(record_id: UUID | str | None = None, **changes: Any) -> LogRecord:
    """Return a valid audit record; an attribute that is None is left out."""
    attributes = {
        "audit_record_id": str(record_id or uuid4()),
        "audit_actor_id": "alice",
        "audit_actor_type": "user",
        "audit_action": "LOGIN",
        "audit_outcome": "success",
        **changes,
    }
    given = {key: value for key, value in attributes.items() if value is not None}
    record = log_record("logged in", timestamp=TIME, **given)
    record.event_name = "user.login"
    record.observed_time_unix_nano = TIME + 1
    return record


def bytes_of(*records: LogRecord) -> bytes:
    """Return a serialized request."""
    serialized: bytes = request_of(records).SerializeToString()
    return serialized


def id_of(record: LogRecord) -> UUID:
    """Return the id of an audit record."""
    values = {attribute.key: attribute.value.string_value for attribute in record.attributes}
    return UUID(values["audit.record.id"])

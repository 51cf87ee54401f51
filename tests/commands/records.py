"""Records of answers, as the API returns them."""

from __future__ import annotations

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.messages import from_nanos

__all__ = ["START", "audit_event", "record"]

START = 1_700_000_000 * 10**9


def record(
    state: evidence_pb2.EvidenceState = evidence_pb2.VERIFIED, *, at: int = 0, **fields: object
) -> correlation_pb2.Record:
    """Return a record; ``at`` is in nanoseconds after START."""
    made = correlation_pb2.Record(
        timestamp=from_nanos(START + at), service_name="shop", evidence=evidence_pb2.Evidence(state=state)
    )
    made.MergeFrom(correlation_pb2.Record(**{key: value for key, value in fields.items() if value}))  # type: ignore[arg-type]
    if fields.get("service_name") == "":
        made.ClearField("service_name")
    return made


def audit_event(**fields: object) -> correlation_pb2.Record:
    """Return a verified audit event; fields of AuditEvent, and others of Record."""
    names = correlation_pb2.AuditEvent.DESCRIPTOR.fields_by_name
    audit = correlation_pb2.AuditEvent(**{key: value for key, value in fields.items() if key in names})  # type: ignore[arg-type]
    return record(audit=audit, **{key: value for key, value in fields.items() if key not in names})  # type: ignore[arg-type]

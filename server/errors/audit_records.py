"""Errors of audit records that are received with a promise of one row for each id (``/v1/audit``, ``audit_strict``).

PipelineError
├── InvalidAuditRecordError      a record lacks what an audit record must have: do not retry
├── AuditRecordConflictError     another record is stored under the same id: do not retry
└── RefusedError
    └── AuditRecordClaimedError  the same id is on its way elsewhere: retry
"""

from __future__ import annotations

from typing import ClassVar

from server.errors.ingest import MalformedRequestError, PipelineError, RefusedError

__all__ = ["AuditRecordClaimedError", "AuditRecordConflictError", "InvalidAuditRecordError"]


class InvalidAuditRecordError(MalformedRequestError):
    """A record of the request is not a valid audit record; the message names the record and its field."""

    outcome: ClassVar[str] = "invalid_record"


class AuditRecordConflictError(PipelineError):
    """A record with the same id and other content is stored, or is in the same request; nothing was stored."""

    outcome: ClassVar[str] = "conflict"

    @property
    def loggable(self) -> str:
        """The message without the id."""
        return "an audit record has the id of another one with different content"


class AuditRecordClaimedError(RefusedError):
    """A record with the same id is on its way in another request, whose outcome is not known yet."""

    outcome: ClassVar[str] = "claimed"

    @property
    def loggable(self) -> str:
        """The message without the id."""
        return "an audit record has the id of one that is on its way in another request"

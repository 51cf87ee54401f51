"""Checks of each step of the demo, on the API's responses."""

from __future__ import annotations

from dataclasses import dataclass

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.demo.server_process import DEPLOYMENT
from server.errors.base import LognotaryError

__all__ = [
    "CULPRIT",
    "SCAPEGOAT",
    "Sent",
    "UnexpectedError",
    "check_found",
    "check_tampered",
    "check_trace",
    "check_verified",
]

CULPRIT, SCAPEGOAT = "bob", "alice"

_SERVICES = {"frontend", "accounts", "cart", "payment"}
_AUDIT_EVENTS, _LOGS, _SPANS = 4, 7, 6  # of the refund's trace


class UnexpectedError(LognotaryError):
    """A step did not have the expected result; the message says which."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Records sent by the shop: the trace to look at, and the total number of records."""

    trace_id: str
    records: int


def check_trace(trace: correlation_pb2.GetTraceResponse, sent: Sent) -> correlation_pb2.Record:
    """Check that the trace is complete and verified; return the audit event of the refund."""
    audit = _audit_events(trace)
    logs = [entry.log for entry in trace.entries if entry.HasField("log")]
    spans = _spans(trace)
    _expect(trace.trace_id == sent.trace_id, f"asked for trace {sent.trace_id}, got {trace.trace_id}")
    _expect(
        (len(audit), len(logs), len(spans)) == (_AUDIT_EVENTS, _LOGS, _SPANS),
        f"the trace has {len(audit)} audit events, {len(logs)} logs and {len(spans)} spans, "
        f"not {_AUDIT_EVENTS}, {_LOGS} and {_SPANS}",
    )
    missing = trace.overview.missing_span_ids
    _expect(not missing, f"spans of the trace name the spans {', '.join(missing)}, which are not there")
    services = {record.service_name for record in (*audit, *logs)}
    _expect(services == _SERVICES, f"the trace has the services {', '.join(sorted(services))}")
    for record in (*audit, *logs):
        _expect(
            record.evidence.state == evidence_pb2.VERIFIED,
            f"the record {record.body!r} is not verified but {_state(record)}: {record.evidence.reason}",
        )
    for span in spans:
        _expect(span.evidence.state == evidence_pb2.VERIFIED, f"the span {span.name!r} is {_state(span)}, not verified")
    refunds = [
        record for record in audit if (record.audit.action, record.audit.outcome) == ("refund.approve", "success")
    ]
    _expect(len(refunds) == 1, f"the trace has {len(refunds)} refunds, not one")
    _expect(refunds[0].audit.actor_id == CULPRIT, f"the refund is {refunds[0].audit.actor_id}'s, not {CULPRIT}'s")
    origin = refunds[0].evidence.origin
    _expect(origin.startswith(f"{DEPLOYMENT}/audit/"), f"the refund is in the log {origin}, no audit log")
    return refunds[0]


def check_verified(steps: list[evidence_pb2.VerifyResponse], sent: Sent) -> None:
    """Check that every record sent was verified, without a finding."""
    summary = _summary(steps)
    _expect(summary.findings == 0, f"verification has {summary.findings} findings, not 0")
    _expect(summary.logs == 3, f"{summary.logs} logs were verified, not 3")
    _expect(summary.records == sent.records, f"{summary.records} records were verified, not {sent.records}")


def check_found(steps: list[evidence_pb2.VerifyResponse], changed: evidence_pb2.Evidence) -> None:
    """Check that verification names the record that was changed, and no other."""
    findings = [step.finding for step in steps if step.HasField("finding")]
    _expect(len(findings) == 1, f"verification has {len(findings)} findings, not 1")
    _expect(_summary(steps).findings == 1, f"the summary counts {_summary(steps).findings} findings, not 1")
    finding = findings[0]
    kind = evidence_pb2.FindingKind.Name(finding.kind)
    _expect(finding.kind == evidence_pb2.RECORD_CHANGED, f"the finding is {kind}, not RECORD_CHANGED")
    named = (finding.origin, finding.batch_id, finding.leaf_index)
    wanted = (changed.origin, changed.batch_id, changed.leaf_index)
    _expect(
        finding.HasField("leaf_index") and named == wanted,
        f"the finding names the record {named}, not {wanted}",
    )


def check_tampered(trace: correlation_pb2.GetTraceResponse, changed: evidence_pb2.Evidence) -> None:
    """Check that the trace shows the changed record as tampered, and every other as verified."""
    _expect(len(trace.entries) == _AUDIT_EVENTS + _LOGS + _SPANS, f"the trace has {len(trace.entries)} entries now")
    for span in _spans(trace):
        _expect(span.evidence.state == evidence_pb2.VERIFIED, f"the span {span.name!r} is {_state(span)} now")
    records = [entry for entry in trace.entries if not entry.HasField("span")]
    for record in (entry.audit_event if entry.HasField("audit_event") else entry.log for entry in records):
        place = (record.evidence.log_id, record.evidence.leaf_index)
        is_changed = place == (changed.log_id, changed.leaf_index)
        wanted = evidence_pb2.TAMPERED if is_changed else evidence_pb2.VERIFIED
        _expect(
            record.evidence.state == wanted,
            f"the record {record.body!r} is {_state(record)}, not {evidence_pb2.EvidenceState.Name(wanted)}",
        )
        if is_changed:
            _expect(record.audit.actor_id == SCAPEGOAT, f"the refund is {record.audit.actor_id}'s: nothing changed")


def _audit_events(trace: correlation_pb2.GetTraceResponse) -> list[correlation_pb2.Record]:
    return [entry.audit_event for entry in trace.entries if entry.HasField("audit_event")]


def _spans(trace: correlation_pb2.GetTraceResponse) -> list[correlation_pb2.Span]:
    return [entry.span for entry in trace.entries if entry.HasField("span")]


def _summary(steps: list[evidence_pb2.VerifyResponse]) -> evidence_pb2.VerifySummary:
    _expect(bool(steps) and steps[-1].HasField("summary"), "verification broke off without a summary")
    return steps[-1].summary


def _state(signed: correlation_pb2.Record | correlation_pb2.Span) -> str:
    return evidence_pb2.EvidenceState.Name(signed.evidence.state)


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise UnexpectedError(otherwise)

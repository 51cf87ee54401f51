"""Conversion of the steps of a verification to messages of the public API."""

from __future__ import annotations

from lognotary.v1 import evidence_pb2
from server.api.messages import from_nanos
from server.api.stored_values import number_of, text_of
from server.notary.canonical import decode_record
from server.notary.errors import MalformedError
from server.notary.findings import Finding, finding_id, stored_hash
from server.notary.origin import LogName, Stream
from server.verification.expiry import Expired
from server.verification.scope import Progress, Summary

__all__ = ["verify_response"]


def verify_response(item: Progress | Finding | Expired | Summary) -> evidence_pb2.VerifyResponse:
    """Convert one step of a verification."""
    if isinstance(item, Progress):
        return evidence_pb2.VerifyResponse(
            progress=evidence_pb2.VerifyProgress(
                origin=item.origin,
                batches=item.batches,
                records=item.records,
                total_records=item.total_records,
                checkpoint=item.checkpoint,
            )
        )
    if isinstance(item, Expired):
        expired = evidence_pb2.VerifyExpired(
            origin=item.origin, day=item.day.isoformat(), batches=item.batches, records=item.records
        )
        if item.dropped_at is not None:
            expired.dropped_at.FromSeconds(item.dropped_at)
        return evidence_pb2.VerifyResponse(expired=expired)
    if isinstance(item, Summary):
        return evidence_pb2.VerifyResponse(
            summary=evidence_pb2.VerifySummary(
                logs=item.logs,
                batches=item.batches,
                records=item.records,
                findings=item.findings,
                statements=item.statements,
                expired_records=item.expired_records,
                entries=[
                    evidence_pb2.VerifiedEntries(origin=one.origin, first_leaf=one.first, end_leaf=one.end)
                    for one in item.entries
                ],
                resumed_entries=item.resumed,
                mismatched_records=item.mismatched,
                unread_logs=item.unread,
                logs_without_checkpoint=item.unanchored,
                lookups=item.lookups,
                skipped_checks=[
                    evidence_pb2.SkippedCheck(check=one.check, grant=one.grant, reason=one.reason)
                    for one in item.skipped
                ],
            )
        )
    return evidence_pb2.VerifyResponse(
        finding=evidence_pb2.Finding(
            id=finding_id(item),
            stored_hash=stored_hash(item),
            kind=item.kind.value,
            message=item.message,
            log_id=item.log_id,
            origin=item.origin,
            batch_id=str(item.batch_id) if item.batch_id else "",
            sequence=item.sequence,
            leaf_index=item.leaf_index,
            record=_describe(item),
            record_count=item.record_count,
        )
    )


def _describe(finding: Finding) -> str:
    """Describe a record in one line: time, service, content."""
    if finding.record is None:
        return ""
    for stream in _streams(finding):
        try:
            values = decode_record(stream, finding.record)
        except MalformedError:
            continue
        when = from_nanos(number_of(values["Timestamp"])).ToJsonString()
        who = f"{text_of(values['ActorId'])} {text_of(values['Action'])} " if stream is Stream.AUDIT else ""
        content = text_of(values["SpanName" if stream is Stream.SPANS else "Body"])
        return f"{when} {text_of(values['ServiceName'])} {who}{content}"[:500]
    return ""


def _streams(finding: Finding) -> list[Stream]:
    return [LogName.parse(finding.origin).stream] if finding.origin else list(Stream)

"""Human-readable rendering of API responses: lines for ``output.say``.

Each function begins with ``shown``, so that no text of a response is rendered as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.commands.output import Style, shown

__all__ = ["event_lines", "expired_line", "finding_lines", "summary_line", "trace_lines"]

_MARKS = {
    evidence_pb2.VERIFIED: ("✔ verified", "32"),
    evidence_pb2.SIGNED: ("• signed", "36"),
    evidence_pb2.UNSIGNED: ("○ unsigned", "33"),
    evidence_pb2.TAMPERED: ("✘ tampered", "1;31"),
}
_WIDEST = 40  # characters of a column
_OMITTED = "… records that cannot be proved are not shown: they were never signed, or were tampered with"
_LEVELS = ("", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def trace_lines(trace: correlation_pb2.GetTraceResponse, style: Style) -> Iterator[str]:
    """Format a trace: a heading, then one line per entry, with audit events highlighted."""
    trace = shown(trace)
    kinds = Counter(entry.WhichOneof("entry") for entry in trace.entries)
    services = {getattr(entry, entry.WhichOneof("entry")).service_name for entry in trace.entries} - {""}
    yield (
        f"trace {style.paint(trace.trace_id, '1')}: {_count(kinds['audit_event'], 'audit event')}, "
        f"{_count(kinds['log'], 'log')}, {_count(kinds['span'], 'span')}, {_count(len(services), 'service')}, "
        f"from {_clock(trace.entries[0].timestamp)}"
    )
    start = _nanos(trace.entries[0].timestamp)
    width = min(_WIDEST, max((len(service) for service in services), default=0))
    for entry in trace.entries:
        offset = (_nanos(entry.timestamp) - start) / 1e6
        kind = entry.WhichOneof("entry")
        service = getattr(entry, kind).service_name.ljust(width)
        if kind == "span":
            span = entry.span
            text = f"{span.name} ({span.duration_nanos / 1e6:.3f} ms) {span.status_code}".rstrip()
            yield f"  {offset:+12.3f} ms  {service}  {'SPAN':<9} {text}"
            continue
        record = getattr(entry, kind)
        mark = _mark(record.evidence, style)
        if kind == "audit_event":
            yield f"{style.paint('▶', '1;35')} {offset:+12.3f} ms  {service}  {style.paint('AUDIT    ', '1;35')} " + (
                f"{style.paint(_sentence(record), '1')}  [{mark}]"
            )
        else:
            yield f"  {offset:+12.3f} ms  {service}  {_level(record):<9} {record.body}  [{mark}]"
        if record.evidence.reason:
            yield f"{'':20}{style.paint('└ ' + record.evidence.reason, '31')}"
    if trace.unproved_omitted:
        yield f"  {style.paint(_OMITTED, '31')}"
    if trace.truncated:
        yield "  … more entries are not shown"


def event_lines(found: correlation_pb2.SearchAuditEventsResponse, style: Style) -> Iterator[str]:
    """Format audit events, two lines each."""
    if not found.events:
        yield "no audit event matches"
        return
    for event in shown(found).events:
        mark = _mark(event.evidence, style)
        yield f"{_clock(event.timestamp)}  {style.paint(_sentence(event), '1')}  [{mark}]"
        details = [f"category {event.audit.category}", f"service {event.service_name}"]
        if event.trace_id:
            details.append(f"trace {event.trace_id}")
        if event.evidence.origin:
            details.append(f"{event.evidence.origin}#{event.evidence.leaf_index}")
        yield f"    {', '.join(details)}"
        if event.evidence.reason:
            yield f"    {style.paint('└ ' + event.evidence.reason, '31')}"
    if found.unproved_omitted:
        yield style.paint(_OMITTED, "31")
    if found.next_page_token:
        yield "… more events are not shown: give a larger --limit, or --until"


def finding_lines(finding: evidence_pb2.Finding, style: Style) -> Iterator[str]:
    """Format a finding: kind, location, and the record if there is one."""
    finding = shown(finding)
    kind = evidence_pb2.FindingKind.Name(finding.kind)
    yield f"{style.paint('✘ ' + kind, '1;31')}  {finding.message}"
    where = [f"log {finding.log_id}" if finding.log_id else "", f"batch {finding.batch_id}" if finding.batch_id else ""]
    if finding.HasField("leaf_index"):
        where.append(f"leaf {finding.leaf_index}")
    if any(where):
        yield f"    {', '.join(filter(None, where))}"
    if finding.record:
        yield f"    record: {finding.record}"


def expired_line(expired: evidence_pb2.VerifyExpired) -> str:
    """Format records that retention has dropped as one line."""
    expired = shown(expired)
    return (
        f"• {expired.origin} {expired.day}: expired, chain intact: {_count(expired.records, 'record')} in "
        f"{_count(expired.batches, 'batch', 'batches')}"
    )


def summary_line(summary: evidence_pb2.VerifySummary, style: Style) -> str:
    """Format the summary of a verification as one line."""
    what = (
        f"{_count(summary.records, 'record')} in {_count(summary.batches, 'batch', 'batches')} of "
        f"{_count(summary.logs, 'log')}"
    )
    if summary.expired_records:
        what += f" ({summary.expired_records:,} of the records have expired)"
    if summary.nothing_verified and not summary.findings:
        return style.paint(
            "✘ nothing was verified: there is no log in storage, or no batch in the range of time. Storage that was "
            "emptied looks the same: name the logs that must be there with --log, or give a kept --checkpoint",
            "1;31",
        )
    if summary.findings:
        return style.paint(f"✘ {_count(summary.findings, 'finding')}; verified {what}", "1;31")
    return style.paint(f"✔ {what} verified: all signatures are valid, all records match what was signed", "32")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _mark(evidence: evidence_pb2.Evidence, style: Style) -> str:
    text, code = _MARKS.get(evidence.state, ("? unknown", ""))
    return style.paint(text, code)


def _sentence(record: correlation_pb2.Record) -> str:
    audit = record.audit
    parts = [audit.actor_id or "somebody", audit.action or record.event_name or "did something"]
    if audit.target_id or audit.target_type:
        parts.append(" ".join(filter(None, ("on", audit.target_type, audit.target_id))))
    if audit.source_id:
        parts.append(f"from {audit.source_id}")
    parts.append(f"→ {audit.outcome}")
    return " ".join(parts)


def _level(record: correlation_pb2.Record) -> str:
    number = record.severity_number
    name = _LEVELS[(number + 3) // 4] if 0 < number <= 24 else ""
    return (record.severity_text or name)[:9]


def _clock(timestamp: Timestamp) -> str:
    return timestamp.ToJsonString()


def _nanos(timestamp: Timestamp) -> int:
    return timestamp.seconds * 10**9 + timestamp.nanos

"""Human-readable rendering of API responses: lines for ``output.say``.

Each function begins with ``shown``, so that no text of a response is rendered as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.timeline import happened_at
from server.commands.access_lines import access_line
from server.commands.evidence_lines import OMITTED, is_doubtful, reason_line, verdict
from server.commands.later import later_lines
from server.commands.output import Style, shown
from server.commands.sentences import record_details, sentence, shows_body, untimed
from server.commands.units import cut, wrapped
from server.escaping.visible import visible
from server.notary.counted import counted

__all__ = ["event_lines", "expired_line", "finding_lines", "indented", "left_out_events", "places"]


def event_lines(
    found: correlation_pb2.SearchAuditEventsResponse,
    style: Style,
    *,
    bodies: bool = False,
    details: bool = False,
    width: int | None = None,
    filters: str = "",
) -> Iterator[str]:
    """Format audit events, two lines each, and one verdict for all of them.

    Args:
        found: the events.
        style: style of the text.
        bodies: also show the bodies of events of which the sentence does not have it.
        details: show bodies and attributes, in full.
        width: columns of a line; None for any number.
        filters: the filters that were given, as they are written on the command line.
    """
    if not found.events:
        yield f"no audit event matches {visible(filters)}" if filters else "there is no audit event"
        yield from later_lines(found, "event", style)
        return
    for event in shown(found, details=details).events:
        doubtful = is_doubtful(event.evidence)
        mark = style.paint("✘ ", "1;31") if doubtful else ""
        when = style.clock(happened_at(event))
        room = None if width is None else max(20, width - len(when) - 2 - 2 * doubtful)
        first, *others = wrapped(sentence(event), room) if details else [cut(sentence(event), room)]
        yield f"{mark}{when}  {style.paint(first, '1')}"
        yield from (f"    {line}" for line in others)
        if bodies and not details and event.body and not shows_body(event):
            yield from indented(f"body: {event.body}", width, details)
        if note := untimed(event):
            yield f"    {note}"
        if not details and (asked := access_line(event)):
            yield from indented(asked, width, details)
        yield from indented(", ".join(places(event)), width, details)
        if details:
            for line in record_details(event):
                yield from indented(line, width, details)
        if doubtful:
            yield f"    {style.paint(reason_line(event.evidence), '31')}"
    yield verdict([event.evidence for event in found.events], "event", "events", style)
    yield from left_out_events(found, style)


def left_out_events(found: correlation_pb2.SearchAuditEventsResponse, style: Style) -> Iterator[str]:
    """Print which audit events are not shown."""
    if found.unproved_omitted:
        yield style.paint(OMITTED, "31")
    if found.next_page_token:
        yield "… more events are not shown: give a larger --limit, or --until"
    yield from later_lines(found, "event", style)


def places(event: correlation_pb2.Record | correlation_pb2.Span) -> Iterator[str]:
    """Yield category, service and trace of a record or span, and its place in a log, as far as it has them."""
    for name, value in (
        ("category", event.audit.category if isinstance(event, correlation_pb2.Record) else ""),
        ("service", event.service_name),
        ("trace", event.trace_id),
    ):
        if value:
            yield f"{name} {value}"
    if event.evidence.origin:
        yield f"{event.evidence.origin}#{event.evidence.leaf_index}"


def indented(text: str, width: int | None, details: bool) -> Iterator[str]:
    """Yield a text as indented lines, cut if details are not shown; a place in a log is never cut."""
    room = None if width is None else width - 4
    # A place in a log is copied from here, so it is not cut.
    yield from (f"    {line}" for line in (wrapped(text, room) if details or "#" in text else [cut(text, room)]))


def finding_lines(finding: evidence_pb2.Finding, style: Style) -> Iterator[str]:
    """Format a finding: kind, location, and the record if there is one."""
    finding = shown(finding)
    kind = evidence_pb2.FindingKind.Name(finding.kind)
    known = finding.HasField("acknowledgement")
    mark = style.paint(f"• {kind} (acknowledged)", "33") if known else style.paint(f"✘ {kind}", "1;31")
    yield f"{mark}  {finding.message}"
    where = [f"log {finding.log_id}" if finding.log_id else "", f"batch {finding.batch_id}" if finding.batch_id else ""]
    if finding.HasField("leaf_index"):
        where.append(f"leaf {finding.leaf_index}")
    if any(where):
        yield f"    {', '.join(filter(None, where))}"
    if finding.record:
        yield f"    record: {finding.record}"
    if known:
        said = finding.acknowledgement
        yield f"    known since {style.clock(said.time)}, signed by {said.signed_by}: {said.reason}"
    elif finding.id:
        yield f"    finding {finding.id[:16]}"


def expired_line(expired: evidence_pb2.VerifyExpired, style: Style) -> str:
    """Format records that retention has dropped, or that were dropped with the data of a tenant, as one line."""
    expired = shown(expired)
    dropped = expired.HasField("dropped_at")
    how = f"dropped by the statement of {style.clock(expired.dropped_at)}" if dropped else "expired"
    return (
        f"• {expired.origin} {expired.day}: {how}, chain intact: {counted(expired.records, 'record')} in "
        f"{counted(expired.batches, 'batch', 'batches')}"
    )

"""Lines about the records that a search finds, for ``output.say``."""

from __future__ import annotations

from collections.abc import Iterator

from lognotary.v1 import correlation_pb2
from server.commands.access_lines import access_line
from server.commands.evidence_lines import OMITTED, entries_verdict, is_doubtful_entry, reason_line
from server.commands.later import later_lines
from server.commands.output import Style, shown
from server.commands.render import indented, places
from server.commands.sentences import is_error, level, record_details, sentence, span_details, untimed
from server.commands.units import cut, wrapped
from server.errors.amounts import duration
from server.escaping.visible import visible
from server.notary.counted import counted

__all__ = ["Found", "entry_lines", "found_lines", "left_out_lines", "record_of", "summary"]

_NARROWEST = 20  # columns of a text


Found = correlation_pb2.Record | correlation_pb2.Span


def record_of(entry: correlation_pb2.TimelineEntry) -> Found:
    """Return the record or span of an entry."""
    record: Found = getattr(entry, entry.WhichOneof("entry"))
    return record


def found_lines(
    found: correlation_pb2.SearchResponse,
    style: Style,
    *,
    query: str = "",
    with_count: bool = False,
    details: bool = False,
    width: int | None = None,
) -> Iterator[str]:
    """Format records, two lines each, and one verdict for all of them.

    Args:
        found: the records.
        style: style of the text.
        query: the query, as it was given.
        with_count: True if all records that match were counted.
        details: show attributes, and texts in full.
        width: columns of a line; None for any number.
    """
    if not found.entries:
        yield f"no record matches {visible(query)}" if query else "there is no record"
        yield from later_lines(found, "record", style)
        return
    for entry in found.entries:
        yield from entry_lines(shown(entry, details=details), style, details=details, width=width)
    yield from entries_verdict(found.entries, "record", "records", style)
    if with_count:
        bound = "at least " if found.count_is_lower_bound else ""
        yield f"{bound}{counted(found.count, 'match', 'matches')} in storage"
    yield from left_out_lines(found, style)


def left_out_lines(found: correlation_pb2.SearchResponse, style: Style) -> Iterator[str]:
    """Print which records are not shown."""
    if found.unproved_omitted:
        yield style.paint(OMITTED, "31")
    if found.next_page_token:
        yield "… more records are not shown: give a larger --limit, or a shorter range of time"
    yield from later_lines(found, "record", style)


def entry_lines(
    entry: correlation_pb2.TimelineEntry, style: Style, *, details: bool, width: int | None
) -> Iterator[str]:
    """Format a record, whose texts are visible already, as two lines, or more with details."""
    record = record_of(entry)
    is_audit = entry.WhichOneof("entry") == "audit_event"
    doubtful = is_doubtful_entry(entry)
    mark = style.paint("✘ ", "1;31") if doubtful else ""
    when = style.clock(entry.timestamp)
    kind, failed, text = summary(record, is_audit=is_audit)
    colour = "1;35" if is_audit else "31" if failed else ""
    room = None if width is None else max(_NARROWEST, width - len(when) - 2 - 2 * doubtful - len(kind) - bool(kind))
    first, *others = wrapped(text, room) if details else [cut(text, room)]
    yield f"{mark}{when}  {style.paint(kind, colour)}{' ' if kind else ''}{style.paint(first, '1' if is_audit else '')}"
    yield from (f"    {line}" for line in others)
    if note := untimed(record):
        yield f"    {note}"
    if not details and is_audit and isinstance(record, correlation_pb2.Record) and (asked := access_line(record)):
        yield from indented(asked, width, details)
    yield from indented(", ".join(places(record)), width, details)
    if details:
        lines = span_details(record) if isinstance(record, correlation_pb2.Span) else record_details(record)
        for line in lines:
            yield from indented(line, width, details)
    if doubtful:
        yield f"    {style.paint(reason_line(record.evidence), '31')}"


def summary(record: Found, *, is_audit: bool) -> tuple[str, bool, str]:
    """Return the kind of a record or span, whether it failed, and what it says."""
    if isinstance(record, correlation_pb2.Span):
        failed = record.status_code == "Error"
        status = f" → {record.status_message or 'error'}" if failed else ""
        return "SPAN", failed, f"{record.name or '(no name)'} ({duration(record.duration_nanos)}){status}"
    if is_audit:
        return "AUDIT", False, sentence(record)
    return level(record), is_error(record), record.body or record.event_name or "(no body)"

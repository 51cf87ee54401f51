"""Lines about the records that a search finds, for ``output.say``."""

from __future__ import annotations

from collections.abc import Iterator

from lognotary.v1 import correlation_pb2
from server.commands.evidence_lines import OMITTED, is_doubtful, reason_line, verdict
from server.commands.output import Style, shown
from server.commands.render import indented, places
from server.commands.sentences import attributes, clock, count, is_error, level, sentence
from server.commands.units import cut, wrapped
from server.escaping.visible import visible

__all__ = ["found_lines", "record_of"]

_NARROWEST = 20  # columns of a text


def record_of(entry: correlation_pb2.TimelineEntry) -> correlation_pb2.Record:
    """Return the record of an entry."""
    record: correlation_pb2.Record = getattr(entry, entry.WhichOneof("entry"))
    return record


def found_lines(
    found: correlation_pb2.SearchResponse,
    style: Style,
    *,
    query: str = "",
    counted: bool = False,
    details: bool = False,
    width: int | None = None,
) -> Iterator[str]:
    """Format records, two lines each, and one verdict for all of them.

    Args:
        found: the records.
        style: style of the text.
        query: the query, as it was given.
        counted: True if all records that match were counted.
        details: show attributes, and texts in full.
        width: columns of a line; None for any number.
    """
    if not found.entries:
        yield f"no record matches {visible(query)}" if query else "there is no record"
        return
    for entry in found.entries:
        yield from _lines(shown(entry), style, details=details, width=width)
    yield verdict([record_of(entry).evidence for entry in found.entries], "record", style)
    if counted:
        yield f"{'at least ' if found.count_is_lower_bound else ''}{count(found.count, 'match', 'matches')} in storage"
    if found.unproved_omitted:
        yield style.paint(OMITTED, "31")
    if found.next_page_token:
        yield "… more records are not shown: give a larger --limit, or a shorter range of time"


def _lines(entry: correlation_pb2.TimelineEntry, style: Style, *, details: bool, width: int | None) -> Iterator[str]:
    record = record_of(entry)
    is_audit = entry.WhichOneof("entry") == "audit_event"
    doubtful = is_doubtful(record.evidence)
    mark = style.paint("✘ ", "1;31") if doubtful else ""
    when = clock(entry.timestamp)
    kind = "AUDIT" if is_audit else level(record)
    colour = "1;35" if is_audit else "31" if is_error(record) else ""
    room = None if width is None else max(_NARROWEST, width - len(when) - 2 - 2 * doubtful - len(kind) - bool(kind))
    text = sentence(record) if is_audit else record.body or record.event_name or "(no body)"
    first, *others = wrapped(text, room) if details else [cut(text, room)]
    yield f"{mark}{when}  {style.paint(kind, colour)}{' ' if kind else ''}{style.paint(first, '1' if is_audit else '')}"
    yield from (f"    {line}" for line in others)
    if not record.timestamp.ToNanoseconds():
        yield "    sent without a time: the time shown is the time of receipt"
    yield from indented(", ".join(places(record)), width, details)
    if details:
        for line in attributes(record.log_attributes):
            yield from indented(line, width, details)
    if doubtful:
        yield f"    {style.paint(reason_line(record.evidence), '31')}"

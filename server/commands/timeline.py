"""The timeline of a trace: lines for ``output.say``."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.trace_overview import overview_of
from server.commands.evidence_lines import OMITTED, entry_evidence, is_doubtful, reason_line, verdict, without_evidence
from server.commands.later import offset_text, spent, start_of
from server.commands.output import Style, shown
from server.commands.sentences import is_error, level, record_details, sentence, span_details, untimed
from server.commands.units import cells, cut, padded, wrapped
from server.errors.amounts import duration
from server.escaping.visible import escape, visible
from server.notary.counted import counted

_Content = correlation_pb2.Record | correlation_pb2.Span

__all__ = ["View", "is_in", "left_out_of_trace", "trace_lines"]

_WIDEST_SERVICE, _WIDEST_LEVEL = 24, 13  # columns
_OFFSET = 10  # columns
_NARROWEST = 24  # columns of a text
_MOST_NESTED = 6  # levels of spans that are indented
_AUDIT = "AUDIT"
_SPAN = "SPAN"


@dataclass(frozen=True, slots=True)
class View:
    """The part of a trace that is shown, and how.

    Attributes:
        errors: only what failed: spans with an error, logs from ERROR on, audit events of which the outcome is failure.
        audit: only audit events.
        services: only entries of these services; empty for all.
        details: show bodies, attributes and places in full.
        width: columns of a line; None for any number.
    """

    errors: bool = False
    audit: bool = False
    services: frozenset[str] = frozenset()
    details: bool = False
    width: int | None = None

    @property
    def whole(self) -> bool:
        """True if nothing is filtered."""
        return not (self.errors or self.audit or self.services)


def is_in(view: View, entry: correlation_pb2.TimelineEntry) -> bool:
    """Return whether an entry is shown: if it matches all filters, or if it cannot be proved."""
    kind = entry.WhichOneof("entry")
    content = getattr(entry, kind)
    if is_doubtful(entry_evidence(entry)):
        return True
    if view.audit and kind != "audit_event":
        return False
    if view.services and content.service_name not in view.services:
        return False
    return not view.errors or _failed(kind, content)


def trace_lines(trace: correlation_pb2.GetTraceResponse, style: Style, view: View | None = None) -> Iterator[str]:
    """Format a trace: a heading, one verdict for all records, then one line per entry.

    Audit events and errors stand out; an entry has a mark of its own if it cannot be proved. Logs in succession
    that read the same are one line, unless details are shown.
    """
    view = view or View()
    entries = [entry for entry in trace.entries if is_in(view, entry)]
    yield from _heading(trace, style)
    evidence = [found for entry in trace.entries if (found := entry_evidence(entry)) is not None]
    signed_spans = any(entry.HasField("span") and entry.span.HasField("evidence") for entry in trace.entries)
    yield verdict(evidence, *(("entry", "entries") if signed_spans else ("record", "records")), style)
    if evidence and (others := len(trace.entries) - len(evidence)):
        yield without_evidence(others)
    if trace.unproved_omitted:
        yield style.paint(OMITTED, "31")
    if not view.whole:
        shown_of = f"{counted(len(entries), 'entry', 'entries')} of {len(trace.entries):,} shown"
        none = "none of the entries that were read matches" if trace.truncated else "none matches"
        yield shown_of if entries else f"{shown_of}: {none} {visible(_filters(view))}"
    yield from _entries(entries, trace, style, view)
    yield from _truncated(trace, view)


def left_out_of_trace(trace: correlation_pb2.GetTraceResponse, view: View, style: Style) -> Iterator[str]:
    """Print which entries of a trace were not read."""
    if trace.unproved_omitted:
        yield style.paint(OMITTED, "31")
    yield from _truncated(trace, view)


def _truncated(trace: correlation_pb2.GetTraceResponse, view: View) -> Iterator[str]:
    missing = {
        "audit event": trace.audit_event_count - _kinds(trace)["audit_event"],
        "log": trace.log_count - _kinds(trace)["log"],
        "span": trace.span_count - _kinds(trace)["span"],
    }
    if trace.truncated:
        more = ", ".join(counted(number, name) for name, number in missing.items() if number > 0)
        yield f"… {more or 'more entries'} not {'shown' if view.whole else 'read'}: give a larger --limit"


def _filters(view: View) -> str:
    """Return the filters as they are written on the command line."""
    words = [word for word, given in (("--errors", view.errors), ("--audit", view.audit)) if given]
    return shlex.join([*words, *(word for name in sorted(view.services) for word in ("--service", name))])


def _heading(trace: correlation_pb2.GetTraceResponse, style: Style) -> Iterator[str]:
    kinds = _kinds(trace)
    overview = overview_of(trace.entries)
    counts = (
        counted(max(trace.audit_event_count, kinds["audit_event"]), "audit event"),
        counted(max(trace.log_count, kinds["log"]), "log"),
        counted(max(trace.span_count, kinds["span"]), "span"),
        counted(len(overview.services), "service"),
    )
    yield f"trace {style.paint(visible(trace.trace_id), '1')}: {', '.join(counts)}"
    if trace.entries:
        yield f"from {style.clock(overview.first)}, {spent(overview)}"
    if gaps := len(overview.missing_span_ids):
        parents = "1 span is the parent of others" if gaps == 1 else f"{gaps:,} spans are the parents of others"
        yield f"… {parents}, and not there: not sent, or not received{' or read' if trace.truncated else ''}"
    names = [visible(link.name) for link in trace.links]
    width = max(map(cells, names), default=0)
    for name, link in zip(names, trace.links, strict=True):
        yield f"{padded(name, width)}  {escape(link.url)}"  # a part of a URL is no use


def _kinds(trace: correlation_pb2.GetTraceResponse) -> Mapping[str, int]:
    return Counter(entry.WhichOneof("entry") for entry in trace.entries)


def _failed(kind: str, content: _Content) -> bool:
    if isinstance(content, correlation_pb2.Span):
        return content.status_code.upper().endswith("ERROR")
    return is_error(content) or (kind == "audit_event" and content.audit.outcome == "failure")


def _entries(
    entries: Sequence[correlation_pb2.TimelineEntry],
    trace: correlation_pb2.GetTraceResponse,
    style: Style,
    view: View,
) -> Iterator[str]:
    visible_entries = [shown(entry, details=view.details) for entry in entries]
    contents = [_content(entry) for entry in visible_entries]
    columns = _Columns.of(contents, view.width)
    start = start_of(entry.timestamp.ToNanoseconds() for entry in trace.entries)
    depths = _depths(trace)
    items = []
    for raw, entry, (kind, content) in zip(entries, visible_entries, contents, strict=True):
        depth = depths.get(getattr(raw, kind).span_id, 0) - (kind == "span")
        offset = offset_text(entry.timestamp.ToNanoseconds() - start)
        evidence = entry_evidence(entry)
        items.append(_Item(kind, content, evidence, offset, "  " * min(depth, _MOST_NESTED)))
    for _, equal in groupby(enumerate(items), lambda numbered: _fold_key(*numbered, details=view.details)):
        (_, first), *others = equal
        repeated = f" ({len(others) + 1} times, until {others[-1][1].offset})" if others else ""
        yield from _lines(first, repeated, columns, style, view)


@dataclass(frozen=True, slots=True)
class _Item:
    """An entry as it is shown."""

    kind: str
    content: _Content
    evidence: evidence_pb2.Evidence | None
    offset: str
    indent: str


def _fold_key(number: int, item: _Item, *, details: bool) -> Hashable:
    """Return what neighbours have in common that are shown as one line: logs that read the same and can be proved."""
    content = item.content
    if details or item.kind != "log" or isinstance(content, correlation_pb2.Span) or is_doubtful(item.evidence):
        return number
    return content.service_name, _level(item.kind, content), _text(item.kind, content), item.indent


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns of a timeline: the widths of services, of levels, and of texts, None for any."""

    service: int
    level: int
    text: int | None

    @classmethod
    def of(cls, contents: Sequence[tuple[str, _Content]], width: int | None) -> _Columns:
        service = min(_WIDEST_SERVICE, max((cells(content.service_name) for _, content in contents), default=0))
        level = min(_WIDEST_LEVEL, max((cells(_level(*item)) for item in contents), default=0))
        columns = cls(service, level, None)
        return columns if width is None else cls(service, level, max(_NARROWEST, width - columns.before_text))

    @property
    def before_text(self) -> int:
        return 2 + _OFFSET + 2 + self.service + 2 + self.level + 2


def _lines(item: _Item, repeated: str, columns: _Columns, style: Style, view: View) -> Iterator[str]:
    kind, content, indent = item.kind, item.content, item.indent
    doubtful = item.evidence if is_doubtful(item.evidence) else None
    failed, is_audit, word = _failed(kind, content), kind == "audit_event", _level(kind, content)
    unproved = style.paint("•", "2") if item.evidence is None else " "
    mark = style.paint("✘", "1;31") if doubtful else style.paint("▶", "1;35") if is_audit else unproved
    colour = "1;35" if is_audit else "1;31" if failed else "33" if word.upper().startswith("WARN") else ""
    room = None if columns.text is None else columns.text - len(indent)
    text, ending = _text(kind, content)
    ending += repeated
    # The result of an audit event stands at its end.
    if view.details or is_audit:
        lines = wrapped(text + ending, room)
    else:
        lines = [cut(text, None if room is None else max(_NARROWEST // 2, room - cells(ending))) + ending]
    paint = "31" if failed else "1" if is_audit else ""
    first = style.paint(lines[0] if lines else "", paint)
    left = f"{item.offset.rjust(_OFFSET)}  {padded(content.service_name, columns.service)}"
    yield f"{mark} {left}  {style.paint(padded(word, columns.level), colour)}  {indent}{first}".rstrip()
    column = " " * columns.before_text + indent
    for line in lines[1:]:
        yield f"{column}{style.paint(line, paint)}"
    if doubtful:
        for line in wrapped(reason_line(doubtful), view.width and view.width - _OFFSET - 4):
            yield f"{' ' * (_OFFSET + 4)}{style.paint(line, '31')}"
    if view.details:
        for detail in _details(content):
            for part in wrapped(detail, None if room is None else room - 2):
                yield f"{column}  {style.paint(part, '2')}"


def _content(entry: correlation_pb2.TimelineEntry) -> tuple[str, _Content]:
    kind = entry.WhichOneof("entry") or "log"
    return kind, getattr(entry, kind)


def _level(kind: str, content: _Content) -> str:
    if isinstance(content, correlation_pb2.Span):
        return _SPAN
    return _AUDIT if kind == "audit_event" else level(content)


def _text(kind: str, content: _Content) -> tuple[str, str]:
    """Return the text of an entry, and its ending, which is never cut: the duration and the status of a span."""
    note = f" ({why})" if (why := untimed(content)) else ""
    if isinstance(content, correlation_pb2.Span):
        status = content.status_code.upper().removeprefix("STATUS_CODE_")
        said = status.title() if status not in ("", "UNSET") else ""
        message = cut(content.status_message, _NARROWEST)
        ending = f" ({duration(content.duration_nanos)}) {': '.join(filter(None, (said, message)))}"
        return content.name, ending.rstrip() + note
    if kind == "audit_event":
        return sentence(content), note
    return content.body or content.event_name, note


def _details(content: _Content) -> Iterator[str]:
    if isinstance(content, correlation_pb2.Span):
        yield from span_details(content)
        if content.evidence.origin:
            yield f"{content.evidence.origin}#{content.evidence.leaf_index}"
        return
    yield from record_details(content)
    if content.evidence.origin:
        yield f"{content.evidence.origin}#{content.evidence.leaf_index}"


def _depths(trace: correlation_pb2.GetTraceResponse) -> Mapping[str, int]:
    """Return span ID -> nesting depth of its entries, from 1; 0 for entries without a known span."""
    parents = {
        entry.span.span_id: entry.span.parent_span_id
        for entry in trace.entries
        if entry.WhichOneof("entry") == "span" and entry.span.span_id
    }
    depths: dict[str, int] = {}
    for span in parents:
        way: list[str] = []
        at = span
        while at in parents and at not in depths and at not in way:
            way.append(at)
            at = parents[at]
        depth = depths.get(at, 0)
        for passed in reversed(way):
            depth += 1
            depths[passed] = depth
    return depths

"""``lognotary traces``: traces by what happened in them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from lognotary.v1 import correlation_pb2
from server.commands.api_client import timestamp, to_json
from server.commands.evidence_lines import COMPLETENESS, OMITTED, entries_verdict, is_doubtful_entry, reason_line
from server.commands.found import record_of, summary
from server.commands.later import later_lines, spent
from server.commands.output import Style, complain_lines, say_csv, say_json, shown
from server.commands.pager import say_paged
from server.commands.queries import check_query
from server.commands.sources import Source, ask
from server.commands.tables import traces_table
from server.commands.units import cut, line_width, wrapped
from server.escaping.visible import visible
from server.notary.counted import counted

__all__ = ["run", "traces_lines"]

_LARGEST_PAGE = 100
_NARROWEST = 20  # columns of a text


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if status := check_query("traces", options.query):
        return status
    text = " ".join(options.query)
    request = correlation_pb2.FindTracesRequest(
        query=text,
        streams=[options.stream] if options.stream else [],
        since=options.since and timestamp(options.since),
        until=options.until and timestamp(options.until),
        with_errors=options.errors,
        min_duration_nanos=round((options.min_duration or 0) * 10**9),
        check=correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
    )

    def work(source: Source) -> int:
        found = correlation_pb2.FindTracesResponse()
        while True:
            request.page_size = min(options.limit - len(found.traces), _LARGEST_PAGE)
            page = source.find_traces(request)
            found.traces.extend(page.traces)
            if page.HasField("until"):  # on the first page
                found.until.CopyFrom(page.until)
                found.later_count = page.later_count
            found.unproved_omitted |= page.unproved_omitted
            request.page_token = found.next_page_token = page.next_page_token
            if not page.next_page_token or len(found.traces) >= options.limit:
                break
        if options.json:
            say_json(to_json(found))
        elif options.csv:
            say_csv(traces_table(found.traces).lines())
            complain_lines(*_left_out(found, Style.of(sys.stderr, utc=options.utc)))
        else:
            style = Style.of(sys.stdout, utc=options.utc)
            heading = style.zone_lines() if found.traces else ()
            lines = traces_lines(
                found,
                style,
                query=text,
                narrow=() if found.traces else _narrow(source, request),
                details=options.verbose,
                width=line_width(sys.stdout),
            )
            say_paged([*heading, *lines, COMPLETENESS], pager=not options.no_pager)
        doubtful = any(is_doubtful_entry(trace.match) for trace in found.traces)
        return 1 if doubtful or found.unproved_omitted or not found.traces else 0

    return ask(options, work)


def _narrow(source: Source, request: correlation_pb2.FindTracesRequest) -> Sequence[str]:
    """Return the smallest set of trace filters whose removal gives traces; empty if no removal does."""
    fields = {"--errors": "with_errors", "--min-duration": "min_duration_nanos"}
    given = [flag for flag, field in fields.items() if getattr(request, field)]
    for left_out in sorted({(flag,) for flag in given} | {tuple(given)} - {()}, key=lambda flags: (len(flags), flags)):
        wider = correlation_pb2.FindTracesRequest()
        wider.CopyFrom(request)
        wider.page_token, wider.page_size = "", 1
        for flag in left_out:
            wider.ClearField(fields[flag])
        if source.find_traces(wider).traces:
            return left_out
    return ()


def traces_lines(
    found: correlation_pb2.FindTracesResponse,
    style: Style,
    *,
    query: str = "",
    narrow: Sequence[str] = (),
    details: bool = False,
    width: int | None = None,
) -> Iterator[str]:
    """Format traces, three lines each, and one verdict for all matching records.

    Args:
        found: the traces.
        style: style of the text.
        query: the query, as it was given.
        narrow: options without which there are traces.
        details: show all in full.
        width: columns of a line; None for any number.
    """
    if not found.traces:
        nothing = f"no trace has a record that matches {visible(query)}" if query else "there is no such trace"
        if narrow:
            both = " and ".join(narrow)
            nothing += f", with {both}: without {'it' if len(narrow) == 1 else 'them'}, there are traces"
        yield nothing
    for trace in shown(found).traces:
        yield from _lines(trace, style, details=details, width=width)
    if found.traces:
        matches = [trace.match for trace in found.traces]
        yield from entries_verdict(matches, "matching record", "matching records", style)
    yield from _left_out(found, style)


def _left_out(found: correlation_pb2.FindTracesResponse, style: Style) -> Iterator[str]:
    if found.unproved_omitted:
        yield style.paint(OMITTED, "31")
    if found.next_page_token:
        yield "… more traces are not shown: give a larger --limit, or a shorter range of time"
    yield from later_lines(found, "matching record", style)


def _lines(trace: correlation_pb2.TraceSummary, style: Style, *, details: bool, width: int | None) -> Iterator[str]:
    record = record_of(trace.match)
    doubtful = is_doubtful_entry(trace.match)
    mark = style.paint("✘ ", "1;31") if doubtful else ""
    yield f"{mark}{style.paint(trace.trace_id, '1')}  {style.clock(trace.first)}, {spent(trace)}"
    counts = [
        counted(number, noun)
        for number, noun in (
            (trace.audit_event_count, "audit event"),
            (trace.log_count, "log"),
            (trace.span_count, "span"),
        )
        if number
    ]
    errors = counted(trace.error_count, "error") if trace.error_count else ""
    named = [
        f"{noun}{'' if len(names) == 1 else 's'} {', '.join(names)}"
        for noun, names in (("service", trace.services), ("actor", trace.actors))
        if names
    ]
    room = None if width is None else width - 4
    whole = ", ".join([*counts, *filter(None, [errors]), *named])
    for line in wrapped(whole, room) if details else [cut(whole, room)]:
        before, error, after = line.partition(errors) if errors else (line, "", "")
        yield f"    {before}{style.paint(error, '1;31')}{after}"
    is_audit = trace.match.WhichOneof("entry") == "audit_event"
    kind, failed, text = summary(record, is_audit=is_audit)
    colour = "1;35" if is_audit else "31" if failed else ""
    left = None if room is None else max(_NARROWEST, room - len(kind) - bool(kind))
    first, *others = wrapped(text, left) if details else [cut(text, left)]
    yield f"    {style.paint(kind, colour)}{' ' if kind else ''}{first}"
    yield from (f"      {line}" for line in others)
    if doubtful:
        yield f"    {style.paint(reason_line(record.evidence), '31')}"

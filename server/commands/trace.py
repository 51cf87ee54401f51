"""``lognotary trace``: a trace as a timeline."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import grpc

from lognotary.v1 import correlation_pb2, correlation_pb2_grpc
from server.api.timeline import in_order
from server.api.trace_overview import overview_of
from server.commands.api_client import call, timestamp, to_json
from server.commands.evidence_lines import COMPLETENESS, is_doubtful_entry
from server.commands.output import Style, complain_lines, say_csv, say_json
from server.commands.pager import say_paged
from server.commands.tables import entries_table
from server.commands.timeline import View, is_in, left_out_of_trace, trace_lines
from server.commands.units import line_width

__all__ = ["run"]

_PAGE = 1000


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    request = correlation_pb2.GetTraceRequest(
        trace_id=options.trace_id,
        check=correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
        since=options.since and timestamp(options.since),
        until=options.until and timestamp(options.until),
    )
    view = View(
        errors=options.errors,
        audit=options.audit,
        services=frozenset(options.service),
        details=options.verbose,
        width=line_width(sys.stdout),
    )

    def work(channel: grpc.Channel) -> int:
        trace = _read(correlation_pb2_grpc.CorrelationServiceStub(channel), request, options.limit)
        matching = [entry for entry in trace.entries if is_in(view, entry)]
        doubtful = any(map(is_doubtful_entry, trace.entries))
        if options.json:
            if not view.whole:
                del trace.entries[:]
                trace.entries.extend(matching)
            say_json(to_json(trace))
        elif options.csv:
            say_csv(entries_table(matching).lines())
            complain_lines(*left_out_of_trace(trace, view, Style.of(sys.stderr, utc=options.utc)))
        else:
            style = Style.of(sys.stdout, utc=options.utc)
            heading = style.zone_lines() if trace.entries else ()
            say_paged([*heading, *trace_lines(trace, style, view), COMPLETENESS], pager=not options.no_pager)
        return 1 if doubtful or trace.unproved_omitted or not matching else 0

    return call(options.api, work)


def _read(
    stub: correlation_pb2_grpc.CorrelationServiceStub, request: correlation_pb2.GetTraceRequest, limit: int
) -> correlation_pb2.GetTraceResponse:
    """Return a trace with its first logs and spans, up to the limit of each, and all audit events."""
    request.limit = min(limit, _PAGE)
    trace: correlation_pb2.GetTraceResponse = stub.GetTrace(request)
    page = trace
    request.limit = _PAGE  # if audit events are left, a small limit would take many calls
    while True:
        kinds = Counter(entry.WhichOneof("entry") for entry in trace.entries)
        enough = all(
            kinds[kind] >= wanted
            for kind, wanted in (
                ("audit_event", trace.audit_event_count),
                ("log", min(limit, trace.log_count)),
                ("span", min(limit, trace.span_count)),
            )
        )
        if not page.next_page_token or enough:
            break
        request.page_token = page.next_page_token
        page = stub.GetTrace(request)
        trace.entries.extend(page.entries)
    trace.overview.CopyFrom(overview_of(trace.entries))
    trace.truncated, trace.unproved_omitted = page.truncated, page.unproved_omitted
    trace.next_page_token = page.next_page_token
    _cut(trace, limit)
    return trace


def _cut(trace: correlation_pb2.GetTraceResponse, limit: int) -> None:
    """Put the entries in order, and leave out logs and spans beyond the limit."""
    kept: list[correlation_pb2.TimelineEntry] = []
    left_out: list[correlation_pb2.TimelineEntry] = []
    kinds: Counter[str] = Counter()
    for entry in in_order(trace.entries):
        kind = entry.WhichOneof("entry")
        kinds[kind] += 1
        (kept if kind == "audit_event" or kinds[kind] <= limit else left_out).append(entry)
    del trace.entries[:]
    trace.entries.extend(kept)
    if left_out:
        trace.truncated = True
        trace.next_page_token = ""  # the next page begins after what was left out
        if any(map(is_doubtful_entry, left_out)):
            trace.unproved_omitted = True

"""``lognotary trace``: a trace as a timeline."""

from __future__ import annotations

import argparse
import sys

import grpc

from lognotary.v1 import correlation_pb2, correlation_pb2_grpc
from server.api.timeline import timeline_order
from server.commands.api_client import call, to_json
from server.commands.evidence_lines import COMPLETENESS, is_doubtful
from server.commands.output import Style, say_json
from server.commands.pager import say_paged
from server.commands.timeline import View, is_in, trace_lines
from server.commands.units import line_width

__all__ = ["run"]

_PAGE = 1000


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    request = correlation_pb2.GetTraceRequest(
        trace_id=options.trace_id,
        check=correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
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
        doubtful = any(
            is_doubtful(getattr(entry, kind).evidence)
            for entry in trace.entries
            if (kind := entry.WhichOneof("entry")) != "span"
        )
        if options.json:
            if not view.whole:
                del trace.entries[:]
                trace.entries.extend(matching)
            say_json(to_json(trace))
        else:
            say_paged([*trace_lines(trace, Style.of(sys.stdout), view), COMPLETENESS], pager=not options.no_pager)
        return 1 if doubtful or trace.unproved_omitted or not matching else 0

    return call(options.api, work)


def _read(
    stub: correlation_pb2_grpc.CorrelationServiceStub, request: correlation_pb2.GetTraceRequest, limit: int
) -> correlation_pb2.GetTraceResponse:
    """Return a whole trace: all pages, until there are enough logs and spans, and no more audit events."""
    request.limit = min(limit, _PAGE)
    trace: correlation_pb2.GetTraceResponse = stub.GetTrace(request)
    events = logs = spans = 0
    page = trace
    while True:
        kinds = [entry.WhichOneof("entry") for entry in page.entries]
        events, logs, spans = (
            number + kinds.count(kind) for number, kind in ((events, "audit_event"), (logs, "log"), (spans, "span"))
        )
        enough = logs >= min(limit, trace.log_count) and spans >= min(limit, trace.span_count)
        if not page.next_page_token or (enough and events >= trace.audit_event_count):
            break
        request.page_token = page.next_page_token
        page = stub.GetTrace(request)
        trace.entries.extend(page.entries)
    trace.truncated, trace.unproved_omitted = page.truncated, page.unproved_omitted
    trace.next_page_token = page.next_page_token
    trace.entries.sort(key=timeline_order)
    return trace

"""``lognotary trace``: a trace as a timeline."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import grpc

from lognotary.v1 import correlation_pb2, correlation_pb2_grpc
from server.api.timeline import timeline_order
from server.commands.api_client import add_api_flag, call, to_json
from server.commands.evidence_lines import is_doubtful
from server.commands.output import Style, complain, say_json
from server.commands.pager import say_paged
from server.commands.timeline import View, is_in, trace_lines
from server.commands.units import line_width

__all__ = ["add_parser"]

_PAGE = 1000
_LIMIT = 10_000


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "trace",
        help="show a trace as a timeline",
        description="Show a trace's audit events, logs and spans as one timeline, with one verdict on the evidence of "
        "all records, and a mark at each that differs. Exit status 1 if the trace is unknown, no entry matches the "
        "filters, or a record cannot be proved: it was tampered with, or never signed.",
    )
    parser.add_argument("trace_id", metavar="TRACE_ID", help="32 hexadecimal digits")
    parser.add_argument(
        "--errors", action="store_true", help="show only errors: of logs, of spans, and audit events that failed"
    )
    parser.add_argument("--audit", action="store_true", help="show only audit events")
    parser.add_argument(
        "--service", metavar="NAME", action="append", default=[], help="show only this service; may be repeated"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show bodies and attributes, in full")
    parser.add_argument(
        "--limit",
        type=int,
        default=_LIMIT,
        metavar="N",
        help="maximum number of logs, and of spans; audit events are never left out (default: %(default)s)",
    )
    parser.add_argument("--signatures-only", action="store_true", help="faster: do not hash the records again")
    parser.add_argument("--no-pager", action="store_true", help="do not use $PAGER on a terminal")
    add_api_flag(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.limit < 1:
        complain("--limit must be at least 1")
        return 2
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
            say_paged(trace_lines(trace, Style.of(sys.stdout), view), pager=not options.no_pager)
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

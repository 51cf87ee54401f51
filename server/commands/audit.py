"""``lognotary audit``: audit events by who did what."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import grpc

from lognotary.v1 import correlation_pb2, correlation_pb2_grpc
from server.commands.api_client import add_api_flag, call, parse_time, to_json
from server.commands.evidence_lines import is_doubtful
from server.commands.output import Style, complain, say_json
from server.commands.pager import say_paged
from server.commands.render import event_lines
from server.commands.units import line_width

__all__ = ["add_parser"]

_FILTERS = {
    "actor": ("actor_id", "who did it"),
    "action": ("action", "what was done; exact, or a prefix followed by '*'"),
    "target": ("target_id", "what it was done to"),
    "target-type": ("target_type", "type of the target"),
    "source": ("source_id", "where it came from"),
    "outcome": ("outcome", "success, failure or unknown"),
    "category": ("category", "admin, data, auth or system"),
    "service": ("service_name", "the service that reported it"),
    "trace": ("trace_id", "the trace it belongs to"),
    "text": ("text", "text in the body; case is ignored"),
}


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "audit",
        help="search audit events",
        description="Search audit events, latest first. An event must match all filters. Exit status 1 if "
        "no event matches, or one cannot be proved: it was tampered with, or never signed.",
    )
    for flag, (field, text) in _FILTERS.items():
        parser.add_argument(f"--{flag}", dest=field, metavar="X", default="", help=text)
    parser.add_argument(
        "--since", type=parse_time, metavar="TIME", help="not before: RFC 3339, or an age such as 15m, 2h, 7d"
    )
    parser.add_argument(
        "--until", type=parse_time, metavar="TIME", help="before: RFC 3339, or an age such as 15m, 2h, 7d"
    )
    parser.add_argument(
        "--limit", type=int, default=100, metavar="N", help="maximum number of events (default: %(default)s)"
    )
    parser.add_argument("--signatures-only", action="store_true", help="faster: do not hash the records again")
    parser.add_argument("-v", "--verbose", action="store_true", help="show bodies and attributes, in full")
    parser.add_argument("--no-pager", action="store_true", help="do not use $PAGER on a terminal")
    add_api_flag(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.limit < 1:
        complain("--limit must be at least 1")
        return 2
    request = correlation_pb2.SearchAuditEventsRequest(
        since=options.since,
        until=options.until,
        check=correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
        **{field: getattr(options, field) for field, _ in _FILTERS.values()},
    )

    def work(channel: grpc.Channel) -> int:
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
        found = correlation_pb2.SearchAuditEventsResponse()
        while True:
            request.page_size = min(options.limit - len(found.events), 1000)
            page = stub.SearchAuditEvents(request)
            found.events.extend(page.events)
            found.unproved_omitted = page.unproved_omitted  # what an earlier page leaves out is on a later one
            request.page_token = found.next_page_token = page.next_page_token
            if not page.next_page_token or len(found.events) >= options.limit:
                break
        if options.json:
            say_json(to_json(found))
        else:
            lines = event_lines(
                found,
                Style.of(sys.stdout),
                bodies=bool(options.text),
                details=options.verbose,
                width=line_width(sys.stdout),
            )
            say_paged(lines, pager=not options.no_pager)
        doubtful = any(is_doubtful(event.evidence) for event in found.events)
        return 1 if doubtful or found.unproved_omitted or not found.events else 0

    return call(options.api, work)

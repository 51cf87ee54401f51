"""``lognotary audit``: audit events by who did what."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import grpc

from lognotary.v1 import correlation_pb2, correlation_pb2_grpc
from server.commands.api_client import call, timestamp, to_json
from server.commands.arguments.audit import FILTERS
from server.commands.evidence_lines import is_doubtful
from server.commands.output import Style, say_json
from server.commands.pager import say_paged
from server.commands.render import event_lines
from server.commands.units import line_width

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    filters: dict[str, Any] = {field: getattr(options, field) or "" for field, _ in FILTERS.values()}
    request = correlation_pb2.SearchAuditEventsRequest(
        since=options.since and timestamp(options.since),
        until=options.until and timestamp(options.until),
        check=correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
        **filters,
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

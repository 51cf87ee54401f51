"""``lognotary audit``: audit events by who did what."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import Any

from lognotary.v1 import correlation_pb2
from server.commands.api_client import timestamp, to_json
from server.commands.arguments.audit import FILTERS
from server.commands.arguments.reading import DEFAULT_LIMIT
from server.commands.audit_query import ONLY_ACCESS, query_of_options, whole_query
from server.commands.complete import check_complete_options, show_completely
from server.commands.evidence_lines import COMPLETENESS, is_doubtful
from server.commands.hidden_actors import actor_fields, hidden_actor_lines
from server.commands.output import Style, complain_lines, say_csv, say_json
from server.commands.pager import say_paged
from server.commands.render import event_lines, left_out_events
from server.commands.sources import Source, ask
from server.commands.tables import entries_of_events, entries_table
from server.commands.units import line_width
from server.notary.origin import Stream

__all__ = ["run"]

_WHOLE_SERVER = (
    "callers who are not limited to one named tenant are in the access log of the whole server. Credentials that are "
    "limited to tenants do not see it: create a token with --all-tenants"
)


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if options.follow:
        from server.commands.tail import follow_audit

        return follow_audit(options)
    if options.complete:
        return show_completely(options, whole_query(options), [Stream.AUDIT.value])
    check_complete_options(options)
    limit = options.limit or DEFAULT_LIMIT
    filters: dict[str, Any] = {field: getattr(options, field) or "" for field, _ in FILTERS.values()}
    request = correlation_pb2.SearchAuditEventsRequest(
        since=options.since and timestamp(options.since),
        until=options.until and timestamp(options.until),
        check=correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
        query=ONLY_ACCESS if options.access else "",
        **filters,
    )

    def work(source: Source) -> int:
        found = correlation_pb2.SearchAuditEventsResponse()
        while True:
            request.page_size = min(limit - len(found.events), 1000)
            page = source.search_audit_events(request)
            found.events.extend(page.events)
            if page.HasField("until"):  # on the first page
                found.until.CopyFrom(page.until)
                found.later_count = page.later_count
            found.unproved_omitted = page.unproved_omitted  # what an earlier page leaves out is on a later one
            request.page_token = found.next_page_token = page.next_page_token
            if not page.next_page_token or len(found.events) >= limit:
                break
        if options.json:
            say_json(to_json(found))
        elif options.csv:
            say_csv(entries_table(entries_of_events(found.events)).lines())
            complain_lines(*left_out_events(found, Style.of(sys.stderr, utc=options.utc)))
        else:
            style = Style.of(sys.stdout, utc=options.utc)
            heading = style.zone_lines() if found.events else ()
            lines = event_lines(
                found,
                style,
                bodies=bool(options.text),
                details=options.verbose,
                width=line_width(sys.stdout),
                filters=_filters(options, style),
            )
            fields = actor_fields(query_of_options(options)) if not found.events else ()
            hints = hidden_actor_lines(source.search, fields, request)
            limits = [_WHOLE_SERVER] if options.access and not options.storage and not found.events else []
            say_paged([*heading, *lines, *hints, *limits, COMPLETENESS], pager=not options.no_pager)
        doubtful = any(is_doubtful(event.evidence) for event in found.events)
        return 1 if doubtful or found.unproved_omitted or not found.events else 0

    return ask(options, work, explain=_in_options)


def _filters(options: argparse.Namespace, style: Style) -> str:
    """Return the filters as they are written on the command line, with times in RFC 3339."""
    given = {flag: getattr(options, field) for flag, (field, _) in FILTERS.items()}
    words = ["--access"] if options.access else []
    words += [word for flag, text in given.items() if text for word in (f"--{flag}", text)]
    for flag in ("since", "until"):
        if moment := getattr(options, flag):
            words += [f"--{flag}", style.clock(timestamp(moment))]
    return shlex.join(words)


def _in_options(message: str) -> str:
    """Return an error's message with the name of an option in place of the field's name."""
    name, colon, rest = message.partition(": ")
    option = next((flag for flag, (field, _) in FILTERS.items() if field == name), "")
    return f"--{option}{colon}{rest}" if option else message

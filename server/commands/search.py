"""``lognotary search``: records and spans by a query."""

from __future__ import annotations

import argparse
import sys

from lognotary.v1 import correlation_pb2
from server.commands.api_client import timestamp, to_json
from server.commands.arguments.reading import DEFAULT_LIMIT
from server.commands.complete import check_complete_options, show_completely
from server.commands.evidence_lines import COMPLETENESS, is_doubtful_entry
from server.commands.found import found_lines, left_out_lines
from server.commands.hidden_actors import actor_fields, hidden_actor_lines
from server.commands.output import Style, complain_lines, say_csv, say_json
from server.commands.pager import say_paged
from server.commands.queries import check_query
from server.commands.sources import Source, ask
from server.commands.tables import entries_table
from server.commands.units import line_width
from server.settings.errors import ConfigError

__all__ = ["run"]

_COUNTED = 1_000_000
_LARGEST_PAGE = 1000


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if status := check_query("search", options.query):
        return status
    text = " ".join(options.query)
    if options.complete:
        if options.count:
            raise ConfigError("--count: a complete answer always counts the matching records: leave --count out")
        return show_completely(options, text, [options.stream] if options.stream else [])
    check_complete_options(options)
    limit = options.limit or DEFAULT_LIMIT
    request = correlation_pb2.SearchRequest(
        query=text,
        streams=[options.stream] if options.stream else [],
        since=options.since and timestamp(options.since),
        until=options.until and timestamp(options.until),
        oldest_first=options.oldest_first,
        check=correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
        count_up_to=_COUNTED if options.count else 0,
    )

    def work(source: Source) -> int:
        found = correlation_pb2.SearchResponse()
        while True:
            request.page_size = min(limit - len(found.entries), _LARGEST_PAGE)
            page = source.search(request)
            if request.count_up_to:
                found.count, found.count_is_lower_bound = page.count, page.count_is_lower_bound
                request.count_up_to = 0
            found.entries.extend(page.entries)
            if page.HasField("until"):  # on the first page
                found.until.CopyFrom(page.until)
                found.later_count = page.later_count
            found.unproved_omitted = page.unproved_omitted  # what an earlier page leaves out is on a later one
            request.page_token = found.next_page_token = page.next_page_token
            if not page.next_page_token or len(found.entries) >= limit:
                break
        if options.json:
            say_json(to_json(found))
        elif options.csv:
            say_csv(entries_table(found.entries).lines())
            complain_lines(*left_out_lines(found, Style.of(sys.stderr, utc=options.utc)))
        else:
            style = Style.of(sys.stdout, utc=options.utc)
            heading = style.zone_lines() if found.entries else ()
            lines = found_lines(
                found,
                style,
                query=text,
                with_count=options.count,
                details=options.verbose,
                width=line_width(sys.stdout),
            )
            fields = actor_fields(text) if not found.entries else ()
            hints = hidden_actor_lines(source.search, fields, request)
            say_paged([*heading, *lines, *hints, COMPLETENESS], pager=not options.no_pager)
        doubtful = any(map(is_doubtful_entry, found.entries))
        return 1 if doubtful or found.unproved_omitted or not found.entries else 0

    return ask(options, work)

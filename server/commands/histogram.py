"""``lognotary histogram``: how many records of a query there are in each step of time."""

from __future__ import annotations

import argparse
import sys

from lognotary.v1 import counts_pb2
from server.commands.api_client import timestamp, to_json
from server.commands.counted import beyond_lines, histogram_lines
from server.commands.output import Style, complain_lines, say_csv, say_json
from server.commands.pager import say_paged
from server.commands.queries import UNPROVED, check_query
from server.commands.sources import Source, ask
from server.commands.tables import histogram_table
from server.commands.units import line_width

__all__ = ["run"]

_BUCKETS = 24


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if status := check_query("histogram", options.query):
        return status
    text = " ".join(options.query)
    request = counts_pb2.HistogramRequest(
        query=text,
        streams=[options.stream] if options.stream else [],
        since=options.since and timestamp(options.since),
        until=options.until and timestamp(options.until),
        buckets=0 if options.step else options.buckets or _BUCKETS,
        step_seconds=int(options.step or 0),
        group_by=options.by or "",
        groups=options.groups,
    )

    def work(source: Source) -> int:
        found = source.histogram(request)
        if options.json:
            say_json(to_json(found))
        elif options.csv:
            say_csv(histogram_table(found, options.by or "").lines())
            complain_lines(*beyond_lines(found, Style.of(sys.stderr, utc=options.utc)))
        else:
            style = Style.of(sys.stdout, utc=options.utc)
            lines = histogram_lines(found, style, query=text, by=options.by or "", width=line_width(sys.stdout))
            heading = style.zone_lines() if found.buckets else ()
            say_paged([*heading, *lines, *([UNPROVED] if found.count else [])], pager=not options.no_pager)
        return 0 if found.count else 1

    return ask(options, work)

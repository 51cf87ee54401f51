"""``lognotary facets``: which values the fields of the records of a query have, and how often."""

from __future__ import annotations

import argparse
import sys

from lognotary.v1 import counts_pb2
from server.commands.api_client import timestamp, to_json
from server.commands.counted import facet_lines, name_lines, partial_lines
from server.commands.output import Style, complain_lines, say_csv, say_json
from server.commands.pager import say_paged
from server.commands.queries import UNPROVED, check_query
from server.commands.sources import Source, ask
from server.commands.tables import facets_table, names_table
from server.commands.units import line_width

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if status := check_query("facets", options.query):
        return status
    text = " ".join(options.query)
    streams = [options.stream] if options.stream else []
    since, until = options.since and timestamp(options.since), options.until and timestamp(options.until)
    style, width = Style.of(sys.stdout, utc=options.utc), line_width(sys.stdout)

    def names(source: Source) -> int:
        request = counts_pb2.FieldNamesRequest(
            query=text, streams=streams, since=since, until=until, prefix=options.names, limit=options.limit
        )
        found = source.field_names(request)
        if options.json:
            say_json(to_json(found))
        elif options.csv:
            say_csv(names_table(found).lines())
            complain_lines(*partial_lines(found, "names in records", Style.of(sys.stderr, utc=options.utc)))
        else:
            say_paged(list(name_lines(found, style, width=width)), pager=not options.no_pager)
        return 0 if found.attributes or found.fields else 1

    def values(source: Source) -> int:
        request = counts_pb2.FacetsRequest(
            query=text,
            streams=streams,
            since=since,
            until=until,
            fields=options.field,
            limit=options.limit,
            prefix=options.prefix or "",
            omit_constant=options.varying,
        )
        found = source.facets(request)
        if options.json:
            say_json(to_json(found))
        elif options.csv:
            say_csv(facets_table(found).lines())
            complain_lines(*partial_lines(found, "records", Style.of(sys.stderr, utc=options.utc)))
        else:
            lines = facet_lines(found, style, query=text, width=width)
            say_paged([*lines, *([UNPROVED] if found.record_count else [])], pager=not options.no_pager)
        return 0 if found.record_count else 1

    return ask(options, values if options.names is None else names)

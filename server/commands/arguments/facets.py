"""Arguments of ``lognotary facets``."""

from __future__ import annotations

import argparse
from typing import Any

from server.commands.arguments.options import API_VARIABLES
from server.commands.arguments.parser import examples, later, typed
from server.commands.arguments.reading import add_event_range, add_query, add_source_flags, add_stream_flag
from server.settings.values import read_count

__all__ = ["add_parser"]

_MOST_VALUES = 1000
_MOST_NAMES = 10_000


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "facets",
        description="Show which values the fields of the records of a query have, and how often. Takes the queries of "
        "'lognotary search'. Records are counted whether they can be proved or not; if there are very many, the latest "
        "are looked at. Exit status 1 if no record matches.",
        epilog=examples(
            "lognotary facets 'severity:>=error' --since 24h",
            "lognotary facets 'outcome:failure' --field actor --field source --limit 20",
            "lognotary facets --field http.method --stream operational",
            "lognotary facets --names http    # which attributes are there?",
            variables=API_VARIABLES,
        ),
    )
    add_query(parser, "the query; without any, all records")
    add_stream_flag(parser, "")
    add_event_range(parser, "records")
    parser.add_argument(
        "--field",
        metavar="NAME",
        action="append",
        default=[],
        help="a field of the query language, such as actor or http.method; may be repeated (default: those with few "
        "values)",
    )
    parser.add_argument(
        "--prefix", metavar="TEXT", help="only values that begin like this, and not (none); case is ignored"
    )
    parser.add_argument("--names", metavar="TEXT", help="show the names of attributes that begin like this instead")
    parser.add_argument(
        "--limit",
        type=typed(read_count),
        default=10,
        metavar="N",
        help=f"maximum number of values, up to {_MOST_VALUES:,}, or of names, up to {_MOST_NAMES:,} (default: 10)",
    )
    parser.add_argument("--varying", action="store_true", help="leave out fields that are the same in all records")
    parser.add_argument("--no-pager", action="store_true", help="do not use $PAGER on a terminal")
    add_source_flags(parser)
    parser.add_check(_check)
    parser.set_defaults(run=later("server.commands.facets"))


def _check(options: argparse.Namespace) -> None:
    if options.names is not None and (options.field or options.prefix or options.varying):
        raise ValueError("--names shows no values: leave out --field, --prefix and --varying")
    most = _MOST_VALUES if options.names is None else _MOST_NAMES
    if options.limit > most:
        raise ValueError(f"--limit: {options.limit} is more than {most:,}")

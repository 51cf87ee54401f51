"""Arguments of ``lognotary histogram``."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from server.commands.arguments.options import API_VARIABLES
from server.commands.arguments.parser import examples, later, typed
from server.commands.arguments.reading import add_event_range, add_query, add_source_flags, add_stream_flag
from server.settings.values import read_choice, read_count, read_duration

__all__ = ["add_parser"]

_FIELDS = ("stream", "severity", "service", "outcome", "category", "action", "status", "kind")
_MOST = 1000
_MOST_GROUPS = 100
_LONGEST = 100 * 365 * 86_400


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "histogram",
        description="Count the records of a query in steps of time, from the first to the last one, or in the range of "
        "--since and --until. Takes the queries of 'lognotary search'. Records are counted whether they can be proved "
        "or not. Exit status 1 if no record matches.",
        epilog=examples(
            "lognotary histogram 'severity:>=error' --since 24h --by service",
            "lognotary histogram 'actor:alice' --step 1d",
            variables=API_VARIABLES,
        ),
    )
    add_query(parser, "the query; without any, all records")
    add_stream_flag(parser, "")
    add_event_range(parser, "records")
    parser.add_argument(
        "--by",
        metavar="|".join(_FIELDS),
        type=typed(partial(read_choice, valid=_FIELDS)),
        help="split the counts by the values of this field",
    )
    parser.add_argument(
        "--groups",
        type=typed(read_count),
        default=4,
        metavar="N",
        help=f"number of values to show, at most {_MOST_GROUPS} (default: 4)",
    )
    parser.add_argument(
        "--buckets", type=typed(read_count), metavar="N", help=f"number of steps, at most {_MOST:,} (default: 24)"
    )
    parser.add_argument("--step", type=typed(read_duration), metavar="TIME", help="length of a step, such as 5m or 1d")
    parser.add_argument("--no-pager", action="store_true", help="do not use $PAGER on a terminal")
    add_source_flags(parser)
    parser.add_check(_check)
    parser.set_defaults(run=later("server.commands.histogram"))


def _check(options: argparse.Namespace) -> None:
    if options.buckets is not None and options.step is not None:
        raise ValueError("--buckets and --step are given: give one of them")
    if options.buckets is not None and not 2 <= options.buckets <= _MOST:
        raise ValueError(f"--buckets: {options.buckets} is not a number from 2 to {_MOST:,}")
    if options.groups > _MOST_GROUPS:
        raise ValueError(f"--groups: {options.groups} is more than {_MOST_GROUPS}")
    if options.step is not None and (options.step % 1 or options.step > _LONGEST):
        raise ValueError("--step: give whole seconds, less than a hundred years")

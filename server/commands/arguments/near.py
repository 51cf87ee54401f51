"""Arguments of ``lognotary near``."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from server.commands.arguments.options import API_VARIABLES
from server.commands.arguments.parser import examples, later, typed
from server.commands.arguments.reading import PROOF, add_query, add_reading_flags, add_stream_flag
from server.settings.values import read_choice, read_count

__all__ = ["add_parser"]

_BY = ("time", "leaf", "actor", "session", "source", "target", "host", "service")
_MOST = 500


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "near",
        description="Show the records around a record: audit events and logs, or spans, by time; those that its log "
        "received just before and after it, which no sender can put elsewhere (leaf); or those that have the same "
        "actor, session, source, target, host or service. Asks a running server, or reads the storage directly with "
        f"--storage. Exit status 1 if the record is not stored, or one that is shown {PROOF}",
        epilog=examples(
            "lognotary near shop/audit/node-1#17                # what happened at that time",
            "lognotary near shop/audit/node-1#17 --by leaf      # what was received just before and after",
            "lognotary near shop/audit/node-1#17 --by session -n 50 -action:read",
            variables=API_VARIABLES,
        ),
    )
    parser.add_argument(
        "record",
        metavar="RECORD",
        help="log and leaf, as other commands show them: shop/audit/node-1#17; or the ID of an audit record",
    )
    add_query(parser, "a query that the records around it must match")
    parser.add_argument(
        "--by",
        metavar="|".join(_BY),
        type=typed(partial(read_choice, valid=_BY)),
        default="time",
        help="what they have in common (default: time)",
    )
    parser.add_argument(
        "-n",
        "--count",
        type=typed(read_count),
        default=10,
        metavar="N",
        help=f"number of records before, and after, up to {_MOST} (default: 10)",
    )
    add_stream_flag(parser, " around it; with --by leaf, records of its log")
    add_reading_flags(parser)
    parser.add_check(_check)
    parser.set_defaults(run=later("server.commands.near"))


def _check(options: argparse.Namespace) -> None:
    if options.count > _MOST:
        raise ValueError(f"--count: {options.count} is more than {_MOST}")

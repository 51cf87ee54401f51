"""Arguments of ``lognotary near``."""

from __future__ import annotations

from functools import partial
from typing import Any

from server.commands.arguments.options import API_VARIABLE
from server.commands.arguments.parser import examples, later, typed
from server.commands.arguments.reading import PROOF, add_query, add_reading_flags, add_stream_flag
from server.settings.values import read_choice, read_count

__all__ = ["add_parser"]

_BY = ("time", "leaf", "actor", "session", "source", "target", "host", "service")


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "near",
        description="Show the records around a record: of all streams by time; those that its log received just before "
        "and after it, which no sender can put elsewhere (leaf); or those that have the same actor, session, source, "
        "target, host or service. Asks a running server, or reads the storage directly with --storage. Exit status 1 "
        f"if the record is not stored, or one that is shown {PROOF}",
        epilog=examples(
            "lognotary near shop/audit/node-1#17                # what happened at that time",
            "lognotary near shop/audit/node-1#17 --by leaf      # what was received just before and after",
            "lognotary near shop/audit/node-1#17 --by session -n 50 -- -action:read",
            variables=[API_VARIABLE],
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
        help="number of records before, and after, up to 500 (default: 10)",
    )
    add_stream_flag(parser, "only audit events, or only operational logs, around it (default: both)")
    add_reading_flags(parser)
    parser.set_defaults(run=later("server.commands.near"))

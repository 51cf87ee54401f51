"""Arguments of ``lognotary search``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLES
from server.commands.arguments.parser import examples, later
from server.commands.arguments.reading import (
    add_complete_flags,
    add_event_range,
    add_query,
    add_reading_flags,
    add_stream_flag,
)

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "search",
        description='Search audit events and logs, or spans, by a query, latest first: words and "phrases" of bodies, '
        "field:value, ranges, wildcards, AND, OR and NOT. Asks a running server, or reads the storage directly with "
        "--storage. Exit status 1 if no record matches, or one cannot be proved: it was tampered with, or never "
        "signed. Only stored records can be shown: 'lognotary verify' shows whether one is missing.",
        epilog=examples(
            "lognotary search 'order refused severity:>=error' --since 2h",
            "lognotary search 'actor:alice action:user.* -outcome:success'",
            "lognotary search 'http.status_code:[500 TO 599] service:shop' --stream operational --count",
            "lognotary search 'status:error duration:>1s' --stream spans",
            "lognotary search actor:alice --since 7d --complete    # with proof that nothing is left out",
            "lognotary search -evidence:verified",
            "lognotary search order -- -refused    # a word of a text with '-' comes after '--'",
            variables=API_VARIABLES,
        ),
    )
    add_query(parser, "the query; without any, all records")
    add_stream_flag(parser, "")
    add_event_range(parser, "records", ends=True)
    parser.add_argument("--oldest-first", action="store_true", help="show the oldest records first")
    parser.add_argument("--count", action="store_true", help="also count all records that match, up to a million")
    add_complete_flags(parser, "records")
    add_reading_flags(parser)
    parser.set_defaults(run=later("server.commands.search"))

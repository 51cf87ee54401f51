"""Arguments of ``lognotary traces``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLES
from server.commands.arguments.parser import examples, later, typed
from server.commands.arguments.reading import PROOF, add_event_range, add_query, add_reading_flags, add_stream_flag
from server.settings.values import read_duration

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "traces",
        description="Find the traces in which a record matches a query, the trace of the latest matching record first, "
        "each with a summary of all that it has. Asks a running server, or reads the storage directly with --storage. "
        f"Exit status 1 if no trace is found, or a matching record {PROOF}",
        epilog=examples(
            "lognotary traces actor:alice --errors --since 7d    # what went wrong of what alice did",
            "lognotary traces order refused --min-duration 2s    # slow requests with these words",
            "lognotary traces 'http.status_code:[500 TO 599]' --stream operational",
            variables=API_VARIABLES,
        ),
    )
    add_query(parser, "what a record of the trace must match; without a query, any record")
    add_stream_flag(parser, " are matched")
    add_event_range(parser, "traces with a matching record", ends=True)
    parser.add_argument(
        "--errors",
        action="store_true",
        help="only traces with an error: a log of severity ERROR or above, an audit event that failed, or a span with "
        "an error",
    )
    parser.add_argument(
        "--min-duration",
        type=typed(read_duration),
        metavar="DURATION",
        help="only traces that took at least so long, such as 500ms or 2s",
    )
    add_reading_flags(parser, noun="traces", limit=20)
    parser.set_defaults(run=later("server.commands.traces"))

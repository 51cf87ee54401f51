"""Arguments of ``lognotary target``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLES
from server.commands.arguments.parser import examples, later
from server.commands.arguments.reading import PROOF, add_event_range, add_query, add_reading_flags

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "target",
        description="Show all audit events on a target, latest first, after an overview: when it was seen first and "
        "last, what was done to it with which results, by which actors, from which sources, in which sessions. Asks a "
        "running server, or reads the storage directly with --storage. Exit status 1 if there is no event, or one "
        f"{PROOF}",
        epilog=examples(
            "lognotary target order-1047",
            "lognotary target alice TargetType:user outcome:failure --since 30d",
            variables=API_VARIABLES,
        ),
    )
    parser.add_argument("id", metavar="ID", help="ID of the target, exactly")
    add_query(parser, "a query that events must match too")
    add_event_range(parser, "events", ends=True)
    parser.add_argument("--oldest-first", action="store_true", help="show the oldest events first")
    add_reading_flags(parser, noun="events", limit=100)
    parser.set_defaults(run=later("server.commands.subjects", "run_target"))

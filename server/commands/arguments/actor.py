"""Arguments of ``lognotary actor``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLES
from server.commands.arguments.parser import examples, later
from server.commands.arguments.reading import PROOF, add_event_range, add_query, add_reading_flags

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "actor",
        description="Show all audit events of an actor, latest first, after an overview: when it was seen first and "
        "last, what it did with which results, on which targets, from which sources, in which sessions. Events on "
        "whose behalf, or with whose rights, somebody else acted are the actor's too. Asks a running server, or reads "
        f"the storage directly with --storage. Exit status 1 if there is no event, or one {PROOF}",
        epilog=examples(
            "lognotary actor alice",
            "lognotary actor alice action:user.* -outcome:success --since 7d",
            "lognotary actor arn:aws:iam::123456789012:user/alice --oldest-first",
            variables=API_VARIABLES,
        ),
    )
    parser.add_argument("id", metavar="ID", help="ID of the actor, exactly")
    add_query(parser, "a query that events must match too")
    add_event_range(parser, "events", ends=True)
    parser.add_argument("--oldest-first", action="store_true", help="show the oldest events first")
    add_reading_flags(parser, noun="events", limit=100)
    parser.set_defaults(run=later("server.commands.subjects", "run_actor"))

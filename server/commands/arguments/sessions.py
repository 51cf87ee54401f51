"""Arguments of ``lognotary sessions``."""

from __future__ import annotations

import argparse
from typing import Any

from server.commands.arguments.parser import CommandParser, examples, later
from server.settings.flags import add_flags

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sessions",
        description="List and end the sessions of people who have logged in on pages. Works on the files in a server's "
        "data directory, whether or not the server runs; a running server ends sessions within a second, and records "
        "who revoked them.",
        epilog=examples(
            "lognotary sessions list",
            "lognotary sessions revoke alice@shop.example",
            "lognotary sessions revoke --all",
        ),
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(overview=parser)

    show = _add(actions, "list", "show the open sessions", "list_sessions")
    show.add_argument("--json", action="store_true", help="print JSON")

    revoke = _add(actions, "revoke", "end a session, all sessions of a person, or all sessions", "revoke")
    revoke.add_argument("session", metavar="NAME_OR_ID", nargs="?", help="name of the person, or ID of the session")
    revoke.add_argument("--all", action="store_true", help="end all sessions")
    revoke.add_check(_check_target)


def _check_target(options: argparse.Namespace) -> None:
    if options.all == (options.session is not None):
        raise ValueError("give the name of a person, the ID of a session, or --all")


def _add(actions: Any, name: str, text: str, function: str) -> CommandParser:
    parser: CommandParser = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    add_flags(parser, "data_dir")
    parser.set_defaults(overview=None, run=later("server.commands.sessions", function))
    return parser

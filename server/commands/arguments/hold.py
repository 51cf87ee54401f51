"""Arguments of ``lognotary hold``."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from server.commands.arguments.options import API_VARIABLES, add_api_flag, add_range, add_utc_flag
from server.commands.arguments.parser import CommandParser, examples, later, typed
from server.notary.audit_words import CATEGORIES
from server.notary.origin import Stream
from server.settings.values import read_choice

__all__ = ["SCOPE", "add_parser"]

_STREAMS = tuple(stream.value for stream in Stream)

SCOPE = {
    "stream": (_STREAMS, "only records of this stream"),
    "service": ((), "only records of this service"),
    "actor": ((), "only audit records of this actor: its ID or name, or the ID of who it acts for"),
    "trace": ((), "only records of this trace"),
    "category": (CATEGORIES, "only audit records of this category"),
}
"""Option -> valid words, empty for any text; help text."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "hold",
        description="Add, list and release legal holds. The records of a hold are kept, whatever their retention, "
        "until the hold is released. Each change has a signed audit record. Only takes changes from callers with the "
        "role operator or admin or, if the server needs no credentials, from its own machine (setting administration).",
        epilog=examples(
            "lognotary hold add case-4711 --actor alice --since 2026-01-01 --reason 'lawsuit, case 4711'",
            "lognotary hold list",
            "lognotary hold release case-4711 --reason 'settled on 2026-11-03'",
            variables=API_VARIABLES,
        ),
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(overview=parser)
    add = _action(
        actions,
        "add",
        "keep records beyond their retention",
        "Keep the records that match all options. Once it says so, none of the stored records is removed by retention.",
    )
    add.add_argument("name", metavar="NAME", nargs="?", default="", help="name of the hold (default: made up)")
    for option, (words, text) in SCOPE.items():
        reader = typed(partial(read_choice, valid=words)) if words else str
        add.add_argument(f"--{option}", metavar="|".join(words) or "TEXT", type=reader, help=text)
    add_range(add, "only what happened, or was received, at or after", "only what happened, or was received, before")
    add.add_argument("--all", action="store_true", help="keep all records: without any other option but the reason")
    _add_reason(add, "why they are kept, in one line")
    add.add_check(_check_scope)
    show = _action(actions, "list", "list the holds", "List the holds that are in force.")
    show.add_argument("--released", action="store_true", help="also holds that were released")
    release = _action(actions, "release", "let retention apply again", "Release a hold: retention applies again.")
    release.add_argument("name", metavar="NAME", help="name of the hold")
    _add_reason(release, "why it is released, in one line")
    for action in (add, show, release):
        add_utc_flag(action)
        add_api_flag(action)


def _action(actions: Any, name: str, text: str, description: str) -> CommandParser:
    parser: CommandParser = actions.add_parser(name, help=text, description=description)
    parser.set_defaults(overview=None, run=later("server.commands.hold", f"{name}_hold"))
    return parser


def _add_reason(parser: CommandParser, text: str) -> None:
    parser.add_argument("--reason", metavar="TEXT", required=True, help=text)


def _check_scope(options: argparse.Namespace) -> None:
    given = [f"--{name}" for name in (*SCOPE, "since", "until") if getattr(options, name)]
    if given and options.all:
        raise ValueError(f"--all and {given[0]} are given: give one of them")
    if not given and not options.all:
        raise ValueError(
            f"the records are missing: give one or more of {', '.join(f'--{name}' for name in SCOPE)}, --since and "
            "--until, or --all"
        )

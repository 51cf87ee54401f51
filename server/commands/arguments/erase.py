"""Arguments of ``lognotary erase``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLES, add_api_flag
from server.commands.arguments.parser import examples, later

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "erase",
        description="Erase values to which signed records have commitments (redaction = disclose), for good. The "
        "records remain, and still verify. A signed audit record says how many values were erased, and why, but not "
        "which. Nothing is erased if a legal hold covers a record that has one of the values. Only works with the role "
        "operator or admin or, if the server needs no credentials, on its own machine (setting administration).",
        epilog=examples(
            "lognotary erase --actor - --reason 'request of 2026-11-03 under GDPR, article 17' < actor.txt",
            "lognotary erase --value - --reason 'request 4711'  # type the value, then a new line and Ctrl-D",
            variables=API_VARIABLES,
        ),
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--actor",
        metavar="TEXT|-",
        help="all values in audit records of this actor (ID or name), and this text itself; - reads the text from "
        "standard input, so that it is not in the history of the shell or in lists of processes",
    )
    what.add_argument("--value", metavar="TEXT|-", help="this value, in all records; - reads it, as above")
    parser.add_argument(
        "--reason", required=True, metavar="TEXT", help="why, for the audit record; must not contain what is erased"
    )
    add_api_flag(parser)
    parser.set_defaults(run=later("server.commands.erase"))

"""Arguments of ``lognotary tenants``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLE, add_api_flag, add_range, add_utc_flag
from server.commands.arguments.parser import CommandParser, examples, later

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "tenants",
        description="Show the tenants of a server.",
        epilog=examples(
            "lognotary tenants list",
            "lognotary tenants list --since 30d --json",
            variables=[API_VARIABLE],
        ),
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(overview=parser)
    _add_list(actions)


def _add_list(actions: Any) -> None:
    show: CommandParser = actions.add_parser(
        "list",
        help="show what each tenant has sent, what is stored of it, and its limits",
        description="Show for each tenant what it has sent since the start of the server, how many of its records are "
        "stored, its logs and its limits. Shows no content of records. Sizes of stored records are estimates: a part "
        "of each table, as if all records were of the same size.",
    )
    add_range(show, "only count stored records that were received at or after", "only count those received before")
    add_utc_flag(show)
    add_api_flag(show)
    show.set_defaults(overview=None, run=later("server.commands.tenants", "list_tenants"))

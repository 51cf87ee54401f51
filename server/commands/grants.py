"""``lognotary grants``: print the rights that a user of ClickHouse needs."""

from __future__ import annotations

import argparse
from typing import Any

from server.commands.output import say_signed
from storage.roles import Role, grants
from storage.url import DEFAULT_DATABASE

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "grants",
        help="print the rights that a user of ClickHouse needs, as SQL",
        description="Print GRANT statements for a user of a ClickHouse server: for an auditor, who verifies and proves "
        "with --storage; for a server; or for a reader, such as Grafana. They grant nothing that is not needed. "
        "Create the user before, and run the statements as an administrator, for example with clickhouse-client.",
    )
    parser.add_argument(
        "--role", required=True, choices=[role.value for role in Role], help="what the user does: %(choices)s"
    )
    parser.add_argument("--user", metavar="NAME", help="name of the user (default: the role)")
    parser.add_argument(
        "--database", metavar="NAME", default=DEFAULT_DATABASE, help="Lognotary's database (default: %(default)s)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    user = options.role if options.user is None else options.user
    say_signed("".join(f"{line};\n" for line in grants(Role(options.role), user, options.database)))
    return 0

"""Arguments of ``lognotary grants``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.parser import examples, later
from storage.roles import Role
from storage.url import DEFAULT_DATABASE

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "grants",
        description="Print GRANT statements for a user of a ClickHouse server: for an auditor, who verifies and proves "
        "with --storage; for a server; or for a reader, such as Grafana. They grant nothing that is not needed. "
        "Create the user before, and run the statements as an administrator, for example with clickhouse-client.",
        epilog=examples("lognotary grants --role auditor --user ann", "lognotary grants --role server"),
    )
    parser.add_argument(
        "--role", required=True, choices=[role.value for role in Role], help="what the user does: %(choices)s"
    )
    parser.add_argument("--user", metavar="NAME", help="name of the user (default: the role)")
    parser.add_argument(
        "--database", metavar="NAME", default=DEFAULT_DATABASE, help="Lognotary's database (default: %(default)s)"
    )
    parser.set_defaults(run=later("server.commands.grants"))

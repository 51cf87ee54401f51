"""Arguments of ``lognotary whoami``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.parser import examples, later
from server.commands.arguments.server_url import add_server_flags

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "whoami",
        description="Show as whom a server knows you, and your roles. Exit status 1 if you are not logged in.",
        epilog=examples("lognotary whoami", "lognotary whoami --url https://logs.example"),
    )
    add_server_flags(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=later("server.commands.login", "whoami"))

"""Arguments of ``lognotary logout``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.parser import examples, later
from server.commands.arguments.server_url import add_server_flags

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "logout",
        description="Forget the login at a server, and have the OpenID provider forget it too.",
        epilog=examples("lognotary logout", "lognotary logout --url https://logs.example"),
    )
    add_server_flags(parser, connects=False)
    parser.set_defaults(run=later("server.commands.login", "logout"))

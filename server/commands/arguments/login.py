"""Arguments of ``lognotary login``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.parser import examples, later
from server.commands.arguments.server_url import add_server_flags

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "login",
        description="Log in at a server with its OpenID provider. The command shows a page and a code: open the page "
        "in any browser, also on another machine. The tokens are kept in ~/.config/lognotary/logins.json, which "
        "only you can read, and are renewed.",
        epilog=examples("lognotary login", "lognotary login --url https://logs.example"),
    )
    add_server_flags(parser)
    parser.set_defaults(run=later("server.commands.login", "login"))

"""Arguments of ``lognotary whoami``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLES, TOKEN_VARIABLE
from server.commands.arguments.parser import examples, later
from server.commands.arguments.server_url import add_server_flags

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "whoami",
        description="Show as whom a server knows you by your token or your login, and your roles. Exit status 1 if you "
        "have neither, and the server needs one.",
        epilog=examples("lognotary whoami", "lognotary whoami --url https://logs.example", variables=API_VARIABLES),
    )
    add_server_flags(parser)
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help=f"file with the token for the API (default: {TOKEN_VARIABLE[0]}, else the token of 'lognotary login')",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=later("server.commands.login", "whoami"))

"""Arguments of ``lognotary status``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLES, add_api_flag, add_utc_flag
from server.commands.arguments.parser import examples, later

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "status",
        description="Show a running server's version, readiness, storage, logs with their last checkpoints, and "
        "self-verification. Exit status 1 if it is not ready, its audit rules could not be reloaded, a log cannot be "
        "verified, or self-verification has findings; 2 if no server answers.",
        epilog=examples(
            "lognotary status", "lognotary status --api https://logs.example:7317 --json", variables=API_VARIABLES
        ),
    )
    add_utc_flag(parser)
    add_api_flag(parser)
    parser.set_defaults(run=later("server.commands.status"))

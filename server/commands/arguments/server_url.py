"""Options of commands that ask a server over HTTP."""

from __future__ import annotations

import argparse
from pathlib import Path

from server.commands.arguments.parser import CommandParser
from server.settings.secure_urls import is_safe_url

__all__ = ["add_server_flags"]

_DEFAULT = "http://127.0.0.1:7318"


def add_server_flags(parser: CommandParser, *, ca_file: bool = True) -> None:
    """Add ``--url``, and ``--ca-file`` for commands that connect to the server."""
    parser.add_argument(
        "--url", metavar="URL", default=_DEFAULT, help=f"URL of the server's HTTP API (default: {_DEFAULT})"
    )
    if ca_file:
        parser.add_argument(
            "--ca-file",
            metavar="FILE",
            type=Path,
            help="PEM file of authorities for the server's certificate (default: those of the system)",
        )
    parser.add_check(_check_url)


def _check_url(options: argparse.Namespace) -> None:
    if not is_safe_url(options.url):
        raise ValueError("--url must begin with https://; http:// is for this machine only, such as 127.0.0.1")

"""Options of commands that ask a server over HTTP."""

from __future__ import annotations

import argparse

from server.commands.arguments.parser import CommandParser
from server.settings.secure_urls import is_safe_url

__all__ = ["DEFAULT_URL", "add_server_flags"]

DEFAULT_URL = "http://127.0.0.1:7318"


def add_server_flags(parser: CommandParser, *, connects: bool = True) -> None:
    """Add ``--url``, and the files of certificates for commands that connect to the server."""
    parser.add_argument(
        "--url",
        metavar="URL",
        help=f"URL of the server's HTTP API (default: the host of LOGNOTARY_API with port 7318, else {DEFAULT_URL})",
    )
    if connects:
        parser.add_argument(
            "--api-ca",
            metavar="FILE",
            help="PEM file of the CA of the server's certificate (default: LOGNOTARY_API_CA, else those of the system)",
        )
        parser.add_argument(
            "--api-cert",
            metavar="FILE",
            help="PEM file of the client certificate to show to the server (default: LOGNOTARY_API_CERT)",
        )
        parser.add_argument(
            "--api-key",
            metavar="FILE",
            help="PEM file of the client certificate's private key (default: LOGNOTARY_API_KEY)",
        )
    parser.add_check(_check_url)


def _check_url(options: argparse.Namespace) -> None:
    if options.url is not None and not is_safe_url(options.url):
        raise ValueError("--url must begin with https://; http:// is for this machine only, such as 127.0.0.1")

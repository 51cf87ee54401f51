"""Arguments of ``lognotary tls``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.parser import examples, later, typed
from server.settings.values import read_days

__all__ = ["DEFAULT_DIRECTORY", "add_parser"]

DEFAULT_DIRECTORY = "tls"


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("tls", description="Certificates for TLS.")
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(overview=parser)
    text = "make a CA, a certificate for the server and one for a client, to try TLS"
    dev = actions.add_parser(
        "dev",
        help=text,
        description="Make a CA, a certificate for the server, with the names localhost, 127.0.0.1, ::1 and this "
        "machine's name, and a certificate for a client. They are for trying TLS out: the key of the CA is not kept, "
        "so it can issue nothing else. In production, let your own CA, cert-manager or an ACME client issue them.",
        epilog=examples("lognotary tls dev", "lognotary tls dev /etc/lognotary/tls --name logs.example --days 30d"),
    )
    dev.add_argument(
        "directory",
        nargs="?",
        default=DEFAULT_DIRECTORY,
        metavar="DIRECTORY",
        help=f"directory for the files; created if it does not exist (default: {DEFAULT_DIRECTORY})",
    )
    dev.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="NAME",
        help="another DNS name or IP address of the server; may be repeated",
    )
    dev.add_argument(
        "--client",
        metavar="NAME",
        default="lognotary-client",
        help="DNS name in the client's certificate (default: lognotary-client)",
    )
    dev.add_argument(
        "--days",
        metavar="DAYS",
        type=typed(_read_validity),
        default=365,
        help="validity of the certificates (default: 365d)",
    )
    dev.set_defaults(run=later("server.commands.tls", "dev"), overview=None)


def _read_validity(text: str) -> int:
    days = read_days(text)
    if days is None:
        raise ValueError("certificates that are valid forever are not made: give days or weeks, such as 30d")
    return days

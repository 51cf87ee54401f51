"""Arguments of ``lognotary keys``."""

from __future__ import annotations

import argparse
import time
from typing import Any

from server.commands.arguments.parser import CommandParser, examples, later, typed
from server.settings.flags import add_flags
from server.settings.moments import TIME_FORMS, parse_moment

__all__ = ["add_parser"]

_FLAGS = ("data_dir", "signing_key", "retired_keys", "ml_dsa")


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "keys",
        description="Manage the signing keys in a server's data directory. A key change is a checkpoint signed by both "
        "the old and the new key, so anyone who has one of them can verify the whole log.",
        epilog=examples(
            "lognotary keys list --data-dir /var/lib/lognotary",
            "lognotary keys export > public-key.pem",
            "lognotary keys export --verifier-keys --tenant acme > acme.keys",
            "lognotary keys rotate --tenant acme",
            "lognotary keys compromised 0123456789abcdef --since 2026-01-31T12:00:00Z",
        ),
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(overview=parser)

    show = _add(actions, "list", "show all keys", "list_keys")
    show.add_argument("--json", action="store_true", help="print JSON")

    _add(
        actions,
        "rotate",
        "replace the key files; a running server switches to the new key as soon as storage has the key change, "
        "otherwise the next start does",
        "rotate",
    )

    make = _add(actions, "generate", "create a key in a PKCS #11 token", "generate")
    make.add_argument("uri", metavar="URI", help="PKCS #11 URI (RFC 7512) of the new key")

    export = _add(actions, "export", "print a public key", "export")
    export.add_argument(
        "key", metavar="FINGERPRINT", nargs="?", help="fingerprint of the key (default: the current signing key)"
    )
    export.add_argument(
        "--origin", metavar="NAME", help="print the C2SP verifier key for this log of the server instead of PEM"
    )

    export.add_argument(
        "--verifier-keys",
        action="store_true",
        help="print all that verifies the evidence of one tenant (default: the default tenant), and names no other: "
        "the C2SP verifier keys of its logs and of manifests of exports, one a line",
    )
    export.add_check(_check_export)

    mark = _add(actions, "compromised", "mark a key as compromised: later signatures are findings", "mark_compromised")
    mark.add_argument("key", metavar="FINGERPRINT", help="fingerprint of the key")
    mark.add_argument(
        "--since",
        type=typed(parse_moment),
        metavar="TIME",
        required=True,
        help=f"when it was compromised: {TIME_FORMS}",
    )
    mark.add_check(_check_mark)


def _check_export(options: argparse.Namespace) -> None:
    if options.verifier_keys and (options.key or options.origin):
        raise ValueError("--verifier-keys prints the keys of all logs: leave FINGERPRINT and --origin out")


def _check_mark(options: argparse.Namespace) -> None:
    if options.since.nanos > time.time_ns():
        raise ValueError("--since is in the future, so nothing can have been signed since then")


def _add(actions: Any, name: str, text: str, function: str) -> CommandParser:
    parser: CommandParser = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    add_flags(parser, *_FLAGS)
    parser.set_defaults(overview=None, run=later("server.commands.keys", function))
    if function != "generate":
        parser.add_argument(
            "--tenant", metavar="NAME", help="the keys of a tenant with own_key = true, instead of the server's"
        )
    return parser

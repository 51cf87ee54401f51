"""Arguments of ``lognotary findings``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import (
    API_VARIABLES,
    add_acknowledgement_flags,
    add_api_flag,
    add_storage_flags,
    add_utc_flag,
)
from server.commands.arguments.parser import examples, later
from server.settings.flags import add_flags

__all__ = ["FLAGS", "SHORTEST", "add_parser"]

FLAGS = ("data_dir", "signing_key", "retired_keys", "ml_dsa")
"""Settings of the key store."""

SHORTEST = 8
"""Digits of a finding's identity that have to be given."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "findings",
        description="List the findings of verification, and acknowledge those that are known. An acknowledgement is a "
        "signed statement of exactly one finding: 'lognotary verify' still shows and counts the finding, but does not "
        "fail because of it. A finding that differs in anything is not covered.",
        epilog=examples(
            "lognotary findings list",
            "lognotary findings acknowledge 5d41402a --reason 'disk failure on 2026-03-01, ticket 4711'",
            variables=API_VARIABLES,
        ),
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(overview=parser)
    show = actions.add_parser(
        "list",
        help="verify everything, and list the findings",
        description="Verify everything, and list the findings, each with its identity. Exit status 1 if one is not "
        "acknowledged.",
    )
    show.set_defaults(overview=None, run=later("server.commands.findings", "list_findings"))
    add_utc_flag(show)
    take = actions.add_parser(
        "acknowledge",
        help="sign that findings are known",
        description="Verify everything, and sign that findings are known, with this server's signing key or another "
        "key. The acknowledgements are signed notes (C2SP); they are kept in the data directory, in "
        "'acknowledgements'. Exit status 1 if there is no such finding.",
    )
    take.add_argument(
        "finding", metavar="ID", nargs="*", help=f"identity of a finding: the first {SHORTEST} digits or more"
    )
    take.add_argument("--all", action="store_true", help="acknowledge all findings that are not acknowledged yet")
    take.add_argument("--reason", metavar="TEXT", required=True, help="why they are known, in one line")
    take.add_argument(
        "--key",
        metavar="FILE",
        help="sign with this private key (Ed25519, PEM) instead of the server's; verification needs its public key: "
        "--acknowledgement-key",
    )
    take.add_argument("-o", "--output", metavar="DIR", help="write the acknowledgements there instead")
    take.set_defaults(overview=None, run=later("server.commands.findings", "acknowledge"))
    for action in (show, take):
        add_storage_flags(
            action,
            key_help="a trusted public key: PEM, or C2SP verifier keys; may be repeated",
            data_dir_help="the server's data directory",
        )
        add_acknowledgement_flags(action)
        add_api_flag(action)
    add_flags(take, *(name for name in FLAGS if name != "data_dir"))

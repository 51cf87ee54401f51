"""Arguments of ``lognotary disclose``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLES, add_address_flag, add_storage_flags
from server.commands.arguments.parser import examples, later, typed
from server.commands.arguments.prove import RECORD_HELP, parse_record

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "disclose",
        description="Show the values to which a signed record has commitments (redaction = disclose), with the "
        "rule that replaced each, and its places in the record. Texts like commitments that the record does not "
        "list among those that the server has made were written by the sender, and are not values. Each value is "
        "checked against its commitment, and the record against its log. Asks a running server, with the role "
        "auditor or admin or, if the server needs no credentials, on its own machine (setting administration), or"
        " reads the storage directly with --storage. Exit status 1 if the record has no commitments, or if some "
        "of the values are erased or have expired.",
        epilog=examples("lognotary disclose shop/audit/node-1#64", variables=API_VARIABLES),
    )
    parser.add_argument("record", metavar="RECORD", type=typed(parse_record), help=RECORD_HELP)
    add_storage_flags(
        parser,
        key_help="with --storage: a trusted public key, PEM or C2SP verifier keys; may be repeated",
        data_dir_help="the server's data directory, for its public key",
    )
    add_address_flag(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=later("server.commands.disclose"))

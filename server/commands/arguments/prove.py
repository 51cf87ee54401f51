"""Arguments of ``lognotary prove``."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any
from uuid import UUID

from server.commands.arguments.options import API_VARIABLE, add_address_flag, add_storage_flags
from server.commands.arguments.parser import examples, later, typed

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "prove",
        description="Write an evidence bundle: a record, the proof that it is in a signed log, and how to check that "
        "without a server ('lognotary check' does it). Asks a running server, or reads the storage directly with "
        "--storage. Exit status 1, and no bundle, if the record does not exist or does not match what was signed.",
        epilog=examples("lognotary prove shop/audit/node-1#64 -o bundle", variables=[API_VARIABLE]),
    )
    parser.add_argument(
        "record",
        metavar="RECORD",
        type=typed(_parse_record),
        help="LOG#LEAF as shown by 'lognotary audit', such as shop/audit/node-1#64; LOG may also be the log's ID. "
        "Or the audit.record.id of an audit record that has a receipt",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        type=Path,
        help="new directory, or new file if it ends with .zip (default: a directory named after the record)",
    )
    add_storage_flags(
        parser,
        key_help="with --storage: a trusted public key, PEM or C2SP verifier keys; may be repeated",
        data_dir_help="the server's data directory, for its public key",
    )
    add_address_flag(parser)
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    parser.set_defaults(run=later("server.commands.prove"))


def _parse_record(text: str) -> tuple[str, int] | UUID:
    if "#" not in text:
        with contextlib.suppress(ValueError):
            return UUID(text)
    log, separator, leaf = text.rpartition("#")
    if not separator or not log or not (leaf.isascii() and leaf.isdigit()) or int(leaf[:20]) >= 1 << 63:
        raise ValueError(f"{text!r} is not a record: give LOG#LEAF, such as shop/audit/node-1#64")
    return log, int(leaf)

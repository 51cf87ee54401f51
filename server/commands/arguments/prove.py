"""Arguments of ``lognotary prove``."""

from __future__ import annotations

import argparse
import contextlib
import re
from pathlib import Path
from typing import Any
from uuid import UUID

from server.commands.arguments.options import API_VARIABLES, add_address_flag, add_storage_flags
from server.commands.arguments.parser import examples, later, typed

__all__ = ["RECORD_HELP", "add_parser", "parse_record"]

RECORD_HELP = (
    "LOG#LEAF as shown by 'lognotary audit', such as shop/audit/node-1#64; LOG may also be the log's ID. Or the "
    "audit.record.id of an audit record that has a receipt"
)
_CHOICE = re.compile(r"[a-z0-9_.]{1,64}")


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "prove",
        description="Write an evidence bundle: a record, the proof that it is in a signed log, and how to check that "
        "without a server ('lognotary check' does it). Asks a running server, or reads the storage directly with "
        "--storage. Exit status 1, and no bundle, if the record does not exist or does not match what was signed.",
        epilog=examples(
            "lognotary prove shop/audit/node-1#64 -o bundle",
            "lognotary prove shop/audit/node-1#64 -o record.html   # opens in a browser, by a double click",
            "lognotary prove shop/audit/node-1#64 -o bundle --disclose key.custom   # with values of this rule",
            variables=API_VARIABLES,
        ),
    )
    parser.add_argument(
        "record",
        metavar="RECORD",
        type=typed(parse_record),
        help=RECORD_HELP,
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        type=Path,
        help="new directory; or new file if it ends with .zip, or with .html for a page that shows the record and "
        "checks itself in a browser without a network (default: a directory named after the record)",
    )
    what = "'all', a rule such as key.password, or the digits of a commitment (or their beginning); may be repeated"
    parser.add_argument(
        "--disclose",
        metavar="WHAT",
        type=typed(_parse_choice),
        action="append",
        default=[],
        help="open values to which the record has commitments, so that whoever has the bundle can read and check them: "
        f"{what} (default: all stay closed). From a server, takes the role auditor or admin or, if "
        "it needs no credentials, its own machine (setting administration)",
    )
    parser.add_argument(
        "--keep-closed",
        metavar="WHAT",
        type=typed(_parse_choice),
        action="append",
        default=[],
        help="with --disclose: leave these closed, in the same form",
    )
    parser.add_check(_check_choices)
    add_storage_flags(
        parser,
        key_help="with --storage: a trusted public key, PEM or C2SP verifier keys; may be repeated",
        data_dir_help="the server's data directory, for its public key",
    )
    add_address_flag(parser)
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    parser.set_defaults(run=later("server.commands.prove"))


def _parse_choice(text: str) -> str:
    if not _CHOICE.fullmatch(text.lower()):
        raise ValueError(f"{text!r} is not 'all', a rule of redaction, or hexadecimal digits of a commitment")
    return text.lower()


def _check_choices(options: argparse.Namespace) -> None:
    if options.keep_closed and not options.disclose:
        raise ValueError("--keep-closed requires --disclose: without it, all values stay closed")


def parse_record(text: str) -> tuple[str, int] | UUID:
    """Return the log and leaf of a record, or its ``audit.record.id``; raises ValueError."""
    if "#" not in text:
        with contextlib.suppress(ValueError):
            return UUID(text)
    log, separator, leaf = text.rpartition("#")
    if not separator or not log or not (leaf.isascii() and leaf.isdigit()) or int(leaf[:20]) >= 1 << 63:
        raise ValueError(f"{text!r} is not a record: give LOG#LEAF, such as shop/audit/node-1#64")
    return log, int(leaf)

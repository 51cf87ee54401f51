"""Arguments of ``lognotary checkpoint``."""

from __future__ import annotations

import argparse
from typing import Any

from server.commands.arguments.options import API_VARIABLES, add_api_flag, add_storage_flags
from server.commands.arguments.parser import examples, later, typed

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "checkpoint",
        description="Print a log's checkpoint as it was signed, the latest unless --size is given. Keep it outside the "
        "storage: later, 'lognotary verify --checkpoint FILE' shows that nothing before it was changed or cut off. "
        "Asks a running server, or reads the storage directly with --storage. Exit status 1 if there is no such "
        "checkpoint.",
        epilog=examples(
            "lognotary checkpoint --list",
            "lognotary checkpoint --log shop/audit/node-1 -o kept",
            "lognotary checkpoint --list --origins -o logs.txt",
            "lognotary checkpoint --list --storage http://auditor@clickhouse:8123/lognotary --public-key key.pem",
            variables=API_VARIABLES,
        ),
    )
    parser.add_argument(
        "--log", metavar="LOG", default="", help="origin or ID of the log; required if there are several"
    )
    parser.add_argument("--size", metavar="N", type=typed(_size), default=0, help="the checkpoint after N entries")
    parser.add_argument(
        "--statement",
        action="store_true",
        help="print the last statement about the log instead: a checkpoint with the time at which it was signed",
    )
    parser.add_argument("--list", action="store_true", help="list all logs instead")
    parser.add_argument(
        "--origins",
        action="store_true",
        help="with --list: only the origins, one on a line, to be kept for 'lognotary verify --logs-file FILE'",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write to this file instead; if there is nothing to write, leave it as it is",
    )
    add_storage_flags(
        parser,
        key_help="with --storage: a trusted public key, PEM or C2SP verifier keys; may be repeated",
        data_dir_help="the server's data directory, for its public key",
    )
    add_api_flag(parser)
    parser.add_check(_check)
    parser.set_defaults(run=later("server.commands.checkpoint"))


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) < 1 << 63):
        raise ValueError(f"{text!r} is not a number of entries: give a whole number of at least 1")
    return int(text)


def _check(options: argparse.Namespace) -> None:
    if options.output and options.json:
        raise ValueError("--output writes a checkpoint, a statement, or the --origins: do not combine it with --json")
    if options.output and options.list and not options.origins:
        raise ValueError("--output with --list writes the names of the logs: add --origins")
    if options.origins and (options.json or not options.list):
        raise ValueError("--origins requires --list, and excludes --json")
    if options.list and (options.log or options.size or options.statement):
        raise ValueError("--list lists all logs: do not combine it with --log, --size or --statement")
    if options.statement and options.size and not options.json:
        raise ValueError("--statement prints the last statement: do not combine it with --size")

"""Arguments of ``lognotary verify``."""

from __future__ import annotations

import argparse
import re
import time
from typing import Any

from server.commands.arguments.options import (
    API_VARIABLES,
    add_acknowledgement_flags,
    add_api_flag,
    add_range,
    add_storage_flags,
    add_utc_flag,
)
from server.commands.arguments.parser import examples, later, typed
from server.errors.suggestions import not_one_of
from server.notary.origin import Stream
from server.settings.moments import Moment, parse_moment
from server.settings.values import read_list

__all__ = ["MAY_BE_UNSIGNED", "add_parser"]

MAY_BE_UNSIGNED = tuple(stream.value for stream in Stream if stream is not Stream.AUDIT)
"""Streams that need not be signed."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        description="Verify all batches and records, or those in a time range, and name all that do not match what was "
        "signed. Asks a running server, or with --storage reads the storage directly and trusts no server. "
        "Storage that was emptied cannot show what it had: name the logs that must be there with --log, or give a "
        "kept checkpoint. Exit status 1 if there is a finding that nobody has acknowledged, or nothing to verify: no "
        "log, or nothing that was received in the range. A check that is left out because a user of ClickHouse lacks a "
        "right is a warning, and does not change the exit status.",
        epilog=examples(
            "lognotary verify                       # asks the server",
            "lognotary verify --since 1d            # only what was received since yesterday",
            "lognotary verify --storage http://reader@clickhouse:8123/lognotary --public-key key.pem --checkpoint kept",
            variables=API_VARIABLES,
        ),
    )
    add_storage_flags(
        parser,
        key_help="a trusted public key: PEM, or C2SP verifier keys; may be repeated",
        data_dir_help="the server's data directory, for its public key and last checkpoints",
    )
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        action="append",
        default=[],
        help="an earlier signed checkpoint that the log must be consistent with: without one, nothing shows that "
        "records were cut off at the end; may be repeated",
    )
    add_acknowledgement_flags(parser)
    parser.add_argument(
        "--log",
        metavar="LOG",
        action="append",
        default=[],
        help="origin or ID of a log that must be there and have an entry; may be repeated",
    )
    parser.add_argument(
        "--logs-file",
        metavar="FILE",
        action="append",
        default=[],
        help="file of such logs, one on a line, as 'lognotary checkpoint --list --origins' prints them",
    )
    add_range(
        parser,
        "only what was received since this time, from the last statement before it on, whose time is signed",
        "only what was received before this time, up to a checkpoint after which a signed statement excludes it",
    )
    parser.add_argument(
        "--resume",
        metavar="FILE",
        help="continue where a verification with this file ended or was interrupted, and read no entry before; the "
        "file is created and updated",
    )
    parser.add_argument(
        "--compromised",
        type=typed(_parse_mark),
        metavar="KEY=TIME",
        action="append",
        default=[],
        help="fingerprint of a compromised key, and since when; later signatures are findings; may be repeated",
    )
    parser.add_argument(
        "--lookups",
        type=typed(_parse_lookups),
        metavar="N|all",
        default=None,
        help="records of each log that are looked up by trace, actor, target and source as answers look them up, and "
        "must be found: a number of records drawn at random, or all audit records, at some 20 ms each (default: 2)",
    )
    parser.add_argument(
        "--unsigned-streams",
        type=typed(_parse_streams),
        metavar="LIST",
        default=(),
        help="streams that are not signed (operational, spans), separated by commas: their records outside logs are "
        "not a finding; a server knows which of its own streams are not signed (--signed-streams)",
    )
    add_utc_flag(parser)
    add_api_flag(
        parser,
        json_help="print an object a line (protobuf's JSON mapping), each with one member: progress, finding, expired "
        "(records that retention has dropped), and on the last line summary",
    )
    parser.add_check(_check)
    parser.set_defaults(run=later("server.commands.verify"))


def _parse_mark(text: str) -> tuple[str, Moment]:
    name, _, since = text.partition("=")
    if not re.fullmatch("[0-9a-f]{16}", name):
        raise ValueError(f"{text!r} is not a fingerprint and a time, such as 0123456789abcdef=2026-01-31T12:00:00Z")
    return name, parse_moment(since)


def _parse_streams(text: str) -> tuple[str, ...]:
    names = read_list(text.lower())
    for name in names:
        if name not in MAY_BE_UNSIGNED:
            is_audit = name == Stream.AUDIT.value
            raise ValueError("audit records are always signed" if is_audit else not_one_of(name, MAY_BE_UNSIGNED))
    return names


def _parse_lookups(text: str) -> int | str:
    """Return the number of records, or ``all`` for all audit records."""
    if text == "all":
        return text
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise ValueError(f"{text!r} is neither a number of records nor 'all'")
    return int(text)


def _check(options: argparse.Namespace) -> None:
    if options.resume and (options.since or options.until):
        raise ValueError("--resume verifies whole logs: do not combine it with --since or --until")
    if options.since and options.since.nanos > time.time_ns():
        raise ValueError("--since is in the future, so nothing can have been received after it yet")
    if ahead := next((name for name, since in options.compromised if since.nanos > time.time_ns()), ""):
        raise ValueError(
            f"--compromised {ahead}: the time is in the future, so nothing can have been signed since then"
        )
    names = [name for name, _ in options.compromised]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise ValueError(f"--compromised names the key {twice} twice: give it once, with the earlier time")

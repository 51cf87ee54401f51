"""Options of the commands that show records: the query, streams, the number of records, and their source."""

from __future__ import annotations

from functools import partial

from server.commands.arguments.options import add_api_flag, add_csv_flag, add_range, add_storage_flags, add_utc_flag
from server.commands.arguments.parser import CommandParser, typed
from server.notary.origin import Stream
from server.settings.moments import parse_moment
from server.settings.values import read_choice, read_count

__all__ = [
    "DEFAULT_LIMIT",
    "PROOF",
    "add_complete_flags",
    "add_event_range",
    "add_query",
    "add_reading_flags",
    "add_source_flags",
    "add_storage_source",
    "add_stream_flag",
]

PROOF = (
    "cannot be proved: it was tampered with, or never signed. Only stored records can be shown: 'lognotary verify' "
    "shows whether one is missing."
)
"""End of the descriptions."""

_STREAMS = tuple(stream.value for stream in Stream)


DEFAULT_LIMIT = 100
"""Number of records that a command with ``add_complete_flags`` shows without it."""


def add_query(parser: CommandParser, help_text: str) -> None:
    """Add the query: any number of arguments."""
    parser.takes_query = True
    parser.add_argument(
        "query",
        nargs="*",
        default=[],
        metavar="QUERY",
        help=f"{help_text}; several arguments are one query, with spaces between them",
    )


def add_stream_flag(parser: CommandParser, place: str) -> None:
    """Add ``--stream`` for records at a place, which is the end of a sentence."""
    parser.add_argument(
        "--stream",
        metavar="|".join(_STREAMS),
        type=typed(partial(read_choice, valid=_STREAMS)),
        help=f"only audit events, only operational logs, or only spans{place} (default: audit events and logs)",
    )


def add_event_range(parser: CommandParser, noun: str, *, ends: bool = False) -> None:
    """Add ``--since`` and ``--until`` for records of which a plural noun is given.

    Args:
        parser: the parser of the command.
        noun: the noun.
        ends: True if the range ends soon after now by default.
    """
    default = (
        " (default: a full hour, one to two hours after now; a note says how many are dated later)" if ends else ""
    )
    add_range(
        parser,
        f"only {noun} whose own time is not before this ('lognotary verify' has times of receipt)",
        f"only {noun} whose own time is before this{default}",
    )


def add_complete_flags(parser: CommandParser, noun: str) -> None:
    """Add ``--complete``, and the options that belong to it, for records with this plural noun."""
    complete = parser.add_argument_group("complete answers (evidence.md)")
    complete.add_argument(
        "--complete",
        action="store_true",
        help=f"leave no record out, even if it is hidden from searches: read all {noun} received from --since on, "
        "check them against the signed logs, and evaluate the query without the storage; "
        "exit status 1 if one is missing",
    )
    complete.add_argument(
        "--received-since",
        metavar="TIME",
        type=typed(parse_moment),
        help=f"with --complete: only {noun} received at this time or later (default: --since)",
    )
    complete.add_argument(
        "--received-until",
        metavar="TIME",
        type=typed(parse_moment),
        help=f"with --complete: only {noun} received before this time (default: now)",
    )
    complete.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="FILE",
        help="with --complete: an earlier signed checkpoint that a log must extend: without one, only the "
        "checkpoints that a server remembers show that a log was cut off at its end; may be repeated",
    )
    parser.add_argument(
        "--limit",
        type=typed(read_count),
        metavar="N",
        help=f"maximum number of {noun} (default: {DEFAULT_LIMIT}; with --complete, all)",
    )


def add_reading_flags(parser: CommandParser, *, noun: str = "", limit: int = 0) -> None:
    """Add the other options; ``--limit`` with a default number of what a plural noun says."""
    if limit:
        parser.add_argument(
            "--limit",
            type=typed(read_count),
            default=limit,
            metavar="N",
            help=f"maximum number of {noun} (default: {limit})",
        )
    parser.add_argument("-v", "--verbose", action="store_true", help="show attributes, and texts in full")
    parser.add_argument("--no-pager", action="store_true", help="do not use $PAGER on a terminal")
    parser.add_argument("--signatures-only", action="store_true", help="faster: do not hash the records again")
    add_source_flags(parser)


def add_source_flags(parser: CommandParser) -> None:
    """Add ``--utc``, the storage to read, the server to ask, ``--json`` and ``--csv``."""
    add_utc_flag(parser)
    add_storage_source(parser)
    add_api_flag(parser)
    add_csv_flag(parser)


def add_storage_source(parser: CommandParser) -> None:
    """Add the storage to read, and the keys to trust for it."""
    add_storage_flags(
        parser,
        key_help="with --storage: a trusted public key, PEM or C2SP verifier keys; may be repeated",
        data_dir_help="the server's data directory, for its public key",
    )

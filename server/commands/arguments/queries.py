"""Arguments of commands that take a query."""

from __future__ import annotations

from functools import partial

from server.commands.arguments.options import add_api_flag, add_range, add_storage_flags
from server.commands.arguments.parser import CommandParser, typed
from server.notary.origin import Stream
from server.settings.values import read_choice

__all__ = ["add_query_flags", "add_source_flags"]

_STREAMS = tuple(stream.value for stream in Stream)


def add_query_flags(parser: CommandParser) -> None:
    """Add the query, the streams and the range of time."""
    parser.add_argument(
        "query",
        nargs="*",
        metavar="QUERY",
        help="the query; several arguments are one query, with spaces between them; without any, all records",
    )
    parser.add_argument(
        "--stream",
        metavar="|".join(_STREAMS),
        type=typed(partial(read_choice, valid=_STREAMS)),
        help="only audit events, only operational logs, or only spans (default: audit events and logs)",
    )
    add_range(
        parser,
        "only records whose own time is not before this ('lognotary verify' has times of receipt)",
        "only records whose own time is before this",
    )


def add_source_flags(parser: CommandParser) -> None:
    """Add the storage to read, and the server to ask."""
    add_storage_flags(
        parser,
        key_help="with --storage: a trusted public key, PEM or C2SP verifier keys; may be repeated",
        data_dir_help="the server's data directory, for its public key",
    )
    add_api_flag(parser)

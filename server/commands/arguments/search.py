"""Arguments of ``lognotary search``."""

from __future__ import annotations

from functools import partial
from typing import Any

from server.commands.arguments.options import API_VARIABLE, add_api_flag, add_range, add_storage_flags
from server.commands.arguments.parser import examples, later, typed
from server.notary.origin import Stream
from server.settings.values import read_choice, read_count

__all__ = ["add_parser"]

_STREAMS = tuple(stream.value for stream in Stream)


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "search",
        description='Search audit events and logs, or spans, by a query, latest first: words and "phrases" of bodies, '
        "field:value, ranges, wildcards, AND, OR and NOT. Asks a running server, or reads the storage directly with "
        "--storage. Exit status 1 if no record matches, or one cannot be proved: it was tampered with, or never "
        "signed. Only stored records can be shown: whether one is missing is what 'lognotary verify' tells.",
        epilog=examples(
            "lognotary search 'order refused severity:>=error' --since 2h",
            "lognotary search 'actor:alice action:user.* -outcome:success'",
            "lognotary search 'http.status_code:[500 TO 599] service:shop' --stream operational --count",
            "lognotary search 'status:Error duration:>1000000000' --stream spans    # of more than a second",
            "lognotary search -- '-evidence:verified'    # a query that begins with '-' comes after '--'",
            variables=[API_VARIABLE],
        ),
    )
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
    parser.add_argument("--oldest-first", action="store_true", help="show the oldest records first")
    parser.add_argument("--count", action="store_true", help="also count all records that match, up to a million")
    parser.add_argument(
        "--limit", type=typed(read_count), default=100, metavar="N", help="maximum number of records (default: 100)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show attributes, and bodies in full")
    parser.add_argument("--no-pager", action="store_true", help="do not use $PAGER on a terminal")
    parser.add_argument("--signatures-only", action="store_true", help="faster: do not hash the records again")
    add_storage_flags(
        parser,
        key_help="with --storage: a trusted public key, PEM or C2SP verifier keys; may be repeated",
        data_dir_help="the server's data directory, for its public key",
    )
    add_api_flag(parser)
    parser.set_defaults(run=later("server.commands.search"))

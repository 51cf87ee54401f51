"""Arguments of ``lognotary tail``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLES, add_api_flag, add_utc_flag
from server.commands.arguments.parser import examples, later, typed
from server.commands.arguments.reading import add_query, add_stream_flag
from server.settings.values import read_count

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "tail",
        description="Show the records of a query as they are committed, a second later at most, until Ctrl-C. Asks a "
        "running server, which shows what all servers and workers on its storage commit. If the connection is lost, "
        "the tail reconnects and resumes where it was: no record is shown twice, and none is left out. If more "
        "records are committed than can be shown, or retention has dropped some, the tail reports which ones. "
        "A tail follows signed logs: streams that are not signed ('--signed-streams') are in no tail.",
        epilog=examples(
            "lognotary tail 'severity:>=error'",
            "lognotary tail actor:alice --stream audit",
            "lognotary tail --json --cursor-file position.txt | forward    # resumes where it ended",
            variables=API_VARIABLES,
        ),
    )
    add_query(parser, "the query, as for 'lognotary search'; without any, all records")
    add_stream_flag(parser, "")
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--cursor", metavar="CURSOR", help="resume after the answer of --json that has this cursor (default: begin now)"
    )
    group.add_argument(
        "--cursor-file",
        metavar="FILE",
        help="keep the position in this file, and resume from it if the file exists",
    )
    parser.add_argument(
        "--most-behind",
        metavar="N",
        type=typed(read_count),
        help="number of committed records that the tail may be behind before it leaves records out, and reports them "
        "(default: 100000)",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show attributes, and texts in full")
    parser.add_argument("--signatures-only", action="store_true", help="faster: do not hash the records again")
    add_utc_flag(parser)
    add_api_flag(parser)
    parser.set_defaults(run=later("server.commands.tail"))

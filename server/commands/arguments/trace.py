"""Arguments of ``lognotary trace``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLES, add_api_flag, add_csv_flag, add_utc_flag
from server.commands.arguments.parser import examples, later, typed
from server.commands.arguments.reading import add_event_range
from server.settings.values import read_count

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "trace",
        description="Show a trace's audit events, logs and spans as one timeline, with one verdict on the evidence of "
        "all records, and a mark at each that differs. Exit status 1 if the trace is unknown, no entry matches the "
        "filters, or a record cannot be proved: it was tampered with, or never signed. Only stored records can be "
        "shown: 'lognotary verify' shows whether one is missing.",
        epilog=examples(
            "lognotary trace 4bf92f3577b34da6a3ce929d0e0e4736",
            "lognotary trace 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01   # traceparent",
            "lognotary trace --errors --service shop 4bf92f3577b34da6a3ce929d0e0e4736",
            "lognotary trace 1-5759e988-bd862e3fe1be46a994272793                        # X-Ray",
            variables=API_VARIABLES,
        ),
    )
    parser.add_argument(
        "trace_id",
        metavar="TRACE_ID",
        help="32 hexadecimal digits, also with 0x or as a UUID ({…}, urn:uuid:…); a traceparent; or as X-Ray, B3 or "
        "Google Cloud write it",
    )
    parser.add_argument(
        "--errors", action="store_true", help="show only errors: of logs, of spans, and audit events that failed"
    )
    parser.add_argument("--audit", action="store_true", help="show only audit events")
    parser.add_argument(
        "--service", metavar="NAME", action="append", default=[], help="show only this service; may be repeated"
    )
    add_event_range(parser, "entries")
    parser.add_argument("-v", "--verbose", action="store_true", help="show bodies and attributes, in full")
    parser.add_argument(
        "--limit",
        type=typed(read_count),
        default=10_000,
        metavar="N",
        help="number of the first logs, and spans, that are read; all audit events are read (default: %(default)s)",
    )
    parser.add_argument("--no-pager", action="store_true", help="do not use $PAGER on a terminal")
    parser.add_argument("--signatures-only", action="store_true", help="faster: do not hash the records again")
    add_utc_flag(parser)
    add_api_flag(parser)
    add_csv_flag(parser)
    parser.set_defaults(run=later("server.commands.trace"))

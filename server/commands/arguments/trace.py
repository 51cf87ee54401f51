"""Arguments of ``lognotary trace``."""

from __future__ import annotations

from typing import Any

from server.commands.arguments.options import API_VARIABLE, add_api_flag
from server.commands.arguments.parser import examples, later

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "trace",
        description="Show a trace's audit events, logs and spans as one timeline. Each record has an evidence state: "
        "verified, signed, unsigned or tampered. Exit status 1 if the trace is unknown, a record was tampered with, or "
        "there are more that cannot be proved.",
        epilog=examples(
            "lognotary trace 4bf92f3577b34da6a3ce929d0e0e4736",
            "lognotary trace 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01   # traceparent",
            "lognotary trace 1-5759e988-bd862e3fe1be46a994272793                        # X-Ray",
            variables=[API_VARIABLE],
        ),
    )
    parser.add_argument(
        "trace_id",
        metavar="TRACE_ID",
        help="32 hexadecimal digits, also as a UUID or with 0x; a traceparent; or an X-Ray trace ID",
    )
    parser.add_argument("--signatures-only", action="store_true", help="faster: do not hash the records again")
    add_api_flag(parser)
    parser.set_defaults(run=later("server.commands.trace"))

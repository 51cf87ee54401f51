"""``lognotary trace``: a trace as a timeline."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import grpc

from lognotary.v1 import correlation_pb2, correlation_pb2_grpc, evidence_pb2
from server.commands.api_client import add_api_flag, call, to_json
from server.commands.output import Style, say, say_json
from server.commands.render import trace_lines

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "trace",
        help="show a trace as a timeline",
        description="Show a trace's audit events, logs and spans as one timeline. Each record has an evidence state: "
        "verified, signed, unsigned or tampered. Exit status 1 if the trace is unknown, a record was tampered with, or "
        "there are more that cannot be proved.",
    )
    parser.add_argument("trace_id", metavar="TRACE_ID", help="32 hexadecimal digits")
    parser.add_argument("--signatures-only", action="store_true", help="faster: do not hash the records again")
    add_api_flag(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    request = correlation_pb2.GetTraceRequest(
        trace_id=options.trace_id,
        check=correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
    )

    def work(channel: grpc.Channel) -> int:
        trace = correlation_pb2_grpc.CorrelationServiceStub(channel).GetTrace(request)
        if options.json:
            say_json(to_json(trace))
        else:
            say(*trace_lines(trace, Style.of(sys.stdout)))
        tampered = any(
            getattr(entry, entry.WhichOneof("entry")).evidence.state == evidence_pb2.TAMPERED
            for entry in trace.entries
            if entry.WhichOneof("entry") != "span"
        )
        return 1 if tampered or trace.unproved_omitted else 0

    return call(options.api, work)

"""``lognotary trace``: a trace as a timeline."""

from __future__ import annotations

import argparse
import sys

import grpc

from lognotary.v1 import correlation_pb2, correlation_pb2_grpc, evidence_pb2
from server.commands.api_client import call, to_json
from server.commands.output import Style, say, say_json
from server.commands.render import trace_lines

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
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

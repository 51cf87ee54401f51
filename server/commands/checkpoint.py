"""``lognotary checkpoint``: print a log's signed checkpoint, to be kept elsewhere."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import grpc

from lognotary.v1 import evidence_pb2, evidence_pb2_grpc
from server.commands.api_client import add_api_flag, call, to_json

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "checkpoint",
        help="print a log's signed checkpoint",
        description="Print a log's checkpoint as it was signed, the latest unless --size is given. Keep it outside the "
        "storage: later, 'lognotary verify --checkpoint FILE' shows that nothing before it was changed or cut off. "
        "Exit status 1 if there is no such checkpoint.",
    )
    parser.add_argument(
        "--log", metavar="LOG", default="", help="origin or ID of the log; required if there are several"
    )
    parser.add_argument("--size", metavar="N", type=_size, default=0, help="the checkpoint after N entries")
    parser.add_argument(
        "--statement",
        action="store_true",
        help="print the last statement about the log instead: a checkpoint with the time at which it was signed",
    )
    parser.add_argument("--list", action="store_true", help="list all logs instead")
    add_api_flag(parser)
    parser.set_defaults(run=_run)


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) < 1 << 63):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of entries: give a whole number of at least 1")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    def work(channel: grpc.Channel) -> int:
        stub = evidence_pb2_grpc.EvidenceServiceStub(channel)
        if options.list:
            return _list(stub, options.json)
        log = options.log
        if not log:
            logs = stub.ListLogs(evidence_pb2.ListLogsRequest()).logs
            if len(logs) != 1:
                return _ask_which(logs)
            log = logs[0].log_id
        found = stub.GetCheckpoint(evidence_pb2.GetCheckpointRequest(log=log, tree_size=options.size))
        # As it is: the bytes are what was signed.
        note = found.last_statement if options.statement else found.checkpoint
        print(to_json(found) + "\n" if options.json else note, end="")
        return 0

    return call(options.api, work)


def _list(stub: evidence_pb2_grpc.EvidenceServiceStub, as_json: bool) -> int:
    found = stub.ListLogs(evidence_pb2.ListLogsRequest())
    if as_json:
        print(to_json(found))
    else:
        print("\n".join(_lines(found.logs)) if found.logs else "there are no logs yet")
    return 1 if not found.logs or any(log.problem for log in found.logs) else 0


def _ask_which(logs: Any) -> int:
    if not logs:
        print("lognotary: there are no logs yet", file=sys.stderr)
        return 1
    print("lognotary: there are several logs; select one with --log:", file=sys.stderr)
    print("\n".join(_lines(logs)), file=sys.stderr)
    return 2


def _lines(logs: Any) -> Iterator[str]:
    width = max(len(log.origin) for log in logs)
    for log in logs:
        yield f"{log.origin:{width}}  {log.log_id}  {log.tree_size:,} entries in {log.sequence:,} batches".rstrip()
        if log.problem:
            yield f"    ✘ {log.problem}"

"""``lognotary checkpoint``: print a log's signed checkpoint, to be kept elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import grpc

from lognotary.v1 import evidence_pb2, evidence_pb2_grpc
from server.commands.api_client import add_api_flag, call, to_json
from server.commands.output import complain, complain_lines, say, say_json, say_signed, shown
from server.settings.settings import ConfigError

__all__ = ["add_parser"]

_WIDEST = 80  # characters of the column of origins


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
    parser.add_argument(
        "--origins",
        action="store_true",
        help="with --list: only the origins, one on a line, to be kept for 'lognotary verify --logs-file FILE'",
    )
    add_api_flag(parser)
    parser.set_defaults(run=_run)


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) < 1 << 63):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of entries: give a whole number of at least 1")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    if options.origins and (options.json or not options.list):
        raise ConfigError("--origins requires --list, and excludes --json")

    def work(channel: grpc.Channel) -> int:
        stub = evidence_pb2_grpc.EvidenceServiceStub(channel)
        if options.list:
            return _list(stub, options)
        log = options.log
        if not log:
            found = stub.ListLogs(evidence_pb2.ListLogsRequest())
            if len(found.logs) != 1:
                return _ask_which(found)
            log = found.logs[0].log_id
        answer = stub.GetCheckpoint(evidence_pb2.GetCheckpointRequest(log=log, tree_size=options.size))
        # As it is: the bytes are what was signed.
        note = answer.last_statement if options.statement else answer.checkpoint
        if options.json:
            say_json(to_json(answer))
        else:
            say_signed(note)
        return 0

    return call(options.api, work)


def _list(stub: evidence_pb2_grpc.EvidenceServiceStub, options: argparse.Namespace) -> int:
    found = stub.ListLogs(evidence_pb2.ListLogsRequest())
    if options.origins:
        good = [log.origin for log in found.logs if not log.problem]
        if good:
            say(*good)
        for log in shown(found).logs:
            if log.problem:
                complain(f"{log.origin} is left out: {log.problem}")
    elif options.json:
        say_json(to_json(found))
    else:
        say(*_lines(found) if found.logs else ["there are no logs yet"])
    return 1 if not found.logs or any(log.problem for log in found.logs) else 0


def _ask_which(found: evidence_pb2.ListLogsResponse) -> int:
    if not found.logs:
        complain("there are no logs yet")
        return 1
    complain("there are several logs; select one with --log:")
    complain_lines(*_lines(found))
    return 2


def _lines(found: evidence_pb2.ListLogsResponse) -> Iterator[str]:
    logs = shown(found).logs
    width = min(_WIDEST, max(len(log.origin) for log in logs))
    for log in logs:
        yield f"{log.origin:{width}}  {log.log_id}  {log.tree_size:,} entries in {log.sequence:,} batches".rstrip()
        if log.problem:
            yield f"    ✘ {log.problem}"

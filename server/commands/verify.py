"""``lognotary verify``: verify stored records against what was signed."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import evidence_pb2, evidence_pb2_grpc
from server.api.backend import Backend
from server.api.errors import ApiError
from server.commands.api_client import add_api_flag, call, parse_time, to_json
from server.commands.local import add_storage_flags, data_dir, open_storage, read_text
from server.commands.log_names import read_log_names
from server.commands.output import Style, say, say_json
from server.commands.progress import ProgressBar
from server.commands.render import expired_line, finding_lines, summary_line
from server.commands.resume import ResumeFile
from server.commands.verification_steps import add_acknowledgement_flags, add_what_server_knows, given_acknowledgements
from server.notary.trust import TrustedKeys
from server.settings.settings import ConfigError

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        help="verify stored records against what was signed",
        description="Verify all batches and records, or those in a time range, and name all that do not match what was "
        "signed. Asks a running server, or with --storage reads the storage directly and trusts no server. "
        "Storage that was emptied cannot show what it had: name the logs that must be there with --log, or give a "
        "kept checkpoint. Exit status 1 if there is a finding that nobody has acknowledged, or nothing to verify.",
    )
    add_storage_flags(
        parser,
        key_help="a trusted public key: PEM, or C2SP verifier keys; may be repeated",
        data_dir_help="the server's data directory, for its public key and last checkpoints",
    )
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        action="append",
        default=[],
        help="an earlier signed checkpoint that the log must be consistent with; may be repeated",
    )
    add_acknowledgement_flags(parser)
    parser.add_argument(
        "--log",
        metavar="LOG",
        action="append",
        default=[],
        help="origin or ID of a log that must be there and have an entry; may be repeated",
    )
    parser.add_argument(
        "--logs-file",
        metavar="FILE",
        action="append",
        default=[],
        help="file of such logs, one on a line, as 'lognotary checkpoint --list --origins' prints them",
    )
    parser.add_argument(
        "--since",
        type=parse_time,
        metavar="TIME",
        help="only what was received since this time: from the last statement before it on, whose time is signed",
    )
    parser.add_argument(
        "--until",
        type=parse_time,
        metavar="TIME",
        help="only what was received before this time: up to a checkpoint after which a signed statement excludes it",
    )
    parser.add_argument(
        "--resume",
        metavar="FILE",
        help="continue where a verification with this file ended or was interrupted; the file is created and updated",
    )
    parser.add_argument(
        "--compromised",
        type=_parse_mark,
        metavar="KEY=TIME",
        action="append",
        default=[],
        help="fingerprint of a compromised key, and since when; later signatures are findings; may be repeated",
    )
    add_api_flag(parser)
    parser.set_defaults(run=_run)


def _parse_mark(text: str) -> tuple[str, Timestamp]:
    name, _, since = text.partition("=")
    if not re.fullmatch("[0-9a-f]{16}", name):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a fingerprint and a time, such as 0123456789abcdef=2026-01-31T12:00:00Z"
        )
    return name, parse_time(since)


def _run(options: argparse.Namespace) -> int:
    request = evidence_pb2.VerifyRequest(
        since=options.since,
        until=options.until,
        public_keys=[read_text(file) for file in options.public_key],
        checkpoints=[read_text(file) for file in options.checkpoint],
        compromised_keys=dict(options.compromised),
        acknowledgements=given_acknowledgements(options),
        acknowledgement_keys=[read_text(file) for file in options.acknowledgement_key],
        logs=[*options.log, *(log for file in options.logs_file for log in read_log_names(file))],
    )
    resume = ResumeFile.read(Path(options.resume)) if options.resume else None
    if resume is not None:
        if options.since or options.until:
            raise ConfigError("--resume verifies whole logs: do not combine it with --since or --until")
        request.resume.extend(resume.notes.values())
    if options.storage:
        if directory := data_dir(options):
            add_what_server_knows(request, directory)
        return _verify_storage(options, request, resume)

    def work(channel: grpc.Channel) -> int:
        return _show(evidence_pb2_grpc.EvidenceServiceStub(channel).Verify(request), options.json, resume)

    return call(options.api, work)


def _verify_storage(options: argparse.Namespace, request: evidence_pb2.VerifyRequest, resume: ResumeFile | None) -> int:
    with open_storage(options.storage) as engine:
        try:
            return _show(Backend(engine, TrustedKeys()).verify(request), options.json, resume)
        except ApiError as error:
            raise ConfigError(str(error)) from error


def _show(steps: Iterable[evidence_pb2.VerifyResponse], as_json: bool, resume: ResumeFile | None) -> int:
    style = Style.of(sys.stdout)
    bar = ProgressBar(sys.stderr) if sys.stderr.isatty() and not as_json else None
    failed = False
    for step in steps:
        kind = step.WhichOneof("step")
        new = kind == "finding" and not step.finding.HasField("acknowledgement")
        failed = failed or new or step.summary.nothing_verified
        if kind == "progress" and resume is not None:
            resume.keep(step.progress.origin, step.progress.checkpoint)
        if as_json:
            say_json(to_json(step, indent=None))
        elif kind == "progress":
            if bar is not None:
                bar.show(step.progress)
        else:
            if bar is not None:
                bar.clear()
            say(*_lines(step, style))
    return 1 if failed else 0


def _lines(step: evidence_pb2.VerifyResponse, style: Style) -> Iterable[str]:
    kind = step.WhichOneof("step")
    if kind == "finding":
        return finding_lines(step.finding, style)
    return [expired_line(step.expired) if kind == "expired" else summary_line(step.summary, style)]

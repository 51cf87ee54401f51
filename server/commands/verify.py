"""``lognotary verify``: verify stored records against what was signed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import grpc

from lognotary.v1 import evidence_pb2, evidence_pb2_grpc
from server.api.errors import ApiError
from server.commands.api_client import call, timestamp, to_json
from server.commands.given_files import GivenFiles, read_acknowledgement_keys, read_public_keys
from server.commands.local import data_dir
from server.commands.log_names import read_log_names
from server.commands.output import Style, say, say_json
from server.commands.progress import ProgressBar
from server.commands.render import expired_line, finding_lines
from server.commands.resume import ResumeFile
from server.commands.sources import prepare_to_ask_server
from server.commands.verdict import summary_lines
from server.commands.verification_steps import add_what_server_knows
from server.settings.errors import ConfigError

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if not options.storage:
        prepare_to_ask_server(options, takes_keys=True)
    given = GivenFiles()
    request = evidence_pb2.VerifyRequest(
        since=options.since and timestamp(options.since),
        until=options.until and timestamp(options.until),
        public_keys=read_public_keys(options.public_key),
        checkpoints=given.read_checkpoints(options.checkpoint),
        compromised_keys={name: timestamp(since) for name, since in options.compromised},
        acknowledgements=given.read_acknowledgements(options.acknowledgements),
        acknowledgement_keys=read_acknowledgement_keys(options.acknowledgement_key),
        logs=[*options.log, *(log for file in options.logs_file for log in read_log_names(file))],
    )
    request.unsigned_streams.extend(options.unsigned_streams)
    if options.lookups == "all":
        request.all_audit_lookups = True
    elif options.lookups is not None:
        request.lookups = options.lookups
    resume = ResumeFile.read(Path(options.resume)) if options.resume else None
    if resume is not None:
        request.resume.extend(resume.notes.values())
    if options.storage:
        return _verify_storage(options, request, resume, given)

    def work(channel: grpc.Channel) -> int:
        return _show(evidence_pb2_grpc.EvidenceServiceStub(channel).Verify(request), options, resume)

    return call(options.api, work, explain=given.name)


def _verify_storage(
    options: argparse.Namespace,
    request: evidence_pb2.VerifyRequest,
    resume: ResumeFile | None,
    given: GivenFiles,
) -> int:
    from server.commands.stored import open_backend

    directory = data_dir(options)
    own = add_what_server_knows(request, directory) if directory else None
    with open_backend(options.storage, own) as backend:
        try:
            return _show(backend.verify(request), options, resume)
        except ApiError as error:
            raise ConfigError(given.name(str(error))) from error


def _show(steps: Iterable[evidence_pb2.VerifyResponse], options: argparse.Namespace, resume: ResumeFile | None) -> int:
    style = Style.of(sys.stdout, utc=options.utc)
    bar = ProgressBar(sys.stderr) if sys.stderr.isatty() and not options.json else None
    failed = False
    for step in steps:
        kind = step.WhichOneof("step")
        new = kind == "finding" and not step.finding.HasField("acknowledgement")
        failed = failed or new or step.summary.nothing_verified
        if kind == "progress" and resume is not None:
            resume.keep(step.progress.origin, step.progress.checkpoint)
        if options.json:
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
    return [expired_line(step.expired, style)] if kind == "expired" else summary_lines(step.summary, style)

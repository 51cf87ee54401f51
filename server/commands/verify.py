"""``lognotary verify``: check what is stored against what was signed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import grpc

from lognotary.v1 import evidence_pb2, evidence_pb2_grpc
from server.api.backend import Backend
from server.api.errors import ApiError
from server.commands.api_client import add_api_flag, call, parse_time, to_json
from server.commands.render import Style, finding_lines, progress_line, summary_line
from server.config import ConfigError
from server.datadir import read_checkpoints, read_public_key
from server.notary.trust import TrustedKeys
from storage.clickhouse import connect
from storage.errors import StorageConfigError
from storage.url import parse_storage_url

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        help="check what is stored against what was signed",
        description="Verify all batches and records, or those of a range of time, and name each that is not as it was "
        "signed. Asks a running server, or reads the storage itself with --storage: then no server is trusted. "
        "Exit status 1 if there is a finding.",
    )
    parser.add_argument("--storage", metavar="URL", help="read this storage: chdb:///path or http(s)://host:8123/db")
    parser.add_argument(
        "--public-key",
        metavar="FILE",
        action="append",
        default=[],
        help="a public key to believe: PEM, or C2SP verifier keys; may be given again",
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        default="data",
        help="with --storage: the server's directory, for its public key and last checkpoints",
    )
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        action="append",
        default=[],
        help="a signed checkpoint from earlier, which the log must go on from; may be given again",
    )
    parser.add_argument("--since", type=parse_time, metavar="TIME", help="only batches ingested at or after this")
    parser.add_argument("--until", type=parse_time, metavar="TIME", help="only batches ingested before this")
    add_api_flag(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    request = evidence_pb2.VerifyRequest(
        since=options.since,
        until=options.until,
        public_keys=[_read(file) for file in options.public_key],
        checkpoints=[_read(file) for file in options.checkpoint],
    )
    if options.storage:
        if not request.public_keys:
            request.public_keys.append(read_public_key(Path(options.data_dir)))
            request.checkpoints.extend(read_checkpoints(Path(options.data_dir)))
        return _verify_storage(options, request)

    def work(channel: grpc.Channel) -> int:
        return _show(evidence_pb2_grpc.EvidenceServiceStub(channel).Verify(request), options.json)

    return call(options.api, work)


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error


def _verify_storage(options: argparse.Namespace, request: evidence_pb2.VerifyRequest) -> int:
    try:
        url = parse_storage_url(options.storage)
    except StorageConfigError as error:
        raise ConfigError(f"--storage: {error}") from error
    engine = connect(url)
    try:
        return _show(Backend(engine, TrustedKeys()).verify(request), options.json)
    except ApiError as error:
        raise ConfigError(str(error)) from error
    finally:
        engine.close()


def _show(steps: Iterable[evidence_pb2.VerifyResponse], as_json: bool) -> int:
    style = Style.of(sys.stdout)
    live = sys.stderr.isatty() and not as_json
    findings = 0
    for step in steps:
        kind = step.WhichOneof("step")
        findings += kind == "finding"
        if as_json:
            print(to_json(step, indent=None), flush=True)
        elif kind == "progress" and live:
            print(f"\r\x1b[K{progress_line(step.progress)}", end="", file=sys.stderr, flush=True)
        elif kind != "progress":
            if live:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            lines = finding_lines(step.finding, style) if kind == "finding" else [summary_line(step.summary, style)]
            print("\n".join(lines), flush=True)
    return 1 if findings else 0

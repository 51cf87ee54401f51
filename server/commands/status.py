"""``lognotary status``: whether a server works, its logs, and its self-verification."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import grpc

from lognotary.v1 import evidence_pb2, status_pb2, status_pb2_grpc
from server.commands.api_client import call, to_json
from server.commands.output import Style, say, say_json, shown
from server.notary.counted import counted, entries_of

__all__ = ["is_good", "run", "status_lines"]

_WIDEST = 60  # characters of the column of origins


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""

    def work(channel: grpc.Channel) -> int:
        status = status_pb2_grpc.StatusServiceStub(channel).GetStatus(status_pb2.GetStatusRequest())
        if options.json:
            say_json(to_json(status))
        else:
            say(*status_lines(status, Style.of(sys.stdout, utc=options.utc)))
        return 0 if is_good(status) else 1

    return call(options.api, work)


def is_good(status: status_pb2.GetStatusResponse) -> bool:
    """Return whether a server is ready, and nothing is wrong with its rules and logs."""
    return not (
        status.not_ready
        or status.storage_problem
        or status.audit_rules_problem
        or any(log.problem for log in status.logs)
        or any(status.self_verification.findings.values())
    )


_ENCRYPTED = {"all": ", encrypted disks", "some": ", some disks are not encrypted"}


def status_lines(status: status_pb2.GetStatusResponse, style: Style) -> Iterator[str]:
    """Format the status of a server."""
    status = shown(status)
    yield f"server             Lognotary {status.version}, " + (
        style.paint(f"✘ not ready: {status.not_ready}", "31") if status.not_ready else style.paint("✔ ready", "32")
    )
    version = f", ClickHouse {status.storage_version}" if status.storage_version else ""
    encrypted = _ENCRYPTED.get(status.disk_encryption, "")
    yield f"storage            {status.storage}{version}{encrypted}"
    if status.storage_problem:
        yield style.paint(f"                   ✘ {status.storage_problem}", "31")
    yield f"self-verification  {_self_verification(status, style)}"
    if status.audit_rules_problem:
        problem = f"✘ not reloaded, older rules are in force: {status.audit_rules_problem}"
        yield f"audit rules        {style.paint(problem, '31')}"
    if status.unsigned_streams:
        yield f"not signed         {', '.join(status.unsigned_streams)}"
    if not status.logs:
        yield "logs               " + ("unknown" if status.storage_problem else "none yet")
        return
    yield "logs"
    width = min(_WIDEST, max(len(log.origin) for log in status.logs))
    for log in status.logs:
        yield f"  {log.origin:{width}}  {_size(log)}, last checkpoint {style.clock(log.ingested_at)}"
        if log.problem:
            yield style.paint(f"    ✘ {log.problem}", "31")


def _size(log: evidence_pb2.Log) -> str:
    return f"{entries_of(log.tree_size)} in {counted(log.sequence, 'batch', 'batches')}"


def _self_verification(status: status_pb2.GetStatusResponse, style: Style) -> str:
    if not status.HasField("self_verification"):
        return "off"
    state = status.self_verification
    findings = sum(state.findings.values())
    parts = [
        style.paint(f"✘ {counted(findings, 'finding')} ({', '.join(sorted(state.findings))})", "1;31")
        if findings
        else "no findings",
        f"last pass finished {style.clock(state.pass_finished)}"
        if state.HasField("pass_finished")
        else "no pass completed since the start",
    ]
    if state.is_behind:
        parts.append("a pass takes longer than the interval")
    return ", ".join(parts)

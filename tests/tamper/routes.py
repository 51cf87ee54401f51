"""The ways to verify a store: by a server's API, and by the command that reads storage itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from harness.lognotary_server import read_verification, run_lognotary
from lognotary.v1 import evidence_pb2 as pb
from server.api.backend import Backend
from server.notary.trust import TrustedKeys
from tests.tamper.store import NEXT_DAY, SECOND, START, Store

__all__ = ["EVERYTHING", "RANGES", "by_command", "by_server", "by_storage", "verified"]

_FOREVER = 9_000_000_000 * SECOND
EVERYTHING: dict[str, dict[str, int]] = {
    "whole": {},
    "since": {"since": START - 86_400 * SECOND},
    "until": {"since": START - 86_400 * SECOND, "until": _FOREVER},
}
"""Ranges of time that contain the whole store."""

RANGES: dict[str, dict[str, int]] = {**EVERYTHING, "second day": {"since": NEXT_DAY}}
"""Ranges of time that contain what was written last."""


def by_server(store: Store, **within: int) -> list[pb.Finding]:
    """Verify as a server does that has the keys."""
    return _findings(Backend(store.reader, store.keys).verify(_request((), within)))


def by_storage(store: Store, **within: int) -> list[pb.Finding]:
    """Verify as the command does that reads storage itself, with the keys in the request."""
    keys = "\n".join(str(key) for key in store.keys.named)
    return _findings(Backend(store.reader, TrustedKeys()).verify(_request([keys], within)))


def verified(store: Store, **within: int) -> list[pb.Finding]:
    """Verify both ways; return the findings after checking that they are the same."""
    found = by_server(store, **within)
    assert list(map(_named, by_storage(store, **within))) == list(map(_named, found))
    return found


def by_command(url: str, store: Store, directory: Path, *arguments: str) -> tuple[int, list[pb.Finding], str]:
    """Run ``lognotary verify --storage``; returns its exit status, its findings and what it printed to stderr."""
    keys = directory / "verifier-keys.txt"
    keys.write_text("".join(f"{key}\n" for key in store.keys.named))
    done = run_lognotary("verify", "--json", "--storage", url, "--public-key", str(keys), *arguments, cwd=directory)
    if done.returncode == 2:
        return 2, [], done.stderr
    return done.returncode, read_verification(done.stdout)[0], done.stderr


def _request(public_keys: Sequence[str], within: Mapping[str, int]) -> pb.VerifyRequest:
    request = pb.VerifyRequest(public_keys=public_keys)
    for field, nanos in within.items():
        getattr(request, field).CopyFrom(Timestamp(seconds=nanos // SECOND, nanos=nanos % SECOND))
    return request


def _findings(steps: Iterator[pb.VerifyResponse]) -> list[pb.Finding]:
    answers = list(steps)
    assert answers[-1].HasField("summary"), "verification did not come to its end"
    findings = [step.finding for step in answers if step.HasField("finding")]
    assert len(findings) == answers[-1].summary.findings
    return findings


def _named(finding: pb.Finding) -> tuple[Any, ...]:
    return finding.kind, finding.log_id, finding.batch_id, finding.leaf_index, finding.message

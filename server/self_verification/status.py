"""What self-verification says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from server.notary.findings import FindingKind
from server.process.metrics import GaugeSample

__all__ = ["SelfVerification", "gauges"]

_PREFIX = "lognotary_self_verification"


@dataclass(frozen=True, slots=True)
class SelfVerification:
    """How self-verification stands.

    Attributes:
        interval: seconds in which all that is stored is to be verified once.
        findings: by kind (``FindingKind``, or ``MORE``), how many stand: found in this walk, or in the last and not
            looked for again yet.
        unrecorded: how many of them are not acknowledged as audit records yet.
        walk_started: when this walk began, or the last one, in seconds since the epoch; None before the first.
        walk_finished: when the last walk ended that did, likewise; None where none has since the process began.
        walk_seconds: how long that took, with its rests; 0 before.
        walks: how many have ended since the process began.
        batches: how many were verified since then.
        records: likewise.
        busy_seconds: seconds of one thread that it took since then.
        is_behind: the walk takes longer than the interval.
    """

    interval: float
    findings: Mapping[str, int] = field(default_factory=dict)
    unrecorded: int = 0
    walk_started: float | None = None
    walk_finished: float | None = None
    walk_seconds: float = 0.0
    walks: int = 0
    batches: int = 0
    records: int = 0
    busy_seconds: float = 0.0
    is_behind: bool = False


def gauges(status: SelfVerification | None) -> Iterator[GaugeSample]:
    """Return self-verification's metrics; none where it is off."""
    if status is None:
        return
    # All kinds from the beginning: what appears only with a finding cannot be seen to rise.
    for kind in sorted({kind.value for kind in FindingKind} | status.findings.keys()):
        count = status.findings.get(kind, 0)
        yield f"{_PREFIX}_findings", "Current findings of self-verification, by kind", {"kind": kind}, count
    for name, help_text, value in (
        ("unrecorded_findings", "Findings that are not acknowledged as audit records yet", status.unrecorded),
        ("behind", "1 if a pass takes longer than the interval", status.is_behind),
        ("interval_seconds", "Interval in seconds at which the whole storage is verified", status.interval),
        ("walk_started_seconds", "Start of the last pass, in seconds since the epoch", status.walk_started),
        ("walk_finished_seconds", "End of the last completed pass, in seconds since the epoch", status.walk_finished),
        ("walk_seconds", "Duration of the last completed pass in seconds, pauses included", status.walk_seconds),
        ("walks", "Completed passes since the start", status.walks),
        ("records", "Records verified since the start", status.records),
        ("batches", "Batches verified since the start", status.batches),
        ("busy_seconds", "Seconds of work since the start, without pauses", status.busy_seconds),
    ):
        if value is not None:
            yield f"{_PREFIX}_{name}", help_text, {}, float(value)

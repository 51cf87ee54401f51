"""Status and metrics of self-verification."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from server.notary.findings import FindingKind
from server.process.metrics import GaugeSample

__all__ = ["SelfVerification", "gauges"]

_PREFIX = "lognotary_self_verification"


@dataclass(frozen=True, slots=True)
class SelfVerification:
    """Status of self-verification.

    Attributes:
        interval: seconds within which the whole storage is to be verified once.
        findings: current findings, by kind (``FindingKind``, or ``MORE``): found in this pass, or in the last and not
            checked again yet.
        unrecorded: number of current findings that are not acknowledged as audit records yet.
        walk_started: start of the current or last pass, in seconds since the epoch; None before the first.
        walk_finished: end of the last completed pass, in seconds since the epoch; None if this process completed none.
        walk_seconds: duration of the last completed pass, including pauses; 0 before the first.
        walks: number of passes completed by this process.
        batches: number of batches verified by this process.
        records: number of records verified by this process.
        expired: number of records that passes of this process found expired.
        busy_seconds: seconds of work of one thread in this process.
        is_behind: True if the pass takes longer than the interval.
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
    expired: int = 0
    busy_seconds: float = 0.0
    is_behind: bool = False


def gauges(status: SelfVerification | None) -> Iterator[GaugeSample]:
    """Return the metrics of self-verification; none if it is off."""
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
        (
            "walk_started_timestamp_seconds",
            "Start of the last pass, in seconds since the epoch; 0 before the first",
            status.walk_started or 0,
        ),
        (
            "walk_finished_timestamp_seconds",
            "End of the last completed pass, in seconds since the epoch; 0 before the first",
            status.walk_finished or 0,
        ),
        (
            "walk_duration_seconds",
            "Duration of the last completed pass in seconds, pauses included",
            status.walk_seconds,
        ),
        ("walks_total", "Completed passes since the start", status.walks),
        ("records_total", "Records verified since the start", status.records),
        ("expired_records_total", "Records that were found expired since the start", status.expired),
        ("batches_total", "Batches verified since the start", status.batches),
        ("busy_seconds_total", "Seconds of work since the start, without pauses", status.busy_seconds),
    ):
        yield f"{_PREFIX}_{name}", help_text, {}, float(value)

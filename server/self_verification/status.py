"""What self-verification says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["SelfVerification"]


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

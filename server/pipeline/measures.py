"""What the pipeline tells of itself, for whoever counts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["BatchMeasure", "MeasureBatch", "MeasureRequest", "RequestMeasure"]


@dataclass(frozen=True, slots=True)
class BatchMeasure:
    """What became of a batch.

    Attributes:
        records: how many it had.
        age: seconds between its first records and when it was closed.
        seconds: how long it then took until its senders could be told.
        kept: whether they were told OK.
    """

    records: int
    age: float
    seconds: float
    kept: bool


MeasureBatch = Callable[[BatchMeasure], None]
"""Called with every batch, on the event loop."""


@dataclass(frozen=True, slots=True)
class RequestMeasure:
    """What became of a request.

    Attributes:
        size: bytes of it, as it was received; 0 where none were read.
        outcome: "ok", or why it was refused.
        seconds: how long its sender waited for that.
    """

    size: int
    outcome: str
    seconds: float


MeasureRequest = Callable[[RequestMeasure], None]
"""Called with every request, on the event loop."""

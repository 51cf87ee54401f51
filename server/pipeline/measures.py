"""Measures of batches and requests, for metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["BatchMeasure", "MeasureBatch", "MeasureRequest", "RequestMeasure"]


@dataclass(frozen=True, slots=True)
class BatchMeasure:
    """Outcome of a batch.

    Attributes:
        records: number of records.
        age: seconds between the arrival of the first records and the closing of the batch.
        seconds: seconds between the closing of the batch and the answer to its senders.
        kept: True if the senders got OK.
    """

    records: int
    age: float
    seconds: float
    kept: bool


MeasureBatch = Callable[[BatchMeasure], None]
"""Function that is called with the measure of every batch, on the event loop."""


@dataclass(frozen=True, slots=True)
class RequestMeasure:
    """Outcome of a request.

    Attributes:
        size: bytes received; 0 if the body was not read.
        outcome: "ok", or the reason of the refusal.
        seconds: seconds that the sender waited for the answer.
        protocol: "grpc" or "http".
        service: what the request was for: "logs", another signal, or "other".
        denial: reason why its sender may not send it; empty for all other outcomes.
        peer: address of its sender, with the port; empty if it is not known.
        token: name and identifier of the token whose request was denied; empty if there is none, or an unknown one.
    """

    size: int
    outcome: str
    seconds: float
    protocol: str
    service: str = "logs"
    denial: str = ""
    peer: str = ""
    token: str = ""


MeasureRequest = Callable[[RequestMeasure], None]
"""Function that is called with the measure of every request, on the event loop."""

"""Messages between a server and its worker processes.

The server writes an order, one line, to the worker's standard input, and keeps it open: when it ends,
the worker stops, whether the server asks for that or is gone. The worker writes reports to its
standard output, one JSON object a line, as ``report_pipe`` brings them over.
"""

from __future__ import annotations

import base64
import json
import pickle
from dataclasses import asdict, dataclass

from server.settings.settings import Settings

__all__ = ["CANNOT_START", "REPORT_INTERVAL", "Order", "Report"]

REPORT_INTERVAL = 0.5
"""Seconds after which a worker that takes records reports again."""

CANNOT_START = 2
"""Exit status of a worker that would fail again if it were started again."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is to do.

    Attributes:
        number: its number, from 1.
        writer: the name it writes under.
        settings: the server's, with its data directory, and with the worker's share of the memory.
    """

    number: int
    writer: str
    settings: Settings

    def encode(self) -> bytes:
        """Return the order as a line. It has the storage's password, so it is nothing for a command line."""
        return base64.b64encode(pickle.dumps(self)) + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Order:
        """Read an order."""
        # Only the process that started this one can write here.
        order: Order = pickle.loads(base64.b64decode(line))  # noqa: S301
        return order


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says; the first without a failure says that it takes records.

    Attributes:
        not_ready: why it cannot commit records, empty if it can.
        failure: why it cannot start, and never will.
        metrics: what it counts of itself, in Prometheus' text format.
        signed_by: the fingerprints of the keys that sign all its logs, as storage has it; empty while that changes.
    """

    not_ready: str = ""
    failure: str = ""
    metrics: str = ""
    signed_by: str = ""

    def encode(self) -> bytes:
        """Return the report as a line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Report:
        """Read a report.

        Raises:
            ValueError: it is none.
        """
        try:
            return cls(**{name: str(value) for name, value in json.loads(line).items()})
        except (AttributeError, TypeError) as error:
            raise ValueError(f"not a report: {line[:100]!r}") from error

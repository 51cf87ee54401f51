"""The signals of OTLP that are received, each with requests of its own kind."""

from __future__ import annotations

from enum import Enum

__all__ = ["Signal"]


class Signal(Enum):
    """A signal; the value is its name in messages, and the last part of its path."""

    LOGS = "logs"
    TRACES = "traces"

"""ClickHouse's clock, by which records expire."""

from __future__ import annotations

import time

from storage.engine import Engine
from storage.errors import NotAppliedError
from storage.rowbinary import int64, read_one

__all__ = ["check_clock", "read_clock"]

_MOST_BEHIND = 86_400.0  # seconds


def read_clock(engine: Engine) -> float:
    """Return the time of storage's clock, in seconds since the epoch; raises StorageError."""
    rows = engine.query("SELECT toUnixTimestamp64Nano(now64(9))")
    return int(read_one(rows, int64)) / 1e9


def check_clock(engine: Engine) -> None:
    """Check that this machine's clock is not far behind storage's: records that seem old expire on arrival.

    Raises:
        NotAppliedError: the clock is too far behind.
        StorageError: storage cannot be reached.
    """
    behind = read_clock(engine) - time.time()
    if behind > _MOST_BEHIND:
        raise NotAppliedError(
            f"this machine's clock is {behind / 86_400:.1f} days behind storage's: records would expire on arrival. "
            "Correct this machine's clock"
        )

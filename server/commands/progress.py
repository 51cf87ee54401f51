"""Progress bar of verification on a terminal: progress, rate and remaining time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

from lognotary.v1 import evidence_pb2

__all__ = ["ProgressBar", "progress_line"]

_BAR = 24  # characters


class ProgressBar:
    """Progress bar that overwrites its own line."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Start the timer; ``clock`` returns seconds."""
        self._stream = stream
        self._clock = clock
        self._began = clock()

    def show(self, progress: evidence_pb2.VerifyProgress) -> None:
        """Show progress."""
        line = progress_line(progress, self._clock() - self._began)
        width = shutil.get_terminal_size().columns
        self._write(line[: max(1, width - 1)])

    def clear(self) -> None:
        """Clear the line for other output."""
        self._write("")

    def _write(self, line: str) -> None:
        self._stream.write(f"\r\x1b[K{line}")
        self._stream.flush()


def progress_line(progress: evidence_pb2.VerifyProgress, seconds: float) -> str:
    """Format progress as one line.

    Args:
        progress: the progress.
        seconds: elapsed time.
    """
    total = progress.total_records
    share = min(1.0, progress.records / total) if total else 1.0
    bar = ("█" * round(share * _BAR)).ljust(_BAR, "░")
    line = f"{bar} {share:4.0%}  {progress.records:,} of {total:,} records"
    if seconds > 0 and progress.records:
        rate = progress.records / seconds
        line += f"  {rate:,.0f}/s  {_duration((total - progress.records) / rate)} left"
    return line


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""CPU, memory and descriptors of a process, as the kernel counts them (proc(5))."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["cpu_seconds", "descriptors", "peak_resident", "resident"]

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, of a process and of those it started.

    The kernel counts all threads of a process, also those that have ended.
    """
    # After the name, which is in parentheses and may have any character in it.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    ticks = sum(map(int, fields[11:15]))  # utime, stime, and those of children that were waited for
    return ticks / _TICK + sum(map(cpu_seconds, _children(pid)))


def resident(pid: int) -> int:
    """Return the bytes that a process and those it started have in memory now."""
    return _status(pid, "VmRSS") + sum(map(resident, _children(pid)))


def peak_resident(pid: int) -> int:
    """Return the most bytes that a process alone ever had in memory."""
    return _status(pid, "VmHWM")


def descriptors(pid: int) -> int:
    """Return how many files a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended has no children
            yield from map(int, (task / "children").read_text(encoding="ascii").split())


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) << 10
    raise ValueError(f"the kernel does not tell {name} of process {pid}")

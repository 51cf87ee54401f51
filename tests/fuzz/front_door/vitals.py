"""Vitals of the server's process: its resources, and its log."""

from __future__ import annotations

import os
import re
import resource
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Vitals", "log_lines", "read_memory", "read_processor_seconds", "read_vitals", "unexpected"]

_PARTICULARS = re.compile(r"\d+(\.\d+)?|'[^']*'|\"[^\"]*\"")
_TIMESTAMP = re.compile(r"^\S+ \S+ ")

# What is no business of a log at this level, or a mistake in the server.
_TRACEBACK = "Traceback (most recent call last):"
# gRPC prints this past the log, where a client is gone just when it is answered.
_GONE = "grpc._cython.cygrpc.ExecuteBatchError:"
_WRONG = re.compile(
    r"Traceback|unexpected error|never retrieved|never awaited|ERROR|CRITICAL|Exception|Error:|assert|core dumped"
)


# Threads of Python, which have the name of the process, and of gRPC. ClickHouse gives its own others.
_THREADS = ("python", "lognotary", "event_engine", "grpc", "lifeguard")


@dataclass(frozen=True, slots=True)
class Vitals:
    """Resources of a process, without those of the embedded ClickHouse in it.

    Attributes:
        memory: resident memory (RSS) in bytes, including embedded ClickHouse.
        peak: peak resident memory in bytes.
        threads: number of threads.
        sockets: number of open sockets.
        files: number of other open files.
    """

    memory: int
    peak: int
    threads: int
    sockets: int
    files: int

    def __str__(self) -> str:
        return (
            f"{self.memory >> 20} MiB (at most {self.peak >> 20}), {self.threads} threads, "
            f"{self.sockets} sockets, {self.files} other files"
        )


def read_vitals(pid: int, storage: Path) -> Vitals:
    """Read them.

    Args:
        pid: the process.
        storage: directory of the embedded storage.

    Raises:
        FileNotFoundError: there is no such process.
    """
    process = Path(f"/proc/{pid}")
    status = dict(re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", (process / "status").read_text(encoding="utf-8")))
    targets = [target for entry in (process / "fd").iterdir() if (target := _target(entry))]
    sockets = sum(target.startswith("socket:") for target in targets)
    # It watches its own threads in /proc.
    of_storage = sum(target.startswith((f"{storage}/", "/proc/")) for target in targets)
    names = [_name(entry) for entry in (process / "task").iterdir()]
    return Vitals(
        int(status["VmRSS"]) << 10,
        int(status["VmHWM"]) << 10,
        sum(name.startswith(_THREADS) for name in names),
        sockets,
        len(targets) - sockets - of_storage,
    )


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""


def _name(entry: Path) -> str:
    try:
        return (entry / "comm").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
        return ""


def read_memory(pid: int) -> int:
    """Return the bytes of memory (RSS) of a process, which is cheaper than all vitals.

    Raises:
        FileNotFoundError: there is no such process.
    """
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * resource.getpagesize()


def read_processor_seconds(pid: int) -> float:
    """Return the seconds of processor time that a process has used.

    Raises:
        FileNotFoundError: there is no such process.
    """
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def log_lines(text: str) -> Counter[str]:
    """Count the lines of a log that say the same, but for numbers and what is quoted."""
    return Counter(_PARTICULARS.sub("N", _TIMESTAMP.sub("", line))[:160] for line in text.splitlines())


def unexpected(text: str) -> str:
    """Return the first lines of a log that should not be there, with what follows; empty if there are none."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        end = number + 1
        if lines[number] == _TRACEBACK:
            while end < len(lines) and lines[end].startswith(" "):
                end += 1
            end += 1  # the error itself
        if _WRONG.search(lines[number]) and not lines[min(end, len(lines)) - 1].startswith(_GONE):
            return "\n".join(lines[number : number + 40])
        number = end
    return ""

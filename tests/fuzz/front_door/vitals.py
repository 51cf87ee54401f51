"""What the server's process holds, and what it logs."""

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
    r"Traceback|unforeseen|never retrieved|never awaited|ERROR|CRITICAL|Exception|Error:|assert|core dumped"
)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a process holds.

    Attributes:
        memory: bytes of memory (RSS).
        peak: the most that it ever was.
        threads: threads.
        sockets: open sockets.
        files: other open files, those of the embedded storage among them.
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


def read_vitals(pid: int) -> Vitals:
    """Read them.

    Raises:
        FileNotFoundError: there is no such process.
    """
    status = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        if ":" in line
    )
    sockets = files = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            is_socket = entry.readlink().name.startswith("socket:")
        except FileNotFoundError:
            continue
        sockets += is_socket
        files += not is_socket
    kib = {name: int(status[name].split()[0]) << 10 for name in ("VmRSS", "VmHWM")}
    return Vitals(kib["VmRSS"], kib["VmHWM"], int(status["Threads"]), sockets, files)


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

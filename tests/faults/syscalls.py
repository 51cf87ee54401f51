"""Errors of a running process's system calls, and SIGKILL at them, by strace."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.waiting import wait_for

__all__ = ["Injection", "Tracer", "can_trace", "processes_of"]

_ATTACH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Injection:
    """Injection into a system call.

    Attributes:
        call: name of the system call.
        when: number of the calls of a thread that are affected, from 1, as strace's ``when=``: ``3``, ``2+``.
        error: error that is returned instead of making the call; empty for SIGKILL as the call begins.
        only_in: directory whose files are affected, if they exist when the injection begins; None for all files.
    """

    call: str
    when: str
    error: str = ""
    only_in: Path | None = None

    def __str__(self) -> str:
        return f"{self.error or 'SIGKILL'} at {self.call} {self.when}"


def can_trace() -> bool:
    """Return whether strace is installed."""
    return shutil.which("strace") is not None


class Tracer:
    """One strace on a process, its threads and its children."""

    def __init__(self, pids: list[int], injection: Injection, log: Path) -> None:
        """Attach to processes, and inject from now on.

        Args:
            pids: IDs of the processes.
            injection: the injection.
            log: file to which strace appends the calls.
        """
        what = f"error={injection.error}" if injection.error else "signal=SIGKILL"
        command = ["strace", "-f", "-qq", "-A", "-o", str(log), "-e", f"trace={injection.call}"]
        command += ["-e", f"inject={injection.call}:{what}:when={injection.when}"]
        for path in _files_below(injection.only_in) if injection.only_in else ():
            command += ["-P", str(path)]
        for pid in pids:
            command += ["-p", str(pid)]
        self._log = log
        self._logged = log.stat().st_size if log.exists() else 0
        self._pids = pids
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._wait_until_attached()

    def _wait_until_attached(self) -> None:
        def is_attached() -> bool:
            ended = self._process.poll() is not None  # with the processes, or for a reason that ``detach`` shows
            return ended or all(_tracer_of(pid) in (None, self._process.pid) for pid in self._pids)

        wait_for(is_attached)

    def injected(self) -> int:
        """Return the number of calls that got an error or SIGKILL so far."""
        return _count_injected(self._log, self._logged) if self._log.exists() else 0

    def detach(self) -> int:
        """Stop injecting, and return the number of calls that got an error or SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_ATTACH_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        return self.injected()


def processes_of(pid: int) -> list[int]:
    """Return the IDs of a process and its descendants."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children += map(int, task.read_text().split())
    return [pid, *(descendant for child in children for descendant in processes_of(child))]


def _tracer_of(pid: int) -> int | None:
    """Return the process that traces a process, 0 for none; None if there is no such process."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("TracerPid:")))


def _count_injected(log: Path, start: int) -> int:
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode(errors="replace").splitlines()
    # A call in which the process died has no result.
    return sum(line.endswith(("(INJECTED)", "= ?")) for line in lines)


def _files_below(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())

"""The processes of a server with workers."""

from __future__ import annotations

from pathlib import Path

from harness.lognotary_server import LognotaryServer

__all__ = ["is_worker", "worker_pids"]


def worker_pids(server: LognotaryServer) -> set[int]:
    """Return the processes of a server's workers."""
    return {
        int(status.parent.name)
        for status in Path("/proc").glob("[0-9]*/status")
        if f"\nPPid:\t{server.pid}\n" in _read(status) and is_worker(int(status.parent.name))
    }


def is_worker(pid: int) -> bool:
    """Return whether a process is a worker."""
    return "server.worker" in _read(Path(f"/proc/{pid}/cmdline"))


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:  # the process has ended
        return ""

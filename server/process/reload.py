"""Reload signal (SIGHUP), which makes a running server read its keys again."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import TextIO

__all__ = ["Reload", "signal_reload"]


class Reload(Enum):
    """Outcome of an attempt to send the reload signal to the server on a data directory.

    TOLD: a server is running there, and the signal was sent.
    NO_SERVER: no server is running there.
    NOT_TOLD: a server is running there, or may be, but it cannot be sent a signal from here.
    """

    TOLD = "told"
    NO_SERVER = "no server"
    NOT_TOLD = "not told"


def signal_reload(data_dir: Path) -> Reload:
    """Send the reload signal to the server on a data directory."""
    try:
        with (data_dir / "lock").open(encoding="ascii") as lock:
            if not _is_locked(lock):
                return Reload.NO_SERVER
            try:
                process = int(lock.read())
                if _may_hold(process, lock):
                    os.kill(process, signal.SIGHUP)
                    return Reload.TOLD
            except (OSError, ValueError):  # the process has just ended, or belongs to another user
                pass
            return Reload.NOT_TOLD if _is_locked(lock) else Reload.NO_SERVER
    except (FileNotFoundError, NotADirectoryError):
        return Reload.NO_SERVER
    except OSError:
        return Reload.NOT_TOLD


def _is_locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(lock, fcntl.LOCK_UN)
    return False


def _may_hold(process: int, lock: TextIO) -> bool:
    """Return whether a process may have the lock file open.

    In a container, the process ID in the lock file may belong to another process, which a SIGHUP would end.
    """
    try:
        return any(os.path.samestat(os.fstat(lock.fileno()), opened) for opened in _open_files(process))
    except PermissionError:  # sending the signal will show it
        return True
    except FileNotFoundError:  # the process does not exist, or the system has no /proc
        return not Path("/proc/self/fd").exists()


def _open_files(process: int) -> Iterator[os.stat_result]:
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        try:
            yield descriptor.stat()
        except FileNotFoundError:  # the descriptor was closed meanwhile
            continue

"""Tell a running server to read its keys again (SIGHUP)."""

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
    """Outcome of an attempt to tell the server on a data directory to read its keys again.

    TOLD: it runs, and was sent the signal.
    NO_SERVER: none runs there.
    NOT_TOLD: one runs there, or may run there, and cannot be sent a signal from here.
    """

    TOLD = "told"
    NO_SERVER = "no server"
    NOT_TOLD = "not told"


def signal_reload(data_dir: Path) -> Reload:
    """Tell the server on a data directory to read its keys again."""
    try:
        with (data_dir / "lock").open(encoding="ascii") as lock:
            if not _is_locked(lock):
                return Reload.NO_SERVER
            try:
                process = int(lock.read())
                if _may_hold(process, lock):
                    os.kill(process, signal.SIGHUP)
                    return Reload.TOLD
            except (OSError, ValueError):  # it has just ended, or is another user's
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
    """Return whether a process may have the lock's file open.

    In a container the number stands for another process than outside, which a SIGHUP would end.
    """
    try:
        return any(os.path.samestat(os.fstat(lock.fileno()), opened) for opened in _open_files(process))
    except PermissionError:  # sending it the signal will tell
        return True
    except FileNotFoundError:  # no such process, or a system without /proc
        return not Path("/proc/self/fd").exists()


def _open_files(process: int) -> Iterator[os.stat_result]:
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        try:
            yield descriptor.stat()
        except FileNotFoundError:  # it was closed meanwhile
            continue

"""The server that runs on a data directory, seen from a command."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path

__all__ = ["signal_reload"]


def signal_reload(data_dir: Path) -> bool:
    """Tell the server on a data directory to read its keys again.

    Returns:
        Whether one runs there.
    """
    try:
        with (data_dir / "lock").open(encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                os.kill(int(lock.read()), signal.SIGHUP)
                return True
    except (OSError, ValueError):  # there is no directory, or the server has just ended
        pass
    return False

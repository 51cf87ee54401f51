"""Ports for programs that cannot choose one of their own."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

_locks: list[int] = []  # descriptors, open until this process ends


def free_port() -> int:
    """Return a free port that no other process gets from here while this one runs.

    It is below the range that outgoing connections are given: one of those could be taken by any client while a
    killed server is down, or connect to itself.
    """
    choose = random.SystemRandom()
    while True:
        port = choose.randrange(20000, 32000)
        if not _take(port):
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def _take(port: int) -> bool:
    """Take a port for this process; False where it was taken before, by this one or by another test run."""
    directory = Path(tempfile.gettempdir()) / f"lognotary-ports-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(directory / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    _locks.append(lock)
    return True

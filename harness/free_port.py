"""Free ports for programs that cannot choose a port themselves."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

_locks: list[int] = []  # descriptors, open until this process ends


def free_port() -> int:
    """Return a free port, reserved for this process against other callers until this process ends.

    The port is below the range of ephemeral ports. A client could take an ephemeral port while a killed server is down,
    or connect to itself.
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
    """Reserve a port for this process; return False if this process or another test run has reserved it already."""
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

"""People who change something with a command, as the machine knows them."""

from __future__ import annotations

import os
import pwd
import socket

__all__ = ["changed_by"]


def changed_by() -> str:
    """Return who runs this command: ``alice on db1``, or ``root (sudo by alice) on db1``.

    It is what the machine states. Whoever is root there can state anything.
    """
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # no entry, as in containers
        name = f"uid {uid}"
    before = os.environ.get("SUDO_USER", "") if uid == 0 else ""
    return f"{name}{f' (sudo by {before})' if before else ''} on {socket.gethostname()}"

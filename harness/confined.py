"""The confinement of the image and of the systemd unit, without a container engine and without systemd."""

from __future__ import annotations

import ctypes.util
import os
import sys
from pathlib import Path

from harness.lacking import lacking, require_tools

__all__ = ["confined"]

_ROOT = Path(__file__).parents[1]
_CONFINE = Path(__file__).with_name("_confine.py")


def confined(unit: Path, writable: Path, new_root: Path) -> list[str]:
    """Return the command that runs another command as the server runs in the image and under its unit.

    It runs as the user of the image, without capabilities, on a read-only root that has the system, Python and this
    project, and with the filters of system calls of the unit. ``/tmp`` is empty. Skips or fails if that cannot be had.

    Args:
        unit: the systemd unit.
        writable: directory that the command may write to; it is given to the user of the image, with what it has.
        new_root: empty directory at which the read-only root is mounted; it is there for this command only.
    """
    require_tools("unshare", "systemd-analyze")
    if os.geteuid() != 0:
        lacking("only root can mount a read-only root")
    if ctypes.util.find_library("seccomp") is None:
        lacking("libseccomp is not installed")
    readable = sorted({_ROOT, Path(sys.prefix), Path(sys.base_prefix)} - {Path("/usr")})
    arguments = [unit, new_root, writable, *readable]
    confine = [sys.executable, "-I", "-S", str(_CONFINE), *map(str, arguments), "--"]
    return ["unshare", "--mount", "--propagation", "private", *confine]

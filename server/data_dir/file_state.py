"""The state of a file, by which a process that follows the file notices that it was changed or replaced."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["FileState", "file_state"]

FileState = tuple[int, int, int, int] | None
"""Inode, times of change of content and of status in nanoseconds, and size in bytes; None if there is no file."""


def file_state(file: Path) -> FileState:
    """Return the state of a file; None also if it cannot be reached."""
    try:
        found = os.stat(file)  # noqa: PTH116 - several times a second, in every process
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size

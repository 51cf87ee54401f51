"""Sentences about files that cannot be read or written, in words instead of Python's notation of errors."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = ["is_changeable", "is_exposed", "reason_of", "unreadable", "unwritable"]

_ADVICE = {
    errno.EACCES: "let this user write there, or give another path",
    errno.EPERM: "let this user write there, or give another path",
    errno.EROFS: "give another path",
    errno.ENOSPC: "free space on the disk",
    errno.EDQUOT: "free space on the disk",
}


def is_exposed(status: os.stat_result) -> bool:
    """Return whether others than a file's owner may read it."""
    # As ssh does: the mode of a file of another owner is their affair, such as of a secret that is mounted for a group.
    # But nobody may let everyone read it.
    others = stat.S_IRWXG | stat.S_IRWXO if status.st_uid == os.getuid() else stat.S_IRWXO
    return bool(status.st_mode & others)


def is_changeable(status: os.stat_result) -> bool:
    """Return whether others than this user and root may change a file."""
    foreign = status.st_uid not in (0, os.geteuid())
    return foreign or bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def reason_of(error: Exception) -> str:
    """Return the reason alone, such as "permission denied": neither a number nor the path."""
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        words = os.strerror(error.errno)
        return words[:1].lower() + words[1:]
    if isinstance(error, UnicodeError):
        return "it is not text in UTF-8"
    return str(error) or type(error).__name__


def unreadable(path: Path | str, error: Exception) -> str:
    """Return a sentence: why a file or directory cannot be read, and what to do."""
    if isinstance(error, FileNotFoundError):
        return f"there is no file {path}: check the path"
    if isinstance(error, IsADirectoryError):
        return f"{path} is a directory: name a file"
    if isinstance(error, PermissionError):
        return f"{path} cannot be read: permission denied; let this user read it"
    return f"{path} cannot be read: {reason_of(error)}"


def unwritable(path: Path | str, error: Exception) -> str:
    """Return a sentence: why a file or directory cannot be written, and what to do."""
    if isinstance(error, FileNotFoundError):
        return f"{path} cannot be written: there is no directory {Path(path).parent}; create it, or give another path"
    advice = _ADVICE.get(error.errno or 0, "") if isinstance(error, OSError) else ""
    return f"{path} cannot be written: {reason_of(error)}{'; ' if advice else ''}{advice}"

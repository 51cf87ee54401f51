"""The owner of the files of a server, as whom commands write them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["act_as_caller", "act_as_owner"]


def act_as_owner(file: Path) -> None:
    """Act as the owner of a file, or of the directory in which it will be, if this is root.

    The server must be able to read what is written. And its user, who can put links there, must not have root follow
    them.
    """
    if os.geteuid() == 0:
        owner = next(place for place in (file, *file.parents) if place.exists()).stat()
        if file.is_symlink() and (user := file.lstat()).st_uid:
            owner = user
        if owner.st_uid:
            os.setgroups([])
            os.setegid(owner.st_gid)
            os.seteuid(owner.st_uid)


def act_as_caller() -> None:
    """Act again as the user who runs the command, after ``act_as_owner``."""
    os.seteuid(os.getuid())
    os.setegid(os.getgid())

"""The owner of the files of a server, as whom commands write them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["act_as_caller", "act_as_owner"]


def act_as_owner(file: Path, data_dir: Path) -> None:
    """Act as the user of the server to which a file belongs, if this is root.

    The server must be able to read what is written. And its user, who can put links there, must not have root follow
    them. So the first owner counts who is not root, of the data directory and what is on the way from there to the
    file, links themselves included.

    Args:
        file: the absolute path of the file, which may not exist.
        data_dir: the absolute path of the data directory; what is above it, root chose to trust. Of a file elsewhere,
            its directory counts instead.
    """
    if os.geteuid() == 0 and (owner := _owner(file, data_dir if file.is_relative_to(data_dir) else file.parent)):
        os.setgroups([])
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)


def _owner(file: Path, directory: Path) -> os.stat_result | None:
    """Return the status of the first place from a directory above a file on that is not root's; None if all are."""
    first = next(place for place in (directory, *directory.parents) if os.path.lexists(place))
    below = len(file.parts) - len(first.parts)
    for place in [file, *file.parents][below::-1]:
        for status in (os.lstat, os.stat):  # a link and what it leads to
            try:
                found = status(place)
            except OSError:  # it does not exist yet, or leads nowhere
                return None
            if found.st_uid:
                return found
    return None


def act_as_caller() -> None:
    """Act again as the user who runs the command, after ``act_as_owner``."""
    os.seteuid(os.getuid())
    os.setegid(os.getgid())

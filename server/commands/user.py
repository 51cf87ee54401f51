"""The user who runs a command."""

from __future__ import annotations

import getpass

__all__ = ["user_name"]


def user_name() -> str:
    """Return the name of the user who runs the command, empty if it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""

"""Directories that only the server's user may enter."""

from __future__ import annotations

from pathlib import Path

__all__ = ["make_private"]


def make_private(directory: Path) -> None:
    """Create a directory, and those above it that do not exist, for this user only; one that exists stays as it is.

    A command may be the first to need the data directory, for a file in a directory of it. ``Path.mkdir`` would let
    everybody enter all but the last.

    Raises:
        OSError: it cannot be created.
    """
    missing = [place for place in directory.parents if not place.exists()]
    for place in (*reversed(missing), directory):
        place.mkdir(mode=0o700, exist_ok=True)

"""Free space on the disk of embedded storage, below which ClickHouse inserts nothing."""

from __future__ import annotations

import os
from pathlib import Path

from server.errors.amounts import size
from storage.migrate import ROOM
from storage.url import EmbeddedUrl, StorageUrl

__all__ = ["disk_trouble", "free_bytes"]


def free_bytes(directory: Path) -> int | None:
    """Return the free bytes of the file system of a directory, None if they cannot be read."""
    try:
        state = os.statvfs(directory)
    except OSError:
        return None
    blocks = state.f_bfree if os.geteuid() == 0 else state.f_bavail
    return blocks * state.f_frsize


def disk_trouble(url: StorageUrl) -> str:
    """Return why embedded storage has no room for records, empty if it has; always empty for a ClickHouse server."""
    if not isinstance(url, EmbeddedUrl):
        return ""
    free = free_bytes(url.path)
    if free is None or free >= ROOM:
        return ""
    return (
        f"the disk of {url.path} is full: {size(free)} are free, and storage takes no records while less "
        f"than {size(ROOM)} are free. Free some space"
    )

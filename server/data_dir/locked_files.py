"""Exclusive changes of files that several processes change."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from server.data_dir.private_directories import make_private

__all__ = ["locked"]


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Exclude other changes of a file until the block ends. The lock is a file beside it, which is never replaced.

    Args:
        file: the file; its directory is created if it does not exist, for this user only.

    Raises:
        OSError: the lock cannot be created.
    """
    make_private(file.parent)
    lock = file.with_name(f".{file.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

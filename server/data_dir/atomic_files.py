"""Atomic replacement of files: after a crash, a file has its old or its new content."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(
    file: Path,
    content: str | bytes,
    *,
    mode: int = 0o644,
    durable: bool = True,
    room: int = 0,
    sync: Callable[[int], None] = os.fsync,
) -> None:
    """Replace a file's content atomically.

    Args:
        file: the file; created if it does not exist.
        content: its new content; text is encoded as UTF-8.
        mode: permissions of the file.
        durable: wait until the content is on disk (fsync).
        room: bytes to allocate for the file, zeros behind its content; fewer if the disk has no more.
        sync: makes durable what was written to the file, or changed in the directory, behind a descriptor.

    Raises:
        OSError: the file cannot be written.
    """
    temporary = file.with_name(f".{file.name}.new")
    temporary.unlink(missing_ok=True)  # a crash may have left it, with other permissions
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as opened:
        if room:
            with contextlib.suppress(OSError):  # where there is no room for all, there may be for some
                os.posix_fallocate(descriptor, 0, room)
        opened.write(content.encode() if isinstance(content, str) else content)
        if durable:
            opened.flush()
            sync(opened.fileno())
    temporary.replace(file)
    if durable:
        directory = os.open(file.parent, os.O_RDONLY)
        try:
            sync(directory)
        finally:
            os.close(directory)

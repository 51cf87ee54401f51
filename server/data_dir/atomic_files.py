"""Atomic replacement of files: after a crash, a file has its old or its new content."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(file: Path, text: str, *, mode: int = 0o644, durable: bool = True) -> None:
    """Replace a file's content atomically.

    Args:
        file: the file; created if it does not exist.
        text: its new content.
        mode: permissions of the file.
        durable: wait until the content is on disk (fsync).

    Raises:
        OSError: the file cannot be written.
    """
    temporary = file.with_name(f".{file.name}.new")
    temporary.unlink(missing_ok=True)  # a crash may have left it, with other permissions
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
        if durable:
            opened.flush()
            os.fsync(opened.fileno())
    temporary.replace(file)
    if durable:
        directory = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

"""Replacing files so that a crash leaves the old content or the new."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(file: Path, text: str, *, mode: int = 0o644, durable: bool = True) -> None:
    """Replace a file's content at once.

    Args:
        file: the file; made if there is none.
        text: its new content.
        mode: permissions of the file.
        durable: wait until it is on disk.

    Raises:
        OSError: it cannot be written.
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

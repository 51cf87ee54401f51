"""The mark of a group: the batches of a journal that are sent to storage with one INSERT for each table.

A process that ends while a group is on its way leaves its mark. The next start sends exactly the same batches together,
with the same deduplication tokens, so an INSERT that storage completes late stores nothing twice.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from server.errors.files import reason_of
from server.errors.ingest import JournalDamagedError

__all__ = ["GroupMark"]


class GroupMark:
    """The mark beside the segments of a journal: an empty file, whose name has the first and the last number."""

    def __init__(self, directory: Path, sync: Callable[[int], None] = os.fsync) -> None:
        """Use the mark in a journal's directory.

        Args:
            directory: directory of the journal.
            sync: function that makes the file or directory of a descriptor durable, as fsync does.
        """
        self._directory = directory
        self._sync = sync

    def write(self, first: int, last: int) -> None:
        """Mark the entries with the numbers ``first`` to ``last`` as a group, and wait until the mark is on disk.

        Raises:
            OSError: the mark cannot be written.
        """
        earlier = list(self._directory.glob("*.group"))
        file = self._directory / f"{first:020d}-{last:020d}.group"
        self._sync_path(file, os.O_WRONLY | os.O_CREAT)
        self._sync_path(self._directory, os.O_RDONLY)
        for mark in earlier:  # their groups are stored
            if mark != file:
                with contextlib.suppress(OSError):
                    mark.unlink(missing_ok=True)

    def remove(self) -> bool:
        """Remove all marks; return whether they are gone for good."""
        try:
            for mark in self._directory.glob("*.group"):
                mark.unlink(missing_ok=True)
            self._sync_path(self._directory, os.O_RDONLY)
        except OSError:
            return False
        return True

    def end_of(self, first: int) -> int:
        """Return the number of the last entry of the group that begins with ``first``; ``first`` if none is marked.

        Raises:
            JournalDamagedError: the directory cannot be read.
        """
        try:
            names = [file.stem for file in self._directory.glob(f"{first:020d}-*.group")]
        except OSError as error:
            raise JournalDamagedError(f"the journal in {self._directory} cannot be read: {reason_of(error)}") from error
        ends = [int(name.partition("-")[2]) for name in names if name.partition("-")[2].isdecimal()]
        return max([first, *ends])

    def _sync_path(self, path: Path, flags: int) -> None:
        descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
        try:
            self._sync(descriptor)
        finally:
            os.close(descriptor)

"""A directory in which a process may be killed, or power may fail, at any call to the operating system."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Killed", "LedgerDisk"]

_CALLS = ("open", "unlink", "rename", "replace", "pwrite", "posix_fallocate")  # of the module os


class Killed(BaseException):
    """The process ends here."""


class LedgerDisk:
    """Counts the calls that change files, and ends the process before or after one of them.

    Attributes:
        kill_at: the number of calls and returns after which the process is killed; None for never.
    """

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.kill_at: int | None = None
        self._durable: dict[int, bytes] = {}  # content of files when they were synced last, by inode
        self._listed: dict[str, int] = {}  # names that are durable, with their inodes
        for name in _CALLS:
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))

    def sync(self, descriptor: int) -> None:
        """Make durable what a descriptor stands for; takes the place of ``os.fsync``."""
        self._count()
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path == self.directory:
            self._listed = {entry.name: entry.stat().st_ino for entry in path.iterdir()}
        else:
            self._durable[path.stat().st_ino] = path.read_bytes()
        self._count()

    def fail_power(self) -> None:
        """Leave of files what was synced; names are as they are or, where that is not durable, as they were."""
        self.kill_at = None
        named = {entry.name: entry.stat().st_ino for entry in self.directory.iterdir()}
        for path in tuple(self.directory.iterdir()):
            path.write_bytes(self._durable.get(named[path.name], b""))

    def fail_power_before_names(self) -> None:
        """Leave of files and of names what was synced."""
        self.kill_at = None
        for path in tuple(self.directory.iterdir()):
            path.unlink()
        for name, inode in self._listed.items():
            (self.directory / name).write_bytes(self._durable.get(inode, b""))

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def counted(*arguments: Any, **named: Any) -> Any:
            self._count()
            result = call(*arguments, **named)
            self._count()
            return result

        return counted

    def _count(self) -> None:
        if self.kill_at is not None:
            self.kill_at -= 1
            if self.kill_at < 0:
                raise Killed

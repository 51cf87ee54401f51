"""Small file systems in memory, which can be filled up."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

__all__ = ["Volume", "can_mount"]

_FILLER = "filler"


def can_mount(directory: Path) -> bool:
    """Return whether this process may mount file systems; tried in a directory that is made for it."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        return False
    volume = Volume(directory / "mount-try", 1 << 20)
    mounted = volume.mount()
    volume.unmount()
    return mounted


class Volume:
    """A tmpfs on a directory."""

    def __init__(self, directory: Path, size: int) -> None:
        """Name it; ``mount`` makes it.

        Args:
            directory: where; is made.
            size: bytes that it holds.
        """
        self.directory = directory
        self._size = size
        self._mounted = False

    def mount(self) -> bool:
        """Mount it; whether that was permitted. Without, the directory is one like others."""
        self.directory.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={self._size}", "tmpfs", str(self.directory)]
        self._mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        return self._mounted

    def fill(self, leave: int = 0) -> None:
        """Take all space but so many bytes."""
        with (self.directory / _FILLER).open("ab") as filler, suppress(OSError):
            # Others write meanwhile: again until there is no more.
            while (free := self._free() - leave) > 0:
                os.posix_fallocate(filler.fileno(), filler.seek(0, os.SEEK_END), free)

    def _free(self) -> int:
        state = os.statvfs(self.directory)
        return state.f_bavail * state.f_frsize

    def free(self) -> None:
        """Give it back."""
        (self.directory / _FILLER).unlink(missing_ok=True)

    def resize(self, size: int) -> None:
        """Give it another size."""
        command = ["mount", "-o", f"remount,size={size}", str(self.directory)]
        subprocess.run(command, capture_output=True, check=True)

    def unmount(self) -> None:
        """Take it away with all that is in it."""
        if self._mounted:
            # Lazily: a process that was just killed may still hold it.
            subprocess.run(["umount", "-l", str(self.directory)], capture_output=True, check=True)
            self._mounted = False

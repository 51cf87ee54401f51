"""Small file systems in memory that can be filled up."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

__all__ = ["Volume", "can_mount"]

_FILLER = "filler"


def can_mount(directory: Path) -> bool:
    """Return whether this process may mount file systems, by mounting one below a directory."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        return False
    volume = Volume(directory / "mount-try", 1 << 20)
    mounted = volume.mount()
    volume.unmount()
    return mounted


class Volume:
    """A tmpfs on a directory."""

    def __init__(self, directory: Path, size: int) -> None:
        """Prepare a volume, which ``mount`` mounts.

        Args:
            directory: mount point, which is created.
            size: size in bytes.
        """
        self.directory = directory
        self._size = size
        self._mounted = False

    def mount(self) -> bool:
        """Mount the volume; return False if that is not permitted, so that the directory is an ordinary one."""
        self.directory.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={self._size}", "tmpfs", str(self.directory)]
        self._mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        return self._mounted

    def fill(self, leave: int = 0) -> None:
        """Fill the volume, except for a number of bytes."""
        with (self.directory / _FILLER).open("ab") as filler, suppress(OSError):
            # Other processes write meanwhile, so this is repeated until nothing is free.
            while (free := self._free() - leave) > 0:
                os.posix_fallocate(filler.fileno(), filler.seek(0, os.SEEK_END), free)

    def _free(self) -> int:
        state = os.statvfs(self.directory)
        return state.f_bavail * state.f_frsize

    def free(self) -> None:
        """Free the space that ``fill`` took."""
        (self.directory / _FILLER).unlink(missing_ok=True)

    def resize(self, size: int) -> None:
        """Change the size, in bytes."""
        command = ["mount", "-o", f"remount,size={size}", str(self.directory)]
        subprocess.run(command, capture_output=True, check=True)

    def unmount(self) -> None:
        """Unmount the volume, which deletes its files."""
        if self._mounted:
            # Lazily: a process that was just killed may still have open files.
            subprocess.run(["umount", "-l", str(self.directory)], capture_output=True, check=True)
            self._mounted = False

"""Files of embedded storage that disappear while it is open: the engine would answer with what it remembers."""

from __future__ import annotations

from pathlib import Path

from storage.errors import MissingFilesError

__all__ = ["OpenFiles"]

_PARTS = (".", "metadata", "store")  # directories of an open storage, which are never replaced


class OpenFiles:
    """The directories of an open storage, as they were when it was opened."""

    def __init__(self, directory: Path) -> None:
        """Note the directories of a storage that has just been opened."""
        self._directory = directory
        self._seen = {name: identity for name in _PARTS if (identity := self._identity(name))}

    def check(self) -> None:
        """Check that they are still there.

        Raises:
            MissingFilesError: a directory was deleted, or another one is in its place.
        """
        if any(self._identity(name) != identity for name, identity in self._seen.items()):
            advice = "Restore them from a backup, and start the server again"
            raise MissingFilesError(
                f"files of the storage in {self._directory} are missing: they were deleted or moved while it was open. "
                f"{advice}",
                public=f"files of the storage are missing. {advice}",
            )

    def _identity(self, name: str) -> tuple[int, int] | None:
        try:
            state = (self._directory / name).stat()
        except OSError:
            return None
        return state.st_dev, state.st_ino

"""Resume file of verification: the last verified checkpoint of each log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from server.data_dir.atomic_files import replace_file
from server.errors.files import unreadable, unwritable
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import VerificationError
from server.settings.errors import ConfigError

__all__ = ["ResumeFile"]

_LINE = "=" * 8 + "\n"  # between notes; no line of a checkpoint looks so


@dataclass(frozen=True, slots=True)
class ResumeFile:
    """A file of signed checkpoints; it must be trusted as much as the verification that wrote it.

    Attributes:
        path: the file.
        notes: the checkpoint up to which each log was verified, by origin.
    """

    path: Path
    notes: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> ResumeFile:
        """Read a resume file; a missing file has no checkpoints.

        Raises:
            ConfigError: the file cannot be read, or is not a resume file.
        """
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            notes = {open_checkpoint(note)[0].origin: note for note in text.split(_LINE) if note}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--resume: {unreadable(path, error)}") from error
        except VerificationError as error:
            raise ConfigError(
                f"--resume: {path} is not a resume file ({error}): give the file of an earlier run, or a new name"
            ) from error
        return cls(path, notes)

    def keep(self, origin: str, note: str) -> None:
        """Record how far a log was verified; an empty note changes nothing.

        Raises:
            ConfigError: the file cannot be written.
        """
        if not note or self.notes.get(origin) == note:
            return
        self.notes[origin] = note
        try:
            replace_file(self.path, _LINE.join(self.notes.values()))
        except OSError as error:
            raise ConfigError(f"--resume: {unwritable(self.path, error)}") from error

"""The file of compromised keys: a line for each, with its fingerprint and the time since which others may have it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from server.data_dir.atomic_files import replace_file
from server.errors.files import unreadable, unwritable
from server.keys.key_files import KeyStoreError

__all__ = ["read_compromised", "write_compromised"]


def read_compromised(file: Path) -> dict[str, int]:
    """Return the fingerprints of compromised keys, each with its time in nanoseconds since the epoch.

    Raises:
        KeyStoreError: the file is damaged.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        marks = [line.split() for line in lines if line.strip()]
        return {name: int(datetime.fromisoformat(since).timestamp()) * 10**9 for name, since in marks}
    except (OSError, ValueError) as error:
        raise KeyStoreError(unreadable(file, error)) from error


def write_compromised(file: Path, marks: Mapping[str, int]) -> None:
    """Write the file anew.

    Raises:
        KeyStoreError: the file cannot be written.
    """
    lines = [f"{key} {datetime.fromtimestamp(at // 10**9, UTC).isoformat()}\n" for key, at in marks.items()]
    try:
        replace_file(file, "".join(lines))
    except OSError as error:
        raise KeyStoreError(f"the compromised key is not recorded: {unwritable(file, error)}") from error

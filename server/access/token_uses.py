"""Times of the last use of tokens: noted in memory, and written from time to time, by each process to its own file."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path

from server.data_dir.atomic_files import replace_file

__all__ = ["TokenUses", "read_uses"]

_LATEST = 253_402_300_800  # the year 10000, in seconds since the epoch
_BEGINNING = "token-uses-"


class TokenUses:
    """Last uses of tokens by one process; ``note`` belongs to the event loop, ``write`` to any thread."""

    def __init__(self, data_dir: Path, process: str) -> None:
        """Continue with what the process wrote before it was started again.

        Args:
            data_dir: the data directory of the server.
            process: name of the process among those of the server.
        """
        self._file = data_dir / "access" / f"{_BEGINNING}{process}.json"
        self._last: dict[str, int] = _read(self._file)
        self._written = dict(self._last)
        self._writing = threading.Lock()

    def note(self, token_id: str, now: float) -> None:
        """Note a use.

        Args:
            token_id: identifier of the token.
            now: the time, in seconds since the epoch.
        """
        self._last[token_id] = int(now)

    def write(self) -> None:
        """Write the times if there are new ones.

        Raises:
            OSError: the file cannot be written.
        """
        with self._writing:
            last = self._last.copy()  # atomic: the event loop may note more meanwhile
            if last != self._written:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                replace_file(self._file, json.dumps(last) + "\n", mode=0o600, durable=False)
                self._written = last


def read_uses(data_dir: Path) -> Mapping[str, int]:
    """Return the times that all processes wrote, in seconds since the epoch, by the identifiers of tokens."""
    uses: dict[str, int] = {}
    for file in (data_dir / "access").glob(f"{_BEGINNING}*.json"):
        for token_id, seconds in _read(file).items():
            uses[token_id] = max(seconds, uses.get(token_id, 0))
    return uses


def _read(file: Path) -> dict[str, int]:
    """Read a file; what cannot be read is lost, because it is information for people and nothing depends on it."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return {str(token_id): int(seconds) for token_id, seconds in document.items() if 0 <= seconds < _LATEST}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}

"""Sessions that somebody ended from the command line: kept in a file that a running server follows."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from server.data_dir.atomic_files import replace_file
from server.data_dir.file_state import FileState, file_state
from server.data_dir.locked_files import locked
from server.errors.files import reason_of
from server.retry.trouble import Trouble

__all__ = ["ALL", "Revocation", "RevocationFile", "add_revocation", "read_revocations", "revocations_path"]

_logger = logging.getLogger(__name__)

ALL = "*"
"""Name and ID of a revocation of all sessions."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """End of sessions.

    Attributes:
        of: name of a person, ID of a session, or ``ALL``. A name or an ID of another form ends nothing.
        at: time in seconds since the epoch; sessions that began later are not ended.
        by: who revoked them.
    """

    of: str
    at: float
    by: str = ""

    def ends(self, session_id: str, name: str, begun: float) -> bool:
        """Return whether it ends a session.

        Args:
            session_id: public ID of the session.
            name: name of the person.
            begun: time of the login, in seconds since the epoch.
        """
        return begun <= self.at and self.of in (ALL, session_id, name)


class RevocationFile:
    """The file of revocations, as a server follows it; not thread-safe."""

    def __init__(self, file: Path) -> None:
        """Follow a file, which need not exist."""
        self._file = file
        self._seen: FileState = None
        self._known: frozenset[Revocation] = frozenset()
        self._trouble = Trouble(_logger, "sessions cannot be revoked", "sessions can be revoked again")

    def news(self) -> tuple[Revocation, ...]:
        """Return the revocations that were added since the last call. Blocks. A damaged file is logged."""
        state = file_state(self._file)
        if state == self._seen:
            return ()
        try:
            found = read_revocations(self._file)
        except (OSError, ValueError) as error:
            self._trouble.goes_on(f"{self._file}: {reason_of(error) if isinstance(error, OSError) else error}")
            return ()
        self._trouble.ends()
        self._seen = state
        added = tuple(each for each in found if each not in self._known)
        self._known = frozenset(found)
        return added


def revocations_path(data_dir: Path) -> Path:
    """Return the path of the file in a data directory."""
    return data_dir / "session-revocations.json"


def read_revocations(file: Path) -> tuple[Revocation, ...]:
    """Read the file; none if it does not exist.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return ()
    try:
        return tuple(map(_revocation, json.loads(content)["revocations"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("the file is damaged: remove it, and revoke again") from error


def add_revocation(file: Path, revocation: Revocation, oldest: float) -> None:
    """Add a revocation to the file. Blocks.

    Args:
        file: the file; created if it does not exist.
        revocation: the revocation.
        oldest: time in seconds since the epoch; no session that began before is still open, so older revocations are
            removed.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: it is damaged.
    """
    with locked(file):
        kept = [each for each in read_revocations(file) if each.at >= oldest]
        content = json.dumps({"revocations": [asdict(each) for each in (*kept, revocation)]}, indent=1)
        replace_file(file, f"{content}\n", mode=0o600)


def _revocation(item: Mapping[str, Any]) -> Revocation:
    return Revocation(str(item["of"]), float(item["at"]), str(item["by"]))

"""Sessions of people who have logged in: opaque random IDs, of which the server keeps digests only."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from server.access.role_rules import RoleRule
from server.data_dir.atomic_files import replace_file
from server.errors.files import reason_of
from server.login.identities import Identity
from server.login.revocations import Revocation

__all__ = ["Session", "Sessions", "public_id", "read_sessions", "sessions_path"]

_logger = logging.getLogger(__name__)

_MOST = 10_000  # sessions
_LONGEST_ID = 100  # characters
_TOUCHED_AFTER = 60.0  # seconds: the time of the last use is noted this exactly


@dataclass(frozen=True, slots=True)
class Session:
    """Session of a person.

    Attributes:
        identity: the person.
        begun: time of the login, in seconds since the epoch.
        used: time of the last use.
    """

    identity: Identity
    begun: float
    used: float


class Sessions:
    """Open sessions, kept in memory and in a file, so that they outlive a restart; thread-safe.

    The file is read by nobody but the server (0600). It has digests of IDs: whoever reads it cannot use a session.
    """

    def __init__(
        self,
        file: Path,
        rules: Sequence[RoleRule],
        idle: float,
        age: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Read the sessions of the file that are still valid.

        Args:
            file: the file.
            rules: rules that grant roles. Sessions that began with other rules end, since facts that the new rules ask
                for may not have been noted.
            idle: seconds without use after which a session ends.
            age: seconds after the login at which a session ends.
            clock: function that returns seconds since the epoch.
        """
        self._file = file
        self._mark = sha256(repr(tuple(rules)).encode()).hexdigest()
        self._idle = idle
        self._age = age
        self._clock = clock
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._sessions = self._read()

    def begin(self, identity: Identity) -> str:
        """Begin a session and return its ID, which is always new; ``save`` makes it outlive a restart."""
        session_id = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            for digest in [digest for digest, session in self._sessions.items() if self._is_over(session, now)]:
                del self._sessions[digest]
            if len(self._sessions) >= _MOST:
                del self._sessions[min(self._sessions, key=lambda digest: self._sessions[digest].used)]
            self._sessions[_digest(session_id)] = Session(identity, now, now)
        return session_id

    def find(self, session_id: str) -> Session | None:
        """Return a session and note its use; None if there is no such session, or it has ended."""
        if not 0 < len(session_id) <= _LONGEST_ID:
            return None
        digest, now = _digest(session_id), self._clock()
        with self._lock:
            session = self._sessions.get(digest)
            if session is None:
                return None
            if self._is_over(session, now):
                del self._sessions[digest]
                return None
            if now - session.used > _TOUCHED_AFTER:
                self._sessions[digest] = replace(session, used=now)
            return session

    def end(self, session_id: str) -> Session | None:
        """End a session and return it, None if there is no such session; ``save`` ends it for good."""
        with self._lock:
            return self._sessions.pop(_digest(session_id), None)

    def revoke(self, revocation: Revocation) -> int:
        """End the sessions that a revocation ends, and return their number; ``save`` ends them for good."""
        with self._lock:
            ended = [
                digest
                for digest, session in self._sessions.items()
                if revocation.ends(public_id(digest), session.identity.name, session.begun)
            ]
            for digest in ended:
                del self._sessions[digest]
        return len(ended)

    def save(self) -> None:
        """Write the file. Blocks. A file that cannot be written is logged: sessions then end at a restart."""
        with self._writing:
            with self._lock:
                sessions = {digest: _to_json(session) for digest, session in self._sessions.items()}
            content = json.dumps({"rules": self._mark, "sessions": sessions})
            try:
                replace_file(self._file, content, mode=0o600)
            except OSError as error:
                _logger.warning("sessions cannot be saved to %s: %s", self._file, reason_of(error))

    def _is_over(self, session: Session, now: float) -> bool:
        return not (session.begun <= now + _TOUCHED_AFTER) or (
            now - session.begun > self._age or now - session.used > self._idle
        )

    def _read(self) -> dict[str, Session]:
        try:
            mark, sessions = _read(self._file)
        except (OSError, ValueError) as error:
            _logger.warning("the sessions in %s cannot be read, so people log in again: %s", self._file, _reason(error))
            return {}
        return sessions if mark == self._mark else {}


def _reason(error: OSError | ValueError) -> str:
    return reason_of(error) if isinstance(error, OSError) else "the file is damaged"


def sessions_path(data_dir: Path) -> Path:
    """Return the path of the file in a data directory."""
    return data_dir / "sessions.json"


def read_sessions(file: Path) -> dict[str, Session]:
    """Return the sessions that a server has last written to its file, by the digests of their IDs. Blocks.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged.
    """
    return _read(file)[1]


def public_id(digest: str) -> str:
    """Return the ID by which people name a session, which gives nobody access, given the digest of its secret ID."""
    return digest[:12]


def _read(file: Path) -> tuple[str, dict[str, Session]]:
    """Return the mark of the rules, and the sessions; none if there is no file."""
    try:
        content = json.loads(file.read_bytes())
        return content["rules"], {digest: _from_json(each) for digest, each in content["sessions"].items()}
    except FileNotFoundError:
        return "", {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("the file is damaged") from error


def _digest(session_id: str) -> str:
    return sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()


def _to_json(session: Session) -> dict[str, Any]:
    identity = session.identity
    return {
        "name": identity.name,
        "facts": sorted(identity.facts),
        "lacks_groups": identity.lacks_groups,
        "begun": session.begun,
        "used": session.used,
    }


def _from_json(value: Mapping[str, Any]) -> Session:
    facts = frozenset((str(kind), str(text)) for kind, text in value["facts"])
    identity = Identity(str(value["name"]), facts, bool(value["lacks_groups"]))
    return Session(identity, float(value["begun"]), float(value["used"]))

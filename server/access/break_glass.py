"""The break-glass administrator: one secret in a file, for when nobody can log in otherwise."""

from __future__ import annotations

import hmac
import logging
import os
import stat
from hashlib import sha256
from pathlib import Path

from server.access.authentication import Presented
from server.access.callers import Caller, CallerKind, Grant, Role
from server.data_dir.file_state import FileState, file_state
from server.errors.files import unreadable
from server.retry.trouble import Trouble

__all__ = ["BreakGlassAuthenticator", "read_break_glass"]

_logger = logging.getLogger(__name__)

_NAME = "break-glass"
_SHORTEST, _LONGEST = 32, 1024  # characters
_HOW = "make one with: openssl rand -hex 32"


class BreakGlassAuthenticator:
    """Authenticator of the break-glass administrator; each use is logged as a warning.

    The file is read again whenever it has changed, so that removing or replacing it takes effect at once. It must be
    tried after those that know their credentials by the form, such as tokens.
    """

    def __init__(self, file: Path) -> None:
        """Accept the secret in a file."""
        self._file = file
        # State of the file as it was read, and digest of its secret (empty: none); together, for several threads.
        self._known: tuple[FileState, bytes] = (None, b"")
        what = "break-glass administrator"
        self._trouble = Trouble(
            _logger, f"the {what} cannot be authenticated", f"the {what} can be authenticated again"
        )

    async def authenticate(self, presented: Presented) -> Caller | None:
        """Return the administrator, None if something else was presented."""
        if not _SHORTEST <= len(presented.bearer) <= _LONGEST:
            return None
        # Digests have one length, so the time of a comparison tells nothing about the secret.
        if not hmac.compare_digest(_digest(presented.bearer), self._expected()):
            return None
        address = presented.address
        _logger.warning("the break-glass administrator was authenticated, from %s", address or "an unknown address")
        return Caller(_NAME, CallerKind.BREAK_GLASS, (Grant(Role.ADMIN),), address)

    def _expected(self) -> bytes:
        """Return the digest of the secret that the file has now, empty if it has none."""
        state = file_state(self._file)
        seen, digest = self._known
        if state is not None and state == seen:
            return digest
        try:
            digest = _digest(read_break_glass(self._file))
        except ValueError as error:
            digest = b""
            self._trouble.goes_on(str(error))
        else:
            self._trouble.ends()
        self._known = state, digest
        return digest


def read_break_glass(file: Path) -> str:
    """Return the secret of the break-glass administrator.

    Raises:
        ValueError: the file cannot be read, others may read it, or it has no usable secret; the message never contains
            the secret.
    """
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            content = opened.read(_LONGEST + 2)
    except OSError as error:
        raise ValueError(unreadable(file, error)) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ValueError(f"{file} can be read by other users: run chmod 600 {file}")
    try:
        secret = content.decode("ascii").strip()
    except UnicodeDecodeError:
        secret = ""
    if not secret.isprintable() or " " in secret or not _SHORTEST <= len(secret) <= _LONGEST:
        raise ValueError(f"{file} must have one line of {_SHORTEST} to {_LONGEST} letters and digits: {_HOW}")
    return secret


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()

"""The break-glass administrator: one secret in a file, for when nobody can log in otherwise."""

from __future__ import annotations

import hmac
import logging
import os
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from server.access.authentication import Presented
from server.access.callers import Caller, CallerKind, Grant, Role
from server.errors.files import unreadable

__all__ = ["BreakGlassAuthenticator", "read_break_glass"]

_logger = logging.getLogger(__name__)

_NAME = "break-glass"
_SHORTEST, _LONGEST = 32, 1024  # characters
_HOW = "make one with: openssl rand -hex 32"


class BreakGlassAuthenticator:
    """Authenticator of the break-glass administrator; each use is logged as a warning.

    The file is read for each attempt, so that removing or replacing it takes effect at once.
    """

    def __init__(self, file: Path, address_of: Callable[[Presented], str]) -> None:
        """Accept the secret in a file.

        Args:
            file: the file.
            address_of: function that returns the IP address of a caller.
        """
        self._file = file
        self._address_of = address_of

    async def authenticate(self, presented: Presented) -> Caller | None:
        """Return the administrator, None if something else was presented."""
        if not _SHORTEST <= len(presented.bearer) <= _LONGEST:
            return None
        try:
            secret = read_break_glass(self._file)
        except ValueError as error:
            _logger.error("the break-glass administrator cannot be authenticated: %s", error)  # noqa: TRY400 - told whole
            return None
        # Digests have one length, so the time of a comparison tells nothing about the secret.
        if not hmac.compare_digest(_digest(presented.bearer), _digest(secret)):
            return None
        address = self._address_of(presented)
        _logger.warning("the break-glass administrator was authenticated, from %s", address or "an unknown address")
        return Caller(_NAME, CallerKind.BREAK_GLASS, (Grant(Role.ADMIN),), address)


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

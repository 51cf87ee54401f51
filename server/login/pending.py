"""Logins that have begun: what their end needs is in a sealed cookie, so that they take no memory of the server."""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass, field
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken

__all__ = ["LOGIN_SECONDS", "Pending", "Seal", "safe_path"]

LOGIN_SECONDS = 600
"""Seconds that a person has for a login."""

_LONGEST_PATH = 2048  # characters


def _random() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Pending:
    """Login that has begun.

    Attributes:
        path: path of the page that is shown after the login.
        state: text that the provider sends back; ties its answer to the browser that began.
        nonce: text that the ID token must contain; ties the token to this login.
        verifier: secret whose digest the provider has got (PKCE, RFC 7636).
    """

    path: str
    state: str = field(default_factory=_random)
    nonce: str = field(default_factory=_random)
    verifier: str = field(default_factory=_random)

    @property
    def challenge(self) -> str:
        """The digest of the verifier (method S256)."""
        return urlsafe_b64encode(sha256(self.verifier.encode()).digest()).decode().rstrip("=")

    def has_state(self, state: str) -> bool:
        """Return whether an answer belongs to this login."""
        return hmac.compare_digest(self.state.encode(), state.encode("utf-8", "surrogatepass"))


class Seal:
    """Encryption of pending logins with a key that only this process has; logins do not outlive it."""

    def __init__(self) -> None:
        """Generate a key."""
        self._fernet = Fernet(Fernet.generate_key())

    def close(self, pending: Pending) -> str:
        """Return a pending login as the value of a cookie."""
        return self._fernet.encrypt(json.dumps(asdict(pending)).encode()).decode()

    def open(self, value: str) -> Pending | None:
        """Return the pending login in a cookie, None if it was not sealed here, or took too long."""
        try:
            return Pending(**json.loads(self._fernet.decrypt(value, LOGIN_SECONDS)))
        except (InvalidToken, ValueError, TypeError):
            return None


def safe_path(text: str) -> str:
    r"""Return a path of this server to continue with, ``/`` if the text is anything else (an open redirect).

    Browsers take ``//host`` and ``/\host`` for other hosts, and remove tabs and line breaks before they look.
    """
    is_path = text.startswith("/") and not text.startswith("//") and len(text) <= _LONGEST_PATH
    is_plain = text.isascii() and text.isprintable() and "\\" not in text and " " not in text
    return text if is_path and is_plain else "/"

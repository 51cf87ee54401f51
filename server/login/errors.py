"""Errors of login."""

from __future__ import annotations

from server.errors.base import LognotaryError

__all__ = ["ProviderError", "TooManyLoginsError"]


class ProviderError(LognotaryError):
    """The OpenID provider cannot be reached, or its answer cannot be used; no message has a secret in it.

    Attributes:
        status: status of HTTP of an answer that says no; 0 if there is none.
    """

    retryable = True

    def __init__(self, message: str, status: int = 0) -> None:
        """Fail with a message, and perhaps with the status of an answer."""
        super().__init__(message)
        self.status = status


class TooManyLoginsError(LognotaryError):
    """One address asks for too many logins."""

    retryable = True

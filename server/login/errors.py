"""Errors of login."""

from __future__ import annotations

from server.errors.base import LognotaryError

__all__ = ["ProviderError", "TooManyLoginsError"]


class ProviderError(LognotaryError):
    """The OpenID provider cannot be reached, or its answer cannot be used; no message has a secret in it."""

    retryable = True


class TooManyLoginsError(LognotaryError):
    """One address asks for too many logins."""

    retryable = True

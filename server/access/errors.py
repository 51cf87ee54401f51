"""Errors of access.

AccessError
├── UnauthenticatedError   nobody that the server knows: UNAUTHENTICATED, 401
└── ForbiddenError         somebody who may not do this: PERMISSION_DENIED, 403

What an answer says never tells one reason from another: a caller must not learn whether a token exists, has expired or
was revoked. The reason is for metrics and for the access log.

TokenError: tokens cannot be read, or not be changed like this. It is for people who manage tokens, not for callers.
"""

from __future__ import annotations

from enum import Enum

from server.errors.base import LognotaryError

__all__ = ["AccessError", "Denial", "ForbiddenError", "TokenError", "UnauthenticatedError"]


class Denial(Enum):
    """Reason why somebody was not let in; a label of metrics."""

    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    FORBIDDEN = "forbidden"


class AccessError(LognotaryError):
    """Base class of all errors of access.

    Attributes:
        denial: the reason, which no answer tells.
        token: name and identifier of the token that was presented, which no answer tells either; empty if there is
            none, or if the server does not know it.
    """

    def __init__(self, message: str, denial: Denial, token: str = "") -> None:
        """Refuse with a message for the caller, for a reason."""
        super().__init__(message)
        self.denial = denial
        self.token = token


class UnauthenticatedError(AccessError):
    """The caller is nobody that the server knows."""

    def __init__(self, denial: Denial, message: str = "valid credentials are required", *, token: str = "") -> None:
        """Refuse for a reason."""
        super().__init__(message, denial, token)


class ForbiddenError(AccessError):
    """The caller is known, and may not do this."""

    def __init__(self, message: str, *, token: str = "") -> None:
        """Refuse with a message that says what the caller may not do."""
        super().__init__(message, Denial.FORBIDDEN, token)


class TokenError(LognotaryError):
    """Tokens cannot be read or changed; the message says why, and what to do."""

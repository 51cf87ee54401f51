"""What can be wrong with a call to the API.

    ApiError
    ├── InvalidArgumentError      the caller must change the call: INVALID_ARGUMENT, 400
    ├── NotFoundError             there is no such thing: NOT_FOUND, 404
    └── AlteredError              what is stored is not what was signed: DATA_LOSS, 500

Storage that cannot be read is a ``StorageError``: UNAVAILABLE, 503.
"""

from __future__ import annotations

from server.errors.base import LognotaryError

__all__ = ["AlteredError", "ApiError", "InvalidArgumentError", "NotFoundError"]


class ApiError(LognotaryError):
    """Base of every error of this package; the message is for the caller."""


class InvalidArgumentError(ApiError):
    """The call cannot be answered as it is."""


class NotFoundError(ApiError):
    """What was asked for is not there."""


class AlteredError(ApiError):
    """No evidence can be given, because what is stored is not what was signed."""

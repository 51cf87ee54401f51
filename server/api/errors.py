"""Errors of calls to the API.

    ApiError
    ├── InvalidArgumentError      the caller must change the call: INVALID_ARGUMENT, 400
    ├── NotFoundError             the requested object does not exist: NOT_FOUND, 404
    └── AlteredError              what is stored is not what was signed: DATA_LOSS, 500

Storage that cannot be read is a ``StorageError``: UNAVAILABLE, 503.
"""

from __future__ import annotations

from server.errors.base import LognotaryError

__all__ = ["AlteredError", "ApiError", "InvalidArgumentError", "NotFoundError"]


class ApiError(LognotaryError):
    """Base class of all errors of the API; the message is for the caller."""


class InvalidArgumentError(ApiError):
    """The call cannot be answered as it is."""


class NotFoundError(ApiError):
    """The requested object does not exist."""


class AlteredError(ApiError):
    """Evidence cannot be given, because what is stored is not what was signed."""

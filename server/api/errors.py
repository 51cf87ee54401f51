"""Errors of calls to the API.

    ApiError
    ├── InvalidArgumentError      the caller must change the call: INVALID_ARGUMENT, 400
    │   └── TooLargeError         the call is larger than the server reads: RESOURCE_EXHAUSTED, 413
    ├── LateRequestError          the request did not arrive in time: DEADLINE_EXCEEDED, 408
    ├── NotFoundError             the requested object does not exist: NOT_FOUND, 404
    ├── NotPermittedError         the caller may not make the call: PERMISSION_DENIED, 403
    ├── ConflictError             the state of things forbids the call: FAILED_PRECONDITION, 409
    ├── UnrecordedError           a change cannot be made and recorded now: UNAVAILABLE, 503
    └── AlteredError              what is stored is not what was signed: DATA_LOSS, 500

Storage that cannot be read is a ``StorageError``: UNAVAILABLE, 503.
"""

from __future__ import annotations

from server.errors.base import LognotaryError

__all__ = [
    "AlteredError",
    "ApiError",
    "ConflictError",
    "InvalidArgumentError",
    "LateRequestError",
    "NotFoundError",
    "NotPermittedError",
    "TooLargeError",
    "UnrecordedError",
]


class ApiError(LognotaryError):
    """Base class of all errors of the API; the message is for the caller."""


class InvalidArgumentError(ApiError):
    """The call cannot be answered as it is."""


class TooLargeError(InvalidArgumentError):
    """The call is larger than the server reads."""


class LateRequestError(ApiError):
    """The request did not arrive in time."""


class NotPermittedError(ApiError):
    """The caller may not make the call."""


class ConflictError(ApiError):
    """The state of things forbids the call."""


class UnrecordedError(ApiError):
    """A change cannot be made and recorded now."""


class NotFoundError(ApiError):
    """The requested object does not exist."""


class AlteredError(ApiError):
    """Evidence cannot be given, because what is stored is not what was signed."""

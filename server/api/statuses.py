"""Status codes of failed calls, the same over gRPC and HTTP."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import grpc

from server.api.errors import AlteredError, InvalidArgumentError, NotFoundError
from server.data_dir.directory import DataDirectoryError
from server.notary.errors import SigningError
from server.process.pools import PoolFullError
from server.query.errors import QueryTooExpensiveError
from storage.errors import StorageError
from storage.interrupt import InterruptedQueryError

__all__ = ["EXPECTED_ERRORS", "CallStatus", "status_of"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallStatus:
    """CallStatus of a failed call.

    Attributes:
        code: status code over gRPC; its name is the ``code`` of an answer over HTTP.
        http_status: status code over HTTP.
        message: reason, for the caller.
    """

    code: grpc.StatusCode
    http_status: int
    message: str


_STATUSES: dict[type[Exception], tuple[grpc.StatusCode, int]] = {
    InvalidArgumentError: (grpc.StatusCode.INVALID_ARGUMENT, 400),
    QueryTooExpensiveError: (grpc.StatusCode.RESOURCE_EXHAUSTED, 422),
    NotFoundError: (grpc.StatusCode.NOT_FOUND, 404),
    AlteredError: (grpc.StatusCode.DATA_LOSS, 500),
    DataDirectoryError: (grpc.StatusCode.FAILED_PRECONDITION, 500),
    SigningError: (grpc.StatusCode.UNAVAILABLE, 503),
    StorageError: (grpc.StatusCode.UNAVAILABLE, 503),
    InterruptedQueryError: (grpc.StatusCode.UNAVAILABLE, 503),
    PoolFullError: (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
}

EXPECTED_ERRORS = tuple(_STATUSES)
"""Classes of the errors that a caller is told; any other error is a bug, of which only the server's log tells."""


def status_of(error: Exception) -> CallStatus:
    """Return what the caller is told about an error, and log it if the operator has to know."""
    statuses = next((statuses for kind, statuses in _STATUSES.items() if isinstance(error, kind)), None)
    if statuses is None:
        _logger.error("an API call failed", exc_info=error)
        return CallStatus(grpc.StatusCode.INTERNAL, 500, "internal error: see the server's log")
    if isinstance(error, AlteredError):
        _logger.error("evidence cannot be given: %s", error)
    elif isinstance(error, DataDirectoryError):
        _logger.error("an API call needs what the data directory remembers: %s", error)
    if not isinstance(error, StorageError):
        return CallStatus(*statuses, str(error))
    if error.public != str(error):
        _logger.warning("an API call failed: storage cannot be read: %s", error)
    # Otherwise that would be said twice.
    return CallStatus(
        *statuses, f"{'' if error.public.startswith('storage ') else 'storage cannot be read: '}{error.public}"
    )

"""Status codes of failed calls, the same over gRPC and HTTP."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from server.access.errors import ForbiddenError, UnauthenticatedError
from server.api.errors import (
    AlteredError,
    ConflictError,
    InvalidArgumentError,
    LateRequestError,
    NotFoundError,
    NotPermittedError,
    TooLargeError,
    UnrecordedError,
)
from server.data_dir.errors import DataDirectoryError
from server.notary.errors import SigningError
from server.process.fair_queue import QueueFullError
from server.process.pools import PoolFullError
from server.query.errors import QueryTooExpensiveError
from storage.errors import StorageError
from storage.interrupt import InterruptedQueryError

__all__ = ["EXPECTED_ERRORS", "CallStatus", "retry_trailers", "status_of"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallStatus:
    """CallStatus of a failed call.

    Attributes:
        code: status code over gRPC; its name is the ``code`` of an answer over HTTP.
        http_status: status code over HTTP.
        message: reason, for the caller.
        retry_after: seconds after which a retry makes sense; 0 if none does.
    """

    code: grpc.StatusCode
    http_status: int
    message: str
    retry_after: int = 0


_STATUSES: dict[type[Exception], tuple[grpc.StatusCode, int]] = {
    UnauthenticatedError: (grpc.StatusCode.UNAUTHENTICATED, 401),
    ForbiddenError: (grpc.StatusCode.PERMISSION_DENIED, 403),
    TooLargeError: (grpc.StatusCode.RESOURCE_EXHAUSTED, 413),  # before its base class
    InvalidArgumentError: (grpc.StatusCode.INVALID_ARGUMENT, 400),
    LateRequestError: (grpc.StatusCode.DEADLINE_EXCEEDED, 408),
    QueryTooExpensiveError: (grpc.StatusCode.RESOURCE_EXHAUSTED, 422),
    NotFoundError: (grpc.StatusCode.NOT_FOUND, 404),
    NotPermittedError: (grpc.StatusCode.PERMISSION_DENIED, 403),
    ConflictError: (grpc.StatusCode.FAILED_PRECONDITION, 409),
    UnrecordedError: (grpc.StatusCode.UNAVAILABLE, 503),
    AlteredError: (grpc.StatusCode.DATA_LOSS, 500),
    DataDirectoryError: (grpc.StatusCode.FAILED_PRECONDITION, 500),
    SigningError: (grpc.StatusCode.UNAVAILABLE, 503),
    StorageError: (grpc.StatusCode.UNAVAILABLE, 503),
    InterruptedQueryError: (grpc.StatusCode.UNAVAILABLE, 503),
    PoolFullError: (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
    QueueFullError: (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
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
        return CallStatus(*statuses, str(error), 1 if isinstance(error, (PoolFullError, QueueFullError)) else 0)
    if error.public != str(error):
        _logger.warning("an API call failed: storage cannot be read: %s", error)
    # Otherwise that would be said twice.
    return CallStatus(
        *statuses, f"{'' if error.public.startswith('storage ') else 'storage cannot be read: '}{error.public}"
    )


def retry_trailers(status: CallStatus) -> tuple[tuple[str, bytes], ...]:
    """Return the trailers that say when a failed call should be made again (google.rpc.RetryInfo)."""
    details = status_pb2.Status(code=status.code.value[0], message=status.message)
    details.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=status.retry_after)))
    return (("grpc-status-details-bin", details.SerializeToString()),)

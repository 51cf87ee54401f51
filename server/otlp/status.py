"""Status of a refused request, for gRPC and for HTTP.

The code decides whether the sender keeps its records or throws them away, so this is where "OK means kept"
is held up for everything that is not OK (OTLP specification, "Failures", for both transports):

=====================  ====================  =====================  ========================
error                  gRPC                  HTTP                   the sender
=====================  ====================  =====================  ========================
RefusedError           UNAVAILABLE+RetryInfo 503 + Retry-After      sends again later
anything unforeseen    UNAVAILABLE+RetryInfo 503 + Retry-After      sends again later
MalformedRequestError  INVALID_ARGUMENT      400                    drops the request
UnauthenticatedSender… UNAUTHENTICATED       401                    drops the request
ForbiddenSenderError   PERMISSION_DENIED     403                    drops the request
ForbiddenStreamError   PERMISSION_DENIED     403                    drops the request
AuditRecordConflict…   ALREADY_EXISTS        409                    drops the request
TooLargeError          RESOURCE_EXHAUSTED    413                    drops it, or splits it
OversizedError         RESOURCE_EXHAUSTED    413                    drops it, or splits it
MessageCountError      UNIMPLEMENTED         501                    drops it
NotServedError         UNIMPLEMENTED         404 (405: method)      drops it
UnsupportedMediaError  INVALID_ARGUMENT      415                    drops it
=====================  ====================  =====================  ========================

The unforeseen is answered as retryable on purpose: senders must not retry UNKNOWN and INTERNAL, nor any
HTTP 5xx but 502, 503 and 504, so the codes that servers give by default would lose the records.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from google.protobuf import duration_pb2, json_format
from google.rpc import (  # googleapis-common-protos has no py.typed
    error_details_pb2,
    status_pb2,
)

from server.errors.audit_records import AuditRecordConflictError
from server.errors.ingest import ForbiddenStreamError, IngestError, MalformedRequestError, OversizedError, RefusedError
from server.otlp.errors import (
    ForbiddenSenderError,
    MessageCountError,
    NotServedError,
    TooLargeError,
    UnauthenticatedSenderError,
    UnsupportedMediaError,
)

__all__ = ["Refusal", "grpc_trailers", "http_body", "http_headers", "refusal_of"]

_logger = logging.getLogger(__name__)

_UNFORESEEN_RETRY_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 3600.0

# The message travels twice in the trailers, once percent-encoded (up to three bytes a byte), and gRPC
# clients refuse metadata above 8 KiB, which would hide the code itself.
_LONGEST_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not accepted, in the words of both transports.

    Attributes:
        code: the gRPC code, also the one in the body of an HTTP answer.
        http_status: the HTTP status.
        message: explanation for the operators of the sender.
        retry_after: seconds after which to retry; None if a retry is useless.
        headers: further headers of an HTTP answer, such as Accept-Encoding.
    """

    code: grpc.StatusCode
    http_status: int
    message: str
    retry_after: float | None = None
    headers: tuple[tuple[str, str], ...] = ()


# The code and the status of errors that make a retry useless; by class, so that a class's own come before its base's.
_FINAL: Mapping[type[BaseException], tuple[grpc.StatusCode, int]] = {
    MalformedRequestError: (grpc.StatusCode.INVALID_ARGUMENT, 400),
    UnauthenticatedSenderError: (grpc.StatusCode.UNAUTHENTICATED, 401),
    ForbiddenSenderError: (grpc.StatusCode.PERMISSION_DENIED, 403),
    ForbiddenStreamError: (grpc.StatusCode.PERMISSION_DENIED, 403),
    AuditRecordConflictError: (grpc.StatusCode.ALREADY_EXISTS, 409),
    TooLargeError: (grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
    OversizedError: (grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
    # "Request cardinality violation" in gRPC's list of the codes that it generates (statuscodes.md).
    MessageCountError: (grpc.StatusCode.UNIMPLEMENTED, 501),
    NotServedError: (grpc.StatusCode.UNIMPLEMENTED, 404),
    UnsupportedMediaError: (grpc.StatusCode.INVALID_ARGUMENT, 415),
}


def refusal_of(error: BaseException) -> Refusal:
    """Find the answer to an error, and log the error if it is none that receivers know of."""
    message = _presentable(error.for_senders if isinstance(error, IngestError) else str(error))
    if isinstance(error, RefusedError):
        return Refusal(grpc.StatusCode.UNAVAILABLE, 503, message, _bounded(error.retry_after))
    final = next((_FINAL[kind] for kind in type(error).__mro__ if kind in _FINAL), None)
    if final is not None:
        return Refusal(*final, message, headers=_headers(error))
    _logger.error("unexpected error: the request is refused as retryable", exc_info=error)
    # The error's own text is not for outsiders.
    return Refusal(
        grpc.StatusCode.UNAVAILABLE,
        503,
        "the request was not stored because of an error in the server: see the server's log",
        _UNFORESEEN_RETRY_SECONDS,
    )


def grpc_trailers(refusal: Refusal) -> tuple[tuple[str, bytes], ...]:
    """Return the trailers of a refused call.

    Two places, because senders look in two: the Collector reads RetryInfo from the details of the status,
    the Python SDK from a trailer that holds a bare RetryInfo.
    """
    trailers = [("grpc-status-details-bin", _status(refusal).SerializeToString())]
    if refusal.retry_after is not None:
        trailers.append(("google.rpc.retryinfo-bin", _retry_info(refusal.retry_after).SerializeToString()))
    return tuple(trailers)


def http_headers(refusal: Refusal) -> dict[str, str]:
    """Return the headers of a refused request, except those of its body."""
    headers = dict(refusal.headers)
    if refusal.retry_after is not None:
        # RFC 9110, 10.2.3: delay-seconds is a whole number. Zero would make the sender spin.
        headers["Retry-After"] = str(max(1, math.ceil(refusal.retry_after)))
    return headers


def http_body(refusal: Refusal, *, as_json: bool) -> bytes:
    """Return the body, a ``google.rpc.Status`` (OTLP specification, "OTLP/HTTP response", "Failures")."""
    status = _status(refusal)
    if as_json:
        return json_format.MessageToJson(status, indent=None).encode()
    serialized: bytes = status.SerializeToString()
    return serialized


def _headers(error: BaseException) -> tuple[tuple[str, str], ...]:
    if isinstance(error, UnauthenticatedSenderError):
        return (("WWW-Authenticate", "Bearer"),)  # RFC 9110, 11.6.1: an answer 401 MUST have it
    return ((error.header, ", ".join(error.accepted)),) if isinstance(error, UnsupportedMediaError) else ()


def _status(refusal: Refusal) -> status_pb2.Status:
    status = status_pb2.Status(code=refusal.code.value[0], message=refusal.message)
    if refusal.retry_after is not None:
        status.details.add().Pack(_retry_info(refusal.retry_after))
    elif refusal.code is grpc.StatusCode.INVALID_ARGUMENT:
        violation = error_details_pb2.BadRequest.FieldViolation(description=refusal.message)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    return status


def _retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    delay = duration_pb2.Duration()
    delay.FromMilliseconds(round(seconds * 1000))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def _bounded(seconds: float) -> float:
    """Keep a delay within what a Duration holds; this order of arguments turns NaN into zero."""
    return min(max(0.0, seconds), _LONGEST_RETRY_SECONDS)


def _presentable(message: str) -> str:
    """Make a message fit for a trailer: of limited length, and without what UTF-8 cannot express."""
    text = message.encode("utf-8", "replace").decode()
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"

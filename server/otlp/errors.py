"""Errors of a request that a receiver refuses before its records are read.

    ReceiveError                       base: the receiver refuses the request; do not retry it unchanged
    ├── UnauthenticatedSenderError     no valid credentials
    ├── ForbiddenSenderError           credentials that are not for such requests
    ├── MessageCountError              a gRPC call with no message, or with several
    ├── NotServedError                 another signal, or an unknown path or service
    ├── TooLargeError                  above the size limit, on the wire or after decompression
    └── UnsupportedMediaError          an unsupported form; names the supported ones
        ├── UnsupportedTypeError       the Content-Type
        └── UnsupportedEncodingError   the Content-Encoding

Bytes that do not hold what their type and encoding promise are the pipeline's ``MalformedRequestError``.
"""

from __future__ import annotations

from typing import ClassVar

from server.access.errors import ForbiddenError, UnauthenticatedError
from server.errors.ingest import IngestError

__all__ = [
    "ForbiddenSenderError",
    "MessageCountError",
    "NotServedError",
    "ReceiveError",
    "TooLargeError",
    "UnauthenticatedSenderError",
    "UnsupportedEncodingError",
    "UnsupportedMediaError",
    "UnsupportedTypeError",
]


class ReceiveError(IngestError):
    """Base of the refusals that a receiver decides by itself."""


class UnauthenticatedSenderError(ReceiveError):
    """The request has no valid credentials; the message does not say what is wrong with them."""

    outcome: ClassVar[str] = "unauthenticated"

    def __init__(self, error: UnauthenticatedError) -> None:
        """Refuse for the reason of an error."""
        super().__init__(str(error))
        self.denial, self.token = error.denial.value, error.token


class ForbiddenSenderError(ReceiveError):
    """The sender may not send such a request."""

    outcome: ClassVar[str] = "forbidden"

    def __init__(self, error: ForbiddenError) -> None:
        """Refuse for the reason of an error."""
        super().__init__(str(error))
        self.denial, self.token = error.denial.value, error.token


class MessageCountError(ReceiveError):
    """The call does not have exactly one message, as a unary call must."""

    outcome: ClassVar[str] = "malformed"


class NotServedError(ReceiveError):
    """Nothing is served under this path or service; the message says what is served."""

    outcome: ClassVar[str] = "not_served"


class TooLargeError(ReceiveError):
    """The request is larger than the limit, as sent or after decompression."""

    outcome: ClassVar[str] = "too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"the request is larger than {limit} bytes, the limit before and after decompression: "
            "send it in smaller batches"
        )


class UnsupportedMediaError(ReceiveError):
    """The request is in a form that the receiver does not support.

    Attributes:
        accepted: what could have been sent instead, as it is written in the header.
        header: the header of an HTTP answer that lists it (RFC 9110, 12.5.1 and 12.5.3).
        subject: what is not supported, as a noun.
    """

    outcome: ClassVar[str] = "unsupported"
    header: ClassVar[str] = "Accept"
    subject: ClassVar[str]

    def __init__(self, message: str, accepted: tuple[str, ...]) -> None:
        super().__init__(f"{message}; accepted: {', '.join(accepted)}")
        self.accepted = accepted

    @property
    def loggable(self) -> str:
        """The message without what the sender gave."""
        return f"{self.subject} is not supported; accepted: {', '.join(self.accepted)}"


class UnsupportedTypeError(UnsupportedMediaError):
    """The Content-Type is neither OTLP protobuf nor OTLP JSON."""

    subject: ClassVar[str] = "the Content-Type"


class UnsupportedEncodingError(UnsupportedMediaError):
    """The Content-Encoding is unknown."""

    header: ClassVar[str] = "Accept-Encoding"
    subject: ClassVar[str] = "the Content-Encoding"

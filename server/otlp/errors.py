"""Errors of a request that a receiver refuses before its records are read.

    ReceiveError                       base: the receiver refuses the request; do not retry it unchanged
    ├── MessageCountError              a gRPC call with no message, or with several
    ├── TooLargeError                  above the size limit, on the wire or after decompression
    └── UnsupportedMediaError          an unsupported form; names the supported ones
        ├── UnsupportedTypeError       the Content-Type
        └── UnsupportedEncodingError   the Content-Encoding

Bytes that do not hold what their type and encoding promise are the pipeline's ``MalformedRequestError``.
"""

from __future__ import annotations

from typing import ClassVar

from server.errors.ingest import IngestError

__all__ = [
    "MessageCountError",
    "ReceiveError",
    "TooLargeError",
    "UnsupportedEncodingError",
    "UnsupportedMediaError",
    "UnsupportedTypeError",
]


class ReceiveError(IngestError):
    """Base of the refusals that a receiver decides by itself."""


class MessageCountError(ReceiveError):
    """The call does not have exactly one message, as a unary call must."""

    outcome: ClassVar[str] = "malformed"


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
    """

    outcome: ClassVar[str] = "unsupported"
    header: ClassVar[str] = "Accept"

    def __init__(self, message: str, accepted: tuple[str, ...]) -> None:
        super().__init__(f"{message}; accepted: {', '.join(accepted)}")
        self.accepted = accepted


class UnsupportedTypeError(UnsupportedMediaError):
    """The Content-Type is neither OTLP protobuf nor OTLP JSON."""


class UnsupportedEncodingError(UnsupportedMediaError):
    """The Content-Encoding is unknown."""

    header: ClassVar[str] = "Accept-Encoding"

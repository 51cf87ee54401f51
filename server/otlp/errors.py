"""What can be wrong with a request before its records are looked at.

    ReceiveError                       the receiver refuses the request: do not retry it as it is
    ├── MessageCountError              a gRPC call with no message, or with several
    ├── TooLargeError                  above the size limit, on the wire or after decompression
    └── UnsupportedMediaError          not in a form that is spoken here; names those that are
        ├── UnsupportedTypeError       the Content-Type
        └── UnsupportedEncodingError   the Content-Encoding

Bytes that do not hold what their type and encoding promise are the pipeline's ``MalformedRequestError``.
"""

from __future__ import annotations

__all__ = [
    "MessageCountError",
    "ReceiveError",
    "TooLargeError",
    "UnsupportedEncodingError",
    "UnsupportedMediaError",
    "UnsupportedTypeError",
]


class ReceiveError(Exception):
    """Base of the refusals that a receiver decides by itself."""


class MessageCountError(ReceiveError):
    """The call does not have the one message that a unary call has."""


class TooLargeError(ReceiveError):
    """The request is larger than the limit, as sent or after decompression."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"the request is larger than {limit} bytes, the limit before and after decompression: "
            "send it in smaller batches"
        )


class UnsupportedMediaError(ReceiveError):
    """The request is in a form that is not spoken here.

    Attributes:
        accepted: what could have been sent instead, as it is written in the header.
    """

    def __init__(self, message: str, accepted: tuple[str, ...]) -> None:
        super().__init__(f"{message}; accepted: {', '.join(accepted)}")
        self.accepted = accepted


class UnsupportedTypeError(UnsupportedMediaError):
    """The Content-Type is neither OTLP protobuf nor OTLP JSON."""


class UnsupportedEncodingError(UnsupportedMediaError):
    """The Content-Encoding is unknown."""

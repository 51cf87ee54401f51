"""Errors between the receipt of a request and its commit.

IngestError                    has the label for metrics, and whether the sender should retry
├── ReceiveError               server.otlp.errors: before the records are decoded
└── PipelineError              see below

PipelineError
├── MalformedRequestError     the bytes can never be accepted: do not retry
├── JournalDamagedError       the journal cannot be used as it is: the operator must act
├── OversizedError            the request needs more memory than the limit: do not retry it as it is
└── RefusedError              nothing was lost: the sender should retry
    ├── OverloadedError       the server is at its limit of requests or memory
    ├── StalledError          the request did not arrive in time
    ├── StorageRefusedError   storage could not commit the batch, or not in time
    │   └── BatchOutcomeUnknownError   the batch may be stored already, and will be
    ├── JournalFullError      the journal is full until storage accepts its batches
    ├── JournalFailedError    the journal cannot be written now
    └── ShuttingDownError     the server no longer accepts requests
"""

from __future__ import annotations

import re
from typing import ClassVar

from server.errors.base import LognotaryError

__all__ = [
    "BatchOutcomeUnknownError",
    "IngestError",
    "JournalDamagedError",
    "JournalFailedError",
    "JournalFullError",
    "MalformedRequestError",
    "OverloadedError",
    "OversizedError",
    "PipelineError",
    "RefusedError",
    "ShuttingDownError",
    "StalledError",
    "StorageRefusedError",
]


_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")


class IngestError(LognotaryError):
    """Base class of all errors that refuse a request.

    Attributes:
        outcome: label of the refused request in ``lognotary_requests_total``.
        retryable: True if the sender should send the request again unchanged.
    """

    outcome: ClassVar[str] = "unforeseen"

    @property
    def loggable(self) -> str:
        """The message without anything that came from a sender."""
        return str(self)


class PipelineError(IngestError):
    """Base class of all errors of requests in the pipeline."""


class MalformedRequestError(PipelineError):
    """The request can never be decoded; the message says what is wrong, and where."""

    outcome: ClassVar[str] = "malformed"

    @property
    def loggable(self) -> str:
        """The message without the names that it repeats, which are in quotes."""
        return _QUOTED.sub("'…'", str(self))


class JournalDamagedError(PipelineError):
    """The content of the journal cannot be read or continued; the message says what to do."""


class OversizedError(PipelineError):
    """The request needs more memory than the server may use, even without any other requests."""

    outcome: ClassVar[str] = "too_large"


class RefusedError(PipelineError):
    """The request was not committed and may be sent again.

    Attributes:
        retry_after: seconds after which the sender should try again.
    """

    retryable: ClassVar[bool] = True

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OverloadedError(RefusedError):
    """The server has reached its limit of requests, or of their memory."""

    outcome: ClassVar[str] = "overloaded"


class StalledError(RefusedError):
    """The request arrived too slowly, and the server no longer waits for the rest of it."""

    outcome: ClassVar[str] = "stalled"


class StorageRefusedError(RefusedError):
    """Storage did not commit the batch, or its answer did not come in time."""

    outcome: ClassVar[str] = "storage"


class BatchOutcomeUnknownError(StorageRefusedError):
    """The batch is in the journal and may be in storage: it is stored before the next batch, or by the next start.

    Its senders are refused and will retry their requests, which must not be stored again.
    """


class JournalFullError(RefusedError):
    """The journal has reached its size limit."""

    outcome: ClassVar[str] = "journal_full"


class JournalFailedError(RefusedError):
    """An entry could not be written to the journal."""

    outcome: ClassVar[str] = "journal_failed"


class ShuttingDownError(RefusedError):
    """The server is shutting down; another server, or this one after a restart, will accept the request."""

    outcome: ClassVar[str] = "shutting_down"

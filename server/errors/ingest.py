"""What can go wrong between a received request and its commit.

IngestError                    says how it is counted, and whether the sender should retry
├── ReceiveError               server.otlp.errors: before the records are looked at
└── PipelineError              see below

PipelineError
├── MalformedRequestError     the bytes can never be accepted: do not retry
├── JournalDamagedError       the journal cannot be used as it is: tell the operator
├── OversizedError            it needs more memory than there ever is: do not retry it as it is
└── RefusedError              nothing was lost, the sender should retry
    ├── OverloadedError       more requests than are taken in at a time
    ├── StalledError          the request did not arrive in time
    ├── StorageRefusedError   storage could not commit the batch, or not in time
    │   └── BatchOutcomeUnknownError   the batch may be stored, and will be
    ├── JournalFullError      the journal has no room until storage takes what it holds
    ├── JournalFailedError    the journal cannot be written now
    └── ShuttingDownError     the server no longer accepts requests
"""

from __future__ import annotations

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


class IngestError(LognotaryError):
    """Base of every error that refuses a request.

    Attributes:
        outcome: label of the refused request in ``lognotary_requests_total``.
        retryable: the sender should send the request again as it is.
    """

    outcome: ClassVar[str] = "unforeseen"


class PipelineError(IngestError):
    """Base of every error that a request can meet in the pipeline."""


class MalformedRequestError(PipelineError):
    """The request cannot be decoded, now or ever; the message says where it is wrong."""

    outcome: ClassVar[str] = "malformed"


class JournalDamagedError(PipelineError):
    """What the journal holds cannot be read or gone on with; the message says what to do."""


class OversizedError(PipelineError):
    """The request needs more memory than the server may take, even if it has it all to itself."""

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
    """There are more requests, or larger ones, than the server takes in at a time."""

    outcome: ClassVar[str] = "overloaded"


class StalledError(RefusedError):
    """The request came so slowly that the server does not wait for the rest of it."""

    outcome: ClassVar[str] = "stalled"


class StorageRefusedError(RefusedError):
    """Storage did not commit the batch, or its answer did not come in time."""

    outcome: ClassVar[str] = "storage"


class BatchOutcomeUnknownError(StorageRefusedError):
    """The batch is in the journal, and may be in storage: it is stored before the next batch, or by the next start.

    Its senders are refused and send their requests again, which must not be stored anew.
    """


class JournalFullError(RefusedError):
    """As much waits in the journal as it may take."""

    outcome: ClassVar[str] = "journal_full"


class JournalFailedError(RefusedError):
    """The disk did not take an entry of the journal."""

    outcome: ClassVar[str] = "journal_failed"


class ShuttingDownError(RefusedError):
    """The server is shutting down; another one, or this one restarted, will take the request."""

    outcome: ClassVar[str] = "shutting_down"

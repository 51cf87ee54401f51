"""Errors between the receipt of a request and its commit.

IngestError                    has the label for metrics, and whether the sender should retry
├── ReceiveError               server.otlp.errors: before the records are decoded
└── PipelineError              see below

PipelineError
├── MalformedRequestError     the bytes can never be accepted: do not retry
│   └── UnprovedRecordError       signatures of producers are required, and a record has no valid one
├── JournalDamagedError       the journal cannot be used as it is: the operator must act
│   └── JournalKeyError           the journal is encrypted with a key that is not here
├── ForbiddenStreamError      its sender may not write to the stream of a record: do not retry
├── OversizedError            the request needs more memory than the limit: do not retry it as it is
└── RefusedError              nothing was lost: the sender should retry
    ├── OverloadedError       the server is at its limit of requests or memory
    ├── TenantLimitError      the tenant is at a limit of its own
    ├── StalledError          the request did not arrive in time
    ├── StorageRefusedError   storage could not commit the batch, or not in time
    │   ├── BatchOutcomeUnknownError   the batch may be stored already, and will be
    │   └── EndedWaitError             the server stopped before storage answered
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
    "EndedWaitError",
    "ForbiddenStreamError",
    "IngestError",
    "JournalDamagedError",
    "JournalFailedError",
    "JournalFullError",
    "JournalKeyError",
    "MalformedRequestError",
    "OverloadedError",
    "OversizedError",
    "PipelineError",
    "RefusedError",
    "ShuttingDownError",
    "StalledError",
    "StorageRefusedError",
    "TenantLimitError",
    "UnprovedRecordError",
]


_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")


class IngestError(LognotaryError):
    """Base class of all errors that refuse a request.

    Attributes:
        outcome: label of the refused request in ``lognotary_requests_total``.
        denial: reason in ``lognotary_denied_total`` if the sender may not send the request; empty for other refusals.
        token: name and identifier of the token whose request was denied; empty if there is none, or an unknown one.
        retryable: True if the sender should send the request again unchanged.
    """

    outcome: ClassVar[str] = "unforeseen"
    denial: str = ""
    token: str = ""

    @property
    def loggable(self) -> str:
        """The message without anything that came from a sender."""
        return str(self)

    @property
    def for_senders(self) -> str:
        """The message without what only the server's operator may know: paths, addresses, errors of storage."""
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


class UnprovedRecordError(MalformedRequestError):
    """Signatures of producers are required, and an audit record has no valid one of a trusted producer."""

    outcome: ClassVar[str] = "unproved"


class ForbiddenStreamError(PipelineError):
    """A record belongs to a stream that its sender may not write to; nothing of the request is stored."""

    outcome: ClassVar[str] = "forbidden"
    denial = "forbidden"

    def __init__(self, *streams: str) -> None:
        """Refuse a request because of the stream of a record, or of those to which its records can belong."""
        super().__init__(f"these credentials are not for records of the stream {' or '.join(streams)}")


class JournalDamagedError(PipelineError):
    """The content of the journal cannot be read or continued; the message says what to do."""


class JournalKeyError(JournalDamagedError):
    """The journal is encrypted with a key that is not among the keys of the server; the message says what to do."""


class OversizedError(PipelineError):
    """The request needs more memory than the server may use, even without any other requests."""

    outcome: ClassVar[str] = "too_large"


class RefusedError(PipelineError):
    """The request was not committed and may be sent again.

    Attributes:
        retry_after: seconds after which the sender should try again.
        sentence: message for senders if the message itself may have details that are not for them; else empty.
    """

    retryable: ClassVar[bool] = True
    sentence: ClassVar[str] = ""

    def __init__(self, message: str, *, retry_after: float = 1.0, public: str = "") -> None:
        """Create an error.

        Args:
            message: reason, for the server's log.
            retry_after: seconds after which the sender should try again.
            public: reason for the sender; empty for the sentence of the class, or the message if it has none.
        """
        super().__init__(message)
        self.retry_after = retry_after
        self._public = public

    @property
    def for_senders(self) -> str:
        """The message without details of the server and of storage."""
        return self._public or self.sentence or str(self)


class OverloadedError(RefusedError):
    """The server has reached its limit of requests, or of their memory."""

    outcome: ClassVar[str] = "overloaded"


class TenantLimitError(RefusedError):
    """The tenant to whom the records belong has used up what it may use."""

    outcome: ClassVar[str] = "tenant_limit"


class StalledError(RefusedError):
    """The request arrived too slowly, and the server no longer waits for the rest of it."""

    outcome: ClassVar[str] = "stalled"


class StorageRefusedError(RefusedError):
    """Storage did not commit the batch, or its answer did not come in time."""

    outcome: ClassVar[str] = "storage"
    sentence: ClassVar[str] = "the records cannot be stored now; the server's log says why"


class BatchOutcomeUnknownError(StorageRefusedError):
    """The batch is in the journal and may be in storage: it is stored before the next batch, or by the next start.

    Its senders are refused and will retry their requests, which must not be stored again.
    """

    sentence: ClassVar[str] = "storage did not confirm the records, which may be stored; the server's log says why"


class EndedWaitError(StorageRefusedError):
    """The server stopped before storage took what was waiting for it, which stays in the journal."""

    sentence: ClassVar[str] = "the server is shutting down"


class JournalFullError(RefusedError):
    """The journal has reached its size limit."""

    outcome: ClassVar[str] = "journal_full"
    sentence: ClassVar[str] = "the journal is full until storage takes the records that wait in it"


class JournalFailedError(RefusedError):
    """An entry could not be written to the journal."""

    outcome: ClassVar[str] = "journal_failed"
    sentence: ClassVar[str] = "the journal cannot be written now; the server's log says why"


class ShuttingDownError(RefusedError):
    """The server is shutting down; another server, or this one after a restart, will accept the request."""

    outcome: ClassVar[str] = "shutting_down"

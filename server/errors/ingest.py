"""What can go wrong between a received request and its commit.

PipelineError
├── MalformedRequestError     the bytes can never be accepted: do not retry
├── JournalDamagedError       the journal cannot be used as it is: tell the operator
├── OversizedError            it needs more memory than there ever is: do not retry it as it is
└── RefusedError              nothing was lost, the sender should retry
    ├── OverloadedError       more requests than are taken in at a time
    ├── StalledError          the request did not arrive in time
    ├── StorageRefusedError   storage could not commit the batch, or not in time
    ├── JournalFullError      the journal has no room until storage takes what it holds
    ├── JournalFailedError    the journal cannot be written now
    └── ShuttingDownError     the server no longer accepts requests
"""

from __future__ import annotations

__all__ = [
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


class PipelineError(Exception):
    """Base of every error that a request can meet in the pipeline."""


class MalformedRequestError(PipelineError):
    """The request cannot be decoded, now or ever; the message says where it is wrong."""


class JournalDamagedError(PipelineError):
    """What the journal holds cannot be read or gone on with; the message says what to do."""


class OversizedError(PipelineError):
    """The request needs more memory than the server may take, even if it has it all to itself."""


class RefusedError(PipelineError):
    """The request was not committed and may be sent again.

    Attributes:
        retry_after: seconds after which the sender should try again.
    """

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OverloadedError(RefusedError):
    """There are more requests, or larger ones, than the server takes in at a time."""


class StalledError(RefusedError):
    """The request came so slowly that the server does not wait for the rest of it."""


class StorageRefusedError(RefusedError):
    """Storage did not commit the batch, or its answer did not come in time."""


class JournalFullError(RefusedError):
    """As much waits in the journal as it may take."""


class JournalFailedError(RefusedError):
    """The disk did not take an entry of the journal."""


class ShuttingDownError(RefusedError):
    """The server is shutting down; another one, or this one restarted, will take the request."""

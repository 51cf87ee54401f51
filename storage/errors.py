"""What can go wrong in storage.

StorageError
├── StorageConfigError     a storage URL or an existing table that cannot be used: tell the operator
├── StorageBusyError       the embedded directory is in use by another process
├── NotAppliedError        storage refused the statement; certainly nothing of it was stored
│   └── LeaseLostError     another server writes under this name now, so the statement was not even sent
└── OutcomeUnknownError    the connection broke or the answer did not come: it may have been stored
"""

from __future__ import annotations

from typing import ClassVar

from server.errors.base import LognotaryError

__all__ = [
    "LeaseLostError",
    "NotAppliedError",
    "OutcomeUnknownError",
    "StorageBusyError",
    "StorageConfigError",
    "StorageError",
]


class StorageError(LognotaryError):
    """Base of every error of this package."""

    retryable: ClassVar[bool] = True


class StorageConfigError(StorageError):
    """What the operator gave cannot work; the message says what to do."""

    retryable: ClassVar[bool] = False


class StorageBusyError(StorageError):
    """The embedded engine's directory belongs to another process."""

    retryable: ClassVar[bool] = False


class NotAppliedError(StorageError):
    """Storage was not reached, or refused; nothing was stored."""


class LeaseLostError(NotAppliedError):
    """Another server has taken over the writer's name: this process must not write any more."""

    retryable: ClassVar[bool] = False


class OutcomeUnknownError(StorageError):
    """The statement was sent and no answer came; repeat it with the same deduplication token."""

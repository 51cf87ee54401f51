"""Errors of storage.

StorageError
├── StorageConfigError     a storage URL or an existing table that cannot be used: for the operator
├── StorageBusyError       the embedded directory is in use by another process
├── NotAppliedError        storage refused the statement; nothing was stored
│   ├── LimitExceededError     a limit of this user stopped the statement
│   ├── SettingRefusedError    this user may not send a setting that every statement needs
│   └── LeaseLostError     another server writes under this name now, so the statement was not even sent
├── InconsistentAnswerError  two answers about the same rows disagree
├── UnreadableTableError   a table's columns are not of the types that migrations gave them
└── OutcomeUnknownError    the connection broke or no answer came: it may have been stored
"""

from __future__ import annotations

from typing import ClassVar

from server.errors.base import LognotaryError

__all__ = [
    "InconsistentAnswerError",
    "LeaseLostError",
    "LimitExceededError",
    "NotAppliedError",
    "OutcomeUnknownError",
    "SettingRefusedError",
    "StorageBusyError",
    "StorageConfigError",
    "StorageError",
    "UnreadableTableError",
]


class StorageError(LognotaryError):
    """Base of every error of this package."""

    retryable: ClassVar[bool] = True


class StorageConfigError(StorageError):
    """The configuration cannot be used; the message says what to do."""

    retryable: ClassVar[bool] = False


class StorageBusyError(StorageError):
    """The embedded engine's directory is in use by another process."""

    retryable: ClassVar[bool] = False


class LeaseHeldError(StorageConfigError):
    """Another server holds the lease on the writer's name.

    Attributes:
        same_location: the other server has the same host name and data directory path as this one, so it may be this
            server's past, before a reboot or on another machine.
    """

    def __init__(self, message: str, *, same_location: bool) -> None:
        """Create an error."""
        super().__init__(message)
        self.same_location = same_location


class NotAppliedError(StorageError):
    """Storage could not be reached, or refused the statement; nothing was stored."""


class SettingRefusedError(NotAppliedError):
    """ClickHouse does not let this user send a setting that every statement needs; the message says what to do."""

    retryable: ClassVar[bool] = False


class LimitExceededError(NotAppliedError):
    """A limit in the settings of this user of ClickHouse stopped the statement."""


class LeaseLostError(NotAppliedError):
    """Another server has taken over the writer's name: this process must not write any more."""

    retryable: ClassVar[bool] = False


class InconsistentAnswerError(StorageError):
    """Storage gives answers about the same rows that disagree."""


class UnreadableTableError(StorageError):
    """An answer has columns of other types than the tables of migrations have: a table was altered."""

    retryable: ClassVar[bool] = False


class OutcomeUnknownError(StorageError):
    """The statement was sent, but no answer came; retry with the same deduplication token."""

"""Errors of storage.

StorageError
├── StorageConfigError     a storage URL or an existing table that cannot be used: for the operator
│   ├── LeaseHeldError     another server holds the lease on the writer's name
│   └── NoDataError        there is no Lognotary data at a storage URL that is only read
├── StorageBusyError       the embedded directory is in use by another process
├── NotAppliedError        storage refused the statement; nothing was stored
│   ├── AccessDeniedError      this user lacks a right, or may only read
│   ├── LimitExceededError     a limit of this user stopped the statement
│   ├── LoginRefusedError      user name or password are wrong
│   ├── MissingFilesError      files of storage were deleted
│   ├── SettingRefusedError    this user may not send a setting that every statement needs
│   ├── StorageFullError       the disk of storage is full
│   ├── WrongEndpointError     the address is not the address of a ClickHouse HTTP interface
│   └── LeaseLostError     another server writes under this name now, so the statement was not even sent
├── InconsistentAnswerError  two answers about the same rows disagree
├── LongRowError           a row is too long to be read
├── UnreadableTableError   a table's columns are not of the types that migrations gave them
└── OutcomeUnknownError    the connection broke or no answer came: it may have been stored
    ├── CutOffError        the process stops, and waits for no answer any more
    └── TimedOutError      no answer came in time

A message is for operators: it may have paths, addresses, and what ClickHouse said. Senders of records get ``sentence``,
callers of the API ``public``.

Errors with ``retryable`` False are permanent: they last until an operator acts, and their messages say how.
"""

from __future__ import annotations

from typing import ClassVar

from server.errors.base import LognotaryError

__all__ = [
    "AccessDeniedError",
    "CutOffError",
    "InconsistentAnswerError",
    "LeaseHeldError",
    "LeaseLostError",
    "LimitExceededError",
    "LoginRefusedError",
    "LongRowError",
    "MissingFilesError",
    "NoDataError",
    "NotAppliedError",
    "OutcomeUnknownError",
    "SettingRefusedError",
    "StorageBusyError",
    "StorageConfigError",
    "StorageError",
    "StorageFullError",
    "TimedOutError",
    "UnreadableTableError",
    "WrongEndpointError",
]


class StorageError(LognotaryError):
    """Base of every error of this package.

    Attributes:
        sentence: what senders of records are told.
    """

    retryable: ClassVar[bool] = True
    sentence: ClassVar[str] = "storage cannot be used"

    def __init__(self, message: str, *, public: str = "") -> None:
        """Create an error.

        Args:
            message: reason, for operators.
            public: reason for callers of the API; empty if they may have the message.
        """
        super().__init__(message)
        self.public = public or message
        """Reason for callers of the API, without paths and ClickHouse's own words."""


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


class NoDataError(StorageConfigError):
    """A storage that is only read has no Lognotary data; the message names the storage."""


class NotAppliedError(StorageError):
    """Storage could not be reached, or refused the statement; nothing was stored."""

    sentence: ClassVar[str] = "storage cannot be reached, or refuses the records"


class AccessDeniedError(NotAppliedError):
    """This user of ClickHouse lacks a right, or may only read; the message has the statement that grants the right."""

    retryable: ClassVar[bool] = False
    sentence: ClassVar[str] = "the server lacks rights in storage"


class LoginRefusedError(NotAppliedError):
    """ClickHouse knows no such user, or the password is wrong."""

    retryable: ClassVar[bool] = False
    sentence: ClassVar[str] = "storage refuses the server's login"


class WrongEndpointError(NotAppliedError):
    """The host and port of a storage URL are not those of ClickHouse's HTTP interface; the message says which."""

    retryable: ClassVar[bool] = False


class StorageFullError(NotAppliedError):
    """The disk of storage is full, or has less free space than inserts need."""

    sentence: ClassVar[str] = "the disk of storage is full"


class MissingFilesError(NotAppliedError):
    """Files of storage were deleted or moved while it was open."""

    sentence: ClassVar[str] = "files of the storage are missing"


class SettingRefusedError(NotAppliedError):
    """ClickHouse does not let this user send a setting that every statement needs; the message says what to do."""

    retryable: ClassVar[bool] = False


class LimitExceededError(NotAppliedError):
    """A limit in the settings of this user of ClickHouse, or of the query, stopped the statement.

    Attributes:
        settings: names of the settings that may have been reached.
    """

    sentence: ClassVar[str] = "a limit of storage was reached"

    def __init__(self, message: str, *, public: str = "", settings: str = "") -> None:
        """Create an error."""
        super().__init__(message, public=public)
        self.settings = settings


class LeaseLostError(NotAppliedError):
    """Another server has taken over the writer's name: this process must not write any more."""

    retryable: ClassVar[bool] = False
    sentence: ClassVar[str] = "another server writes this log now"


class InconsistentAnswerError(StorageError):
    """Storage gives answers about the same rows that disagree."""


class LongRowError(StorageError):
    """A row is too long to be read; the message has the statement that finds the row."""

    retryable: ClassVar[bool] = False


class UnreadableTableError(StorageError):
    """An answer has columns of other types than the tables of migrations have: a table was altered."""

    retryable: ClassVar[bool] = False


class OutcomeUnknownError(StorageError):
    """The statement was sent, but no answer came; retry with the same deduplication token."""

    sentence: ClassVar[str] = "storage did not confirm the records"


class CutOffError(OutcomeUnknownError):
    """The process stops, and cut off a statement that storage had not answered; nothing is wrong with storage."""


class TimedOutError(OutcomeUnknownError):
    """Storage accepted the connection, but no answer came in time."""

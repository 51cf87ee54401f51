"""Inserts that last until storage has their rows, and the trouble that is reported meanwhile."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Protocol

from server.errors.ingest import BatchOutcomeUnknownError, RefusedError, StorageRefusedError
from server.log.retry_insert import insert_and_verify, retry_until_visible
from storage.errors import NotAppliedError

__all__ = ["Insert", "LastingInserts", "described", "not_stored", "outcome_unknown"]

_logger = logging.getLogger(__name__)


class Insert(Protocol):
    """Insert of rows that can be repeated and looked up."""

    @property
    def name(self) -> str:
        """Name of the insert in log messages."""

    def insert(self, renewed: int) -> None:
        """Insert the rows; takes the number of renewals of the deduplication token."""

    def is_stored(self) -> bool:
        """Return whether storage has the rows."""


class LastingInserts:
    """Inserts of one thread at a time; any thread may read the properties.

    Attributes:
        blocked: True while a batch has been started and cannot be finished.
    """

    def __init__(self, give_up: threading.Event) -> None:
        """Start without trouble.

        Args:
            give_up: event that ends the retries.
        """
        self.blocked = False
        self._give_up = give_up
        self._failure = ""  # of the last attempt to finish the batch

    @property
    def trouble(self) -> str:
        """Reason why the started batch cannot be finished; empty if there is none."""
        return self._failure or "waiting for storage to answer" if self.blocked else ""

    def store(self, rows: Insert, *, may_be_stored: bool = False) -> None:
        """Insert rows until storage has them.

        Args:
            rows: the insert.
            may_be_stored: True if storage may have the rows already: it is queried before and after the insert then.

        Raises:
            EndedWaitError: ``give_up`` was set before.
        """
        try:
            if may_be_stored:
                insert_and_verify(rows.name, rows.insert, rows.is_stored)
            else:
                rows.insert(0)
        except Exception as error:
            self.repeat(rows, error)

    def repeat(self, rows: Insert, error: Exception) -> None:
        """Repeat an insert that failed with an error until storage has its rows; raises as ``store``."""
        with self.blocking():
            retry_until_visible(rows.name, rows.insert, rows.is_stored, self._give_up, error, self.failed)

    @contextlib.contextmanager
    def blocking(self) -> Iterator[None]:
        """Set ``blocked`` until the block ends."""
        self._failure = ""
        self.blocked = True
        try:
            yield
        finally:
            self.blocked = False

    def failed(self, cause: str) -> None:
        """Note the reason of a failed attempt, within ``blocking``."""
        self._failure = cause


def not_stored(error: NotAppliedError) -> StorageRefusedError:
    """Return the refusal of a batch that storage did not accept."""
    return StorageRefusedError(
        f"the batch was not stored: {error}", retry_after=2.0, public=f"the batch was not stored: {error.sentence}"
    )


def outcome_unknown(name: str, error: Exception) -> BatchOutcomeUnknownError:
    """Return the refusal of a batch that storage may have, and log the reason unless a shutdown ended the retries."""
    if not isinstance(error, RefusedError):
        _logger.error("the outcome of %s is unknown", name, exc_info=error)
    return BatchOutcomeUnknownError(f"the batch may be stored: {described(error)}", retry_after=2.0)


def described(error: Exception) -> str:
    """Return the text of an error, or its type if the text is empty."""
    return str(error) or type(error).__name__

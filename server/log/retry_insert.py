"""Retries of inserts whose outcome is unknown, and which the log cannot continue without."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from server.errors.ingest import StorageRefusedError
from server.retry.backoff import backoff
from storage.errors import NotAppliedError, StorageError

__all__ = ["insert_and_verify", "retry_until_visible"]

_logger = logging.getLogger(__name__)

_FIRST_PAUSE = 0.1  # seconds before an insert is repeated, doubled each time
_LONGEST_PAUSE = 5.0
_MOST_RENEWALS = 3  # of a token, before there is a pause


def retry_until_visible(
    what: str,
    insert: Callable[[int], None],
    is_stored: Callable[[], bool],
    give_up: threading.Event,
    error: Exception,
) -> None:
    """Repeat an insert whose outcome is unknown until its rows are visible in storage.

    Args:
        what: name of the insert in log messages.
        insert: function that inserts the rows; takes the number of renewals of the deduplication token.
        is_stored: function that returns whether storage has the rows.
        give_up: event that ends the retries.
        error: error of the first insert.

    Raises:
        StorageRefusedError: ``give_up`` was set before the rows were stored.
    """
    for pause in backoff(_FIRST_PAUSE, _LONGEST_PAUSE):
        if isinstance(error, StorageError):
            _logger.warning("retrying %s: %s", what, error)
        else:
            _logger.error("retrying %s after an unexpected error", what, exc_info=error)
        if give_up.wait(pause):
            _logger.error("%s was left unfinished at shutdown", what)
            raise StorageRefusedError(f"shut down before storage answered: {error}") from error
        try:
            insert_and_verify(what, insert, is_stored)
        except Exception as again:
            error = again
        else:
            return


def insert_and_verify(what: str, insert: Callable[[int], None], is_stored: Callable[[], bool]) -> None:
    """Insert rows that storage may have already, and check that it has them afterwards. Args: ``retry_until_visible``.

    Raises:
        StorageError: it is unknown whether the rows are stored.
    """
    # Checked before the insert too: storage remembers a limited number of tokens, and other writers insert meanwhile.
    if is_stored():
        return
    # ClickHouse records a token before it makes the rows visible. If it was killed in between, it drops the repeated
    # insert as a duplicate; only a query shows that the rows are missing.
    for renewed in range(_MOST_RENEWALS + 1):
        insert(renewed)
        if is_stored():
            return
        _logger.warning("%s: storage lost the rows; sending them again", what)
    raise NotAppliedError("storage accepts the rows, but does not have them afterwards")

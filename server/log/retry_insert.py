"""Retries of inserts whose outcome is unknown, and which the log cannot continue without."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from server.errors.ingest import EndedWaitError
from server.retry.backoff import backoff
from server.retry.trouble import Trouble
from storage.errors import CutOffError, NotAppliedError, StorageError

__all__ = ["insert_and_verify", "retry_until_visible"]

_logger = logging.getLogger(__name__)

_FIRST_PAUSE = 0.1  # seconds before an insert is repeated, doubled each time
_LONGEST_PAUSE = 2.0
_MOST_RENEWALS = 3  # of a token, before there is a pause


def retry_until_visible(
    what: str,
    insert: Callable[[int], None],
    is_stored: Callable[[], bool],
    give_up: threading.Event,
    error: Exception,
    on_failure: Callable[[str], None] = lambda _: None,
) -> None:
    """Repeat an insert whose outcome is unknown until its rows are visible in storage.

    Args:
        what: name of the insert in log messages, such as "batch 50 into otel_logs".
        insert: function that inserts the rows; takes the number of renewals of the deduplication token.
        is_stored: function that returns whether storage has the rows.
        give_up: event that ends the retries.
        error: error of the first insert.
        on_failure: function that is called with the reason of each failed attempt.

    Raises:
        EndedWaitError: ``give_up`` was set before the rows were stored.
    """
    trouble = Trouble(_logger, f"insert of {what} failed, retrying", f"insert of {what} succeeded")
    for pause in backoff(_FIRST_PAUSE, _LONGEST_PAUSE):
        cause = str(error) or type(error).__name__
        if not isinstance(error, CutOffError):  # a server that stops is not a problem of storage
            trouble.goes_on(cause, unexpected=None if isinstance(error, StorageError) else error)
        on_failure(cause)
        if give_up.wait(pause):
            _logger.warning("the insert of %s was left unfinished at shutdown; the next start finishes it", what)
            raise EndedWaitError(f"shut down before storage answered: {error}") from error
        try:
            insert_and_verify(what, insert, is_stored)
        except Exception as again:
            error = again
        else:
            trouble.ends()
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
        _logger.warning("storage lost the rows of %s; sending them again", what)
    raise NotAppliedError("storage accepts the rows, but does not have them afterwards")

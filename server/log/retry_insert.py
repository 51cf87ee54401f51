"""Storing what a log cannot go on without, when it is open whether storage has it."""

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
    """Repeat an insert whose outcome is unknown until it is seen in storage.

    Args:
        what: what is stored, for the log.
        insert: inserts it; takes how often its deduplication token was renewed.
        is_stored: looks whether it is there.
        give_up: once set, nothing is repeated any more.
        error: what came of the first insert.

    Raises:
        StorageRefusedError: ``give_up`` was set before it was stored.
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
    """Insert what may be there already, and look whether it is there then. Takes what ``retry_until_visible`` takes.

    Raises:
        StorageError: it is not known to be stored.
    """
    # Looked before, too: storage remembers a limited number of tokens, and others insert meanwhile.
    if is_stored():
        return
    # ClickHouse writes a token down before it makes the rows visible. If it was killed between the
    # two, it takes the repeated insert for done: only looking tells.
    for renewed in range(_MOST_RENEWALS + 1):
        insert(renewed)
        if is_stored():
            return
        _logger.warning("%s: storage lost the rows; they are sent again", what)
    raise NotAppliedError("storage accepts the rows, but does not have them afterwards")

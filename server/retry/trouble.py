"""Trouble that lasts, such as storage that is away: its changes are logged, and not every attempt."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable

__all__ = ["Trouble"]

_MOST_CAUSES = 16  # of one trouble that are logged: an error's text may differ each time


class Trouble:
    """Trouble that begins, may have one cause after another, and ends; thread-safe."""

    def __init__(
        self,
        logger: logging.Logger,
        during: str,
        after: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without trouble.

        Args:
            logger: where changes are logged.
            during: beginning of the log messages while it lasts, to which the cause is added.
            after: beginning of the log message of its end, to which the duration is added.
            clock: monotonic clock in seconds.
        """
        self._logger = logger
        self._during = during
        self._after = after
        self._clock = clock
        self._lock = threading.Lock()
        self._began = 0.0
        self._attempts = 0
        self._told: set[str] = set()
        self._reason = ""

    @property
    def reason(self) -> str:
        """The latest cause; empty if there is no trouble."""
        return self._reason

    def goes_on(self, cause: str, *, unexpected: BaseException | None = None) -> None:
        """Note a failed attempt; the first one of each cause is logged.

        Args:
            cause: reason of the failure.
            unexpected: error whose traceback is logged, for a failure that nobody foresaw.
        """
        with self._lock:
            if not self._reason:
                self._began, self._attempts = self._clock(), 0
                self._told.clear()
            self._reason = cause
            self._attempts += 1
            kind = re.sub(r"\d+", "#", cause)  # numbers of bytes, ports and times differ between attempts
            if kind in self._told or len(self._told) >= _MOST_CAUSES:
                return
            self._told.add(kind)
        level = logging.WARNING if unexpected is None else logging.ERROR
        self._logger.log(level, "%s: %s", self._during, cause, exc_info=unexpected)

    def ends(self) -> None:
        """Note that it is over; logged if there was any."""
        if not self._reason:  # also without the lock, for what succeeds all the time
            return
        with self._lock:
            if not self._reason:
                return
            self._reason = ""
            seconds, attempts = self._clock() - self._began, self._attempts
        self._logger.info("%s after %.0f s (%d failed attempts)", self._after, seconds, attempts)

    def __bool__(self) -> bool:
        """Return whether there is trouble now."""
        return bool(self._reason)

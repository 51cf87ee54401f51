"""Isolation of logs whose records storage refuses, so that they do not keep the records of other logs out.

The batches of a commit go together. If storage refuses them, halves are tried, down to a log alone. A log that was
refused alone while others were accepted goes alone from then on, until its records are accepted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from server.notary.origin import LogName
from storage.errors import MissingFilesError, NotAppliedError, StorageFullError

__all__ = ["Attempts", "Isolation"]

_MOST_ALONE = 2  # logs refused alone, and none accepted, after which storage is taken to refuse everything
# Logs refused alone in a row, after which the others wait for the next commit: storage may have begun to refuse
# everything, and each attempt is written to the journal.
_MOST_IN_A_ROW = 8


class Isolation:
    """Memory of the logs whose records were refused; bound to the thread that commits."""

    def __init__(self) -> None:
        """Begin without such logs."""
        self._alone: dict[LogName, None] = {}  # stored alone, the log that was refused longest ago first
        # Refused alone while storage accepted nothing: nobody knows whether the records were the reason. They are tried
        # last, so that other logs get their turn although storage is asked only a few times.
        self._last: dict[LogName, None] = {}

    def attempts(self, names: Iterable[LogName]) -> Attempts:
        """Return the attempts of one commit, of batches of these logs."""
        names = dict.fromkeys(names)
        together = [name for name in names if name not in self._alone]
        together.sort(key=lambda name: name in self._last)  # stable: else in the order given
        return Attempts(together, [name for name in self._alone if name in names])

    def learn(self, attempts: Attempts) -> None:
        """Remember which logs were refused, at the end of a commit."""
        for name in attempts.accepted_names:
            self._alone.pop(name, None)
        if attempts.accepted_names:
            self._last.clear()
            for name in attempts.refused_alone:
                self._alone.pop(name, None)  # it goes to the end
                self._alone[name] = None
        else:
            self._last |= dict.fromkeys(attempts.refused_alone)


class Attempts:
    """The attempts of one commit: which batches go together next."""

    def __init__(self, together: Sequence[LogName], alone: Sequence[LogName]) -> None:
        """Begin a commit.

        Args:
            together: logs whose batches go together at first.
            alone: logs whose batches go alone.
        """
        self._queue: deque[Sequence[LogName]] = deque([together] if together else [])
        self._queue.extend([name] for name in alone)
        self.accepted_names: list[LogName] = []
        """Logs whose batches were accepted."""
        self.refused_alone: list[LogName] = []
        """Logs whose batches were refused although they went alone."""
        self._in_a_row = 0  # of these, since batches were accepted

    def next(self) -> Sequence[LogName]:
        """Return the logs whose batches go together next; none if all attempts are made."""
        return self._queue.popleft() if self._queue else ()

    def accepted(self, names: Iterable[LogName]) -> None:
        """Note that batches were accepted."""
        self.accepted_names += names
        self._in_a_row = 0

    def refused(self, names: Sequence[LogName], error: NotAppliedError) -> Sequence[LogName]:
        """Note that batches were refused; return the logs whose batches are not tried again.

        Args:
            names: logs of the batches.
            error: error of storage.
        """
        # Errors for which storage would refuse any other batch too.
        hopeless = not error.retryable or isinstance(error, StorageFullError | MissingFilesError)
        if len(names) > 1 and not hopeless:
            half = len(names) // 2
            self._queue.extendleft((names[half:], names[:half]))
            return ()
        if len(names) == 1:
            self.refused_alone += names
            self._in_a_row += 1
        if hopeless or self._in_a_row >= (_MOST_IN_A_ROW if self.accepted_names else _MOST_ALONE):
            return [*names, *self.give_up()]
        return names

    def give_up(self) -> list[LogName]:
        """Make no more attempts; return the logs whose batches were not tried."""
        left = [name for names in self._queue for name in names]
        self._queue.clear()
        return left

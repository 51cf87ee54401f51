"""The time line of a schedule: what is due happens in its order and lasts its time, however slow the machine is."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

__all__ = ["Action", "Timeline"]

Action = Callable[[bool], bool]
"""Does what is due and tells whether it could; with True it is the last time that it is asked to."""


class Timeline:
    """Runs actions at their positions on the line.

    Only the time between actions counts, not what they take themselves. An action that cannot be done yet holds the
    line where it is, so that all others keep their distance to it.
    """

    def __init__(self, patience: float = 0.0) -> None:
        """Begin at 0.

        Args:
            patience: seconds for which actions may hold the line, all of them together.
        """
        self.position = 0.0
        self._patience = patience
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, Action]] = []

    def at(self, position: float, action: Action) -> None:
        """Have an action done at a position; of several at the same one, in the order of the calls."""
        heapq.heappush(self._due, (position, next(self._numbers), action))

    def advance(self, seconds: float) -> None:
        """Do what is due, and go on by so many seconds, or up to what is due next."""
        while self._due and self._due[0][0] <= self.position:
            entry = heapq.heappop(self._due)
            if not entry[2](self._patience <= 0) and self._patience > 0:
                heapq.heappush(self._due, entry)
                self._patience -= seconds
                return
        end = self.position + seconds
        self.position = min(end, self._due[0][0]) if self._due else end

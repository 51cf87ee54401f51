"""The timeline of a schedule: actions keep their order and their distances, however slow the machine is."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

__all__ = ["Action", "Timeline"]

Action = Callable[[bool], bool]
"""Function that does what is due, and returns whether it could; the argument is True if it is not called again."""


class Timeline:
    """A timeline that runs actions at their positions.

    Only the time between actions counts, not their own duration. An action that cannot be done yet stops the timeline,
    so that all others keep their distance from it.
    """

    def __init__(self, patience: float = 0.0) -> None:
        """Begin at 0.

        Args:
            patience: seconds for which actions may stop the timeline, all of them together.
        """
        self.position = 0.0
        self._patience = patience
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, Action]] = []

    def at(self, position: float, action: Action) -> None:
        """Add an action at a position in seconds; actions at the same position run in the order of the calls."""
        heapq.heappush(self._due, (position, next(self._numbers), action))

    def advance(self, seconds: float) -> None:
        """Run the actions that are due, and advance by a number of seconds, or up to the next action."""
        while self._due and self._due[0][0] <= self.position:
            entry = heapq.heappop(self._due)
            if not entry[2](self._patience <= 0) and self._patience > 0:
                heapq.heappush(self._due, entry)
                self._patience -= seconds
                return
        end = self.position + seconds
        self.position = min(end, self._due[0][0]) if self._due else end

"""State of a log in storage, shared by all that append to the log."""

from __future__ import annotations

import time

from server.notary.batch import LogState
from server.notary.checkpoint import Checkpoint

__all__ = ["CommittedLog"]


class CommittedLog:
    """State of a log after its last committed batch; thread-safe, because a state is replaced and never changed."""

    def __init__(self, state: LogState) -> None:
        """Begin with a state of the log."""
        self.name = state.name
        """Name of the log."""
        self.state = state
        """State of the log in storage; only the log's writer replaces it."""
        self.committed_at = 0.0
        """Time of the last commit of this process, in seconds since the epoch; 0 if there was none."""

    def commit(self, state: LogState) -> None:
        """Go on to the state after a commit."""
        self.state = state
        self.committed_at = time.time()

    @property
    def checkpoint(self) -> Checkpoint:
        """Checkpoint of the last committed batch, without signatures."""
        state = self.state  # read once: another thread replaces it
        return Checkpoint(state.name.origin, state.range.size, state.range.root())

"""Memory of how far a writer's logs went, kept outside of storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from server.notary.origin import LogName

__all__ = ["LogMemory"]


class LogMemory(Protocol):
    """Memory of the last checkpoint and the last statement of each log of a writer.

    It is updated after storage has them, so it is never ahead of storage: a storage that has less has lost something.
    """

    def remember_checkpoints(self, notes: Mapping[LogName, str]) -> None:
        """Remember checkpoints that were committed, one of each log, as signed notes (C2SP signed-note)."""

    def remember_statements(self, notes: Mapping[LogName, str]) -> None:
        """Remember statements that are in storage, one of each log, as signed notes (C2SP signed-note)."""

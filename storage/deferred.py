"""Deferred engine: raises NotAppliedError until the real engine is connected."""

from __future__ import annotations

from storage.engine import Engine, EngineWrapper
from storage.errors import NotAppliedError

__all__ = ["DeferredEngine"]


class DeferredEngine(EngineWrapper):
    """Stand-in for an engine that is not connected yet."""

    def __init__(self) -> None:
        """Start without an engine."""
        self._arrived: Engine | None = None

    def arrive(self, engine: Engine) -> None:
        """Delegate to an engine from now on; whoever opened the engine closes it."""
        self._arrived = engine

    def close(self) -> None:
        """Do nothing."""

    def _wrapped(self) -> Engine:
        if self._arrived is None:
            raise NotAppliedError("storage has not been reached yet")
        return self._arrived

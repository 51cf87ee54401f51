"""The garbage collector of a process that runs for long."""

from __future__ import annotations

import gc

__all__ = ["freeze_garbage"]


def freeze_garbage() -> None:
    """Collect garbage now, and exempt all objects that are left from collection.

    A server has many of them after its start. To examine them takes 50 ms, in which no thread runs.
    """
    gc.collect()
    gc.freeze()

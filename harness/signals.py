"""Signals for processes that tests start."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["not_ignored"]


@contextmanager
def not_ignored(number: signal.Signals) -> Iterator[None]:
    """Let processes that are started in the block have the default for a signal; for the main thread.

    Ignored signals are inherited: a shell has its background jobs ignore SIGINT, and nohup SIGHUP.
    """
    before = signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(number, before)

"""Answers in steps that an interrupt ends."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from typing import TypeVar

from storage.engine import Engine
from storage.interrupt import Interrupt, InterruptedQueryError

__all__ = ["interruptible"]

_logger = logging.getLogger(__name__)
_Step = TypeVar("_Step")


def interruptible(
    engine: Engine, steps: Generator[_Step, None, None], interrupt: Interrupt, what: str
) -> Generator[_Step, None, None]:
    """Yield steps, each of which may be made in another thread; raises InterruptedQueryError once an interrupt is set.

    Args:
        engine: the storage that the steps read.
        steps: the steps; they are closed at the end.
        interrupt: the interrupt, which ends queries too.
        what: noun phrase for the server's log, such as "an export".
    """
    with contextlib.closing(steps):
        while True:
            # Not around the yield: meanwhile this thread does other work, and another may go on with this.
            try:
                with engine.interrupted_by(interrupt):
                    interrupt.check()
                    step = next(steps, None)
            except InterruptedQueryError:
                _logger.info("%s ended early: its caller has gone, or the server is stopping", what)
                raise
            if step is None:
                return
            yield step

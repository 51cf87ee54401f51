"""Answers in steps that can be interrupted."""

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
    """Yield steps until an interrupt is set; each step may be made in another thread.

    Args:
        engine: the storage that the steps read.
        steps: the steps; they are closed at the end.
        interrupt: the interrupt, which also cancels the query in progress.
        what: noun phrase for the server's log, such as "an export".

    Raises:
        InterruptedQueryError: the interrupt was set.
    """
    with contextlib.closing(steps):
        while True:
            # Not around the yield: between steps this thread does other work; another may make the next step.
            try:
                with engine.interrupted_by(interrupt):
                    interrupt.check()
                    step = next(steps, None)
            except InterruptedQueryError:
                _logger.info("%s ended early: its caller has disconnected, or the server is stopping", what)
                raise
            if step is None:
                return
            yield step

"""The order of receipt, restored after concurrent work that finishes in any order."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["ReceiptOrder", "Turn"]


class Turn:
    """The turn of one request; as a context manager, it is given up at the end of the block."""

    __slots__ = ("_order", "come", "over")

    def __init__(self, order: ReceiptOrder) -> None:
        """Create a turn; see ``ReceiptOrder.enter``."""
        self._order = order
        self.come: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.over = False

    def __enter__(self) -> Turn:
        return self

    def __exit__(self, *_: object) -> None:
        self.over = True
        self._order.advance()

    async def wait(self) -> None:
        """Wait until all earlier turns have been given up."""
        await self.come


class ReceiptOrder:
    """A queue whose members work concurrently and then continue one after another; bound to one event loop."""

    def __init__(self) -> None:
        self._turns: deque[Turn] = deque()

    def enter(self) -> Turn:
        """Return a turn at the end of the queue: it comes once all earlier turns are given up."""
        turn = Turn(self)
        self._turns.append(turn)
        self.advance()
        return turn

    def advance(self) -> None:
        """Let the next turn come, if the previous one is over."""
        while self._turns and self._turns[0].over:
            self._turns.popleft()
        if self._turns and not self._turns[0].come.done():
            self._turns[0].come.set_result(None)

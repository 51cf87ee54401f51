"""Reserving memory for a request from a thread: tickets belong to the event loop."""

from __future__ import annotations

import asyncio

from server.admission.admission import Ticket
from server.otlp.decompress import Hold

__all__ = ["reserve_from_thread"]


def reserve_from_thread(ticket: Ticket) -> Hold:
    """Return ``ticket.received`` for use in threads; call this on the event loop, and what it returns in a thread."""
    loop = asyncio.get_running_loop()

    async def received(size: int) -> None:
        ticket.received(size)

    return lambda size: asyncio.run_coroutine_threadsafe(received(size), loop).result()

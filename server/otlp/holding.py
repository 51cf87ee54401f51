"""Asking for room from a thread: tickets belong to the event loop."""

from __future__ import annotations

import asyncio

from server.admission.admission import Ticket
from server.otlp.decompress import Hold

__all__ = ["hold_from_thread"]


def hold_from_thread(ticket: Ticket) -> Hold:
    """Return ``ticket.came`` for use in threads; call this on the event loop, and what it returns in a thread."""
    loop = asyncio.get_running_loop()

    async def came(size: int) -> None:
        ticket.came(size)

    return lambda size: asyncio.run_coroutine_threadsafe(came(size), loop).result()

"""Requests over gRPC while they arrive: each is read only once its caller is known, and each within limits.

gRPC takes in a whole message as soon as somebody waits for it, and nothing of it before, apart from a window of 64 KiB.
A server whose handlers get their request from gRPC always waits. Then whoever opens calls and never ends their
messages fills the memory, without any credentials. So a call is checked first, and its request is read afterwards.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from server.access.networks import network_of
from server.api.errors import InvalidArgumentError, LateRequestError

__all__ = ["ArrivingRequests", "requests_of_callers", "requests_of_strangers"]


class ArrivingRequests:
    """Limits on requests that arrive at the same time. A request that has arrived no longer counts."""

    def __init__(self, of_one: int, of_all: int, waiting: int, seconds: float) -> None:
        """Set the limits.

        Args:
            of_one: requests of one address that arrive at the same time; further ones wait.
            of_all: requests of all addresses that arrive at the same time; further ones wait.
            waiting: requests of one address that arrive or wait; further ones are refused.
            seconds: time that a request has to arrive, including that for which it waits.
        """
        self._of_one = of_one
        self._all = asyncio.Semaphore(of_all)
        self._waiting = waiting
        self._seconds = seconds
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._here: Counter[str] = Counter()

    async def first(self, read: Callable[[], Awaitable[object]], address: str) -> bytes:
        """Return the first message of a call, as it was sent.

        Args:
            read: reads a message of the call, as the method of grpc.aio's context.
            address: IP address of the peer.

        Raises:
            LateRequestError: it did not arrive in time, or too many are arriving from this address.
            InvalidArgumentError: the call ended without a message.
        """
        client = network_of(address)
        if self._here[client] >= self._waiting:
            raise LateRequestError("too many requests from this address have not arrived yet: end these first")
        self._here[client] += 1
        turns = self._turns.setdefault(client, asyncio.Semaphore(self._of_one))
        try:
            async with asyncio.timeout(self._seconds), turns, self._all:
                message = await read()
        except TimeoutError as error:
            raise LateRequestError(f"the request did not arrive within {self._seconds:g} seconds") from error
        finally:
            self._here[client] -= 1
            if not self._here[client]:
                del self._here[client], self._turns[client]
        if not isinstance(message, bytes):  # grpc.aio.EOF
            raise InvalidArgumentError("the call has no request: send exactly one")
        return message


def requests_of_callers() -> ArrivingRequests:
    """Return the limits for callers whom the server knows."""
    return ArrivingRequests(of_one=32, of_all=128, waiting=1024, seconds=10)


def requests_of_strangers() -> ArrivingRequests:
    """Return the limits for calls that need no credentials, whose requests are a few bytes long."""
    return ArrivingRequests(of_one=8, of_all=64, waiting=64, seconds=5)

"""Pace of logins: how many of them one address may have the provider asked for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from server.access.networks import network_of
from server.login.errors import TooManyLoginsError

__all__ = ["Pace"]

_MINUTE = 60.0
_MOST_A_MINUTE = 60  # people in one office share an address
_MOST_AT_ONCE = 4
_MOST_ADDRESSES = 4096


@dataclass(slots=True)
class _Address:
    began: float
    begun: int = 0
    running: int = 0


class Pace:
    """Logins of each address, in minutes; belongs to one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Count with a monotonic clock, in seconds."""
        self._clock = clock
        self._addresses: dict[str, _Address] = {}

    @contextlib.contextmanager
    def one(self, address: str) -> Iterator[None]:
        """Count one login of an address, which runs until the block ends.

        Args:
            address: IP address; addresses of one IPv6 network count together.

        Raises:
            TooManyLoginsError: there are too many, at once or in this minute.
        """
        known, now = self._of(network_of(address)), self._clock()
        if now - known.began >= _MINUTE:
            known.began, known.begun = now, 0
        if known.begun >= _MOST_A_MINUTE or known.running >= _MOST_AT_ONCE:
            raise TooManyLoginsError("there are too many logins from this address: try again in a minute")
        known.begun += 1
        known.running += 1
        try:
            yield
        finally:
            known.running -= 1

    def _of(self, network: str) -> _Address:
        known = self._addresses.get(network)
        if known is None:
            if len(self._addresses) >= _MOST_ADDRESSES:
                self._addresses.pop(next(iter(self._addresses)))
            known = self._addresses[network] = _Address(self._clock())
        return known

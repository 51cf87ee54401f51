"""Throttling: a limited share of the time for work, with pauses in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

from storage.engine import Engine, EngineWrapper, Pieces

__all__ = ["Clock", "Throttle", "ThrottledEngine", "WorkStoppedError", "clock_until"]

_Item = TypeVar("_Item")

_SPELL = 0.02  # seconds of work without a rest, at least: a rest costs a change of threads

# One thread of ClickHouse, and blocks as small as its granules: queries that run longer, and take less at a time.
_FRUGAL = {"max_threads": 1, "max_block_size": 8192}


class WorkStoppedError(Exception):
    """The work was cancelled."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Clock that can also wait.

    Attributes:
        now: returns seconds since the epoch.
        monotonic: returns seconds of a monotonic clock.
        wait: waits a number of seconds; raises WorkStoppedError.
    """

    now: Callable[[], float]
    monotonic: Callable[[], float]
    wait: Callable[[float], None]


def clock_until(stop: threading.Event) -> Clock:
    """Return a clock whose waits end when an event is set."""

    def wait(seconds: float) -> None:
        if stop.wait(seconds):
            raise WorkStoppedError

    return Clock(time.time, time.monotonic, wait)


class Throttle:
    """Pauses work so that it takes a limited share of the time, however slow the machine is."""

    def __init__(self, clock: Clock, share: float) -> None:
        """Start the clock.

        Args:
            clock: measures work, and waits.
            share: maximum share of the time for work, above 0 and up to 1.
        """
        self._clock = clock
        self._share = share
        self._since = clock.monotonic()
        self.busy = 0.0
        """Seconds of work so far, up to the last rest."""

    def rest(self) -> None:
        """Pause if enough work was done since the last pause; to be called often; raises WorkStoppedError."""
        worked = self._clock.monotonic() - self._since
        if worked >= _SPELL:
            self.wait(0.0)

    def wait(self, seconds: float) -> None:
        """Pause as long as the work so far requires, but at least some seconds; raises WorkStoppedError."""
        worked = self._clock.monotonic() - self._since
        self.busy += worked
        try:
            self._clock.wait(max(seconds, worked * (1 / self._share - 1)))
        finally:
            self._since = self._clock.monotonic()

    def slowly(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """Yield items, with pauses between them."""
        for item in items:
            self.rest()
            yield item


class ThrottledEngine(EngineWrapper):
    """Engine for one thread that pauses after each read and reads in small portions."""

    def __init__(self, engine: Engine, pace: Throttle) -> None:
        """Wrap an engine."""
        super().__init__(engine)
        self._pace = pace

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        """As ``Engine.query``; pauses for all work since the last pause."""
        answer = super().query(select, parameters, settings=_frugal(settings))
        self._pace.rest()
        return answer

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        """As ``Engine.query_in_pieces``; pauses between pieces, which ClickHouse waits for."""
        with closing(super().query_in_pieces(select, parameters, settings=_frugal(settings))) as pieces:
            yield from self._pace.slowly(pieces)


def _frugal(settings: Mapping[str, str | int] | None) -> dict[str, str | int]:
    return {**_FRUGAL, **(settings or {})}

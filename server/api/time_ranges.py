"""Check of the time ranges that calls to the API give."""

from __future__ import annotations

import time
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from server.api.errors import InvalidArgumentError
from server.api.messages import to_nanos

__all__ = ["CLOCKS", "WithTimeRange", "check_has_begun", "check_time_range", "in_seconds", "parse_time_range"]

CLOCKS = 60 * 10**9
"""Nanoseconds by which the clock of the caller may be ahead."""


class WithTimeRange(Protocol):
    """A request with a range of time, whose ends may be unset."""

    @property
    def since(self) -> Timestamp:
        """Start of the range."""

    @property
    def until(self) -> Timestamp:
        """End of the range, which is not part of it."""

    def HasField(self, field_name: str, /) -> bool:  # noqa: N802 - the name is protobuf's
        """Return whether an end is set."""


def check_time_range(request: WithTimeRange) -> None:
    """Check that a range is not empty: an answer without results would be taken for "nothing happened".

    Raises:
        InvalidArgumentError: ``since`` is not before ``until``.
    """
    if not (request.HasField("since") and request.HasField("until")):
        return
    if to_nanos(request.since) >= to_nanos(request.until):
        since, until = _shown(request.since), _shown(request.until)
        raise InvalidArgumentError(f"since ({since}) is not before until ({until}), so nothing can be between them")


def parse_time_range(request: WithTimeRange) -> tuple[int | None, int | None]:
    """Return the ends of a range in nanoseconds since the epoch, None for an end that is unset.

    Raises:
        InvalidArgumentError: the range is empty, or an end is not between 1970 and 2262.
    """
    check_time_range(request)
    return _end(request, "since"), _end(request, "until")


def _end(request: WithTimeRange, name: str) -> int | None:
    if not request.HasField(name):
        return None
    nanos = to_nanos(getattr(request, name))
    if not 0 <= nanos < 1 << 63:
        raise InvalidArgumentError(f"{name} is not between 1970 and 2262")
    return nanos


def in_seconds(nanos: int | None) -> int | None:
    """Return an end of a range in seconds, for times in whole seconds: rounded up; None for an end that is unset."""
    return None if nanos is None else -(-nanos // 10**9)


def check_has_begun(request: WithTimeRange, now: int | None = None) -> None:
    """Check that a range of times of receipt does not begin in the future, because nothing is found there.

    Args:
        request: the request.
        now: the current time in nanoseconds since the epoch; None for the clock's.

    Raises:
        InvalidArgumentError: ``since`` is in the future.
    """
    if request.HasField("since") and to_nanos(request.since) > (time.time_ns() if now is None else now) + CLOCKS:
        raise InvalidArgumentError(
            f"since ({_shown(request.since)}) is in the future, so there can be nothing after it yet"
        )


def _shown(timestamp: Timestamp) -> str:
    try:
        return timestamp.ToJsonString()
    except ValueError:  # not between the years 1 and 9999
        return f"{timestamp.seconds} s"

"""Check of the time ranges that calls to the API give."""

from __future__ import annotations

from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from server.api.errors import InvalidArgumentError
from server.api.messages import to_nanos

__all__ = ["WithTimeRange", "check_time_range"]


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


def _shown(timestamp: Timestamp) -> str:
    try:
        return timestamp.ToJsonString()
    except ValueError:  # not between the years 1 and 9999
        return f"{timestamp.seconds} s"

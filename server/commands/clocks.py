"""Times for people: RFC 3339, in the local time zone or in UTC."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["clock", "zone_lines"]

_SECONDS = len("2026-11-28T04:00:00")


def clock(timestamp: Timestamp, *, utc: bool) -> str:
    """Return a time in RFC 3339, in UTC or in the local time zone (TZ) with its offset; ``Z`` if there is none."""
    text = timestamp.ToJsonString()
    if utc:
        return text
    try:
        local = datetime.fromtimestamp(timestamp.seconds, UTC).astimezone()
    except (OverflowError, OSError, ValueError):  # local time may end before the year 9999 does
        return text
    return f"{local:%Y-%m-%dT%H:%M:%S}{text[_SECONDS:-1]}{_offset(local)}"


def zone_lines(*, utc: bool) -> Iterator[str]:
    """Yield a line that names the local time zone, unless times are in UTC."""
    names = "/".join(dict.fromkeys(time.tzname if time.daylight else time.tzname[:1]))
    offset = _offset(datetime.now(UTC).astimezone())
    if not utc and (offset != "Z" or time.daylight):
        yield f"times are local ({names}, now {offset.replace('Z', '+00:00')}): --utc shows them in UTC"


def _offset(local: datetime) -> str:
    offset = local.utcoffset() or timedelta()
    return f"{local:%z}"[:3] + ":" + f"{local:%z}"[3:5] if offset else "Z"

"""Times as people type them: ``2026-11-28 04:00``, RFC 3339, ``2h`` or ``2h ago``, ``yesterday``, ``now``."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from server.settings.values import duration_seconds

__all__ = ["TIME_FORMS", "Moment", "parse_moment"]

TIME_FORMS = "2026-11-28, '2026-11-28 04:00', 2026-11-28T04:00:00Z, yesterday, or an age such as 15m, 2h, 7d or 1w"
"""Examples of times, for help texts and messages."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = 1 << 63  # in nanoseconds since the epoch: in the year 2262
_DAYS = {"today": 0, "yesterday": 1}  # ago
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|UTC|([+-])(\d\d):?(\d\d)?)?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time.

    Attributes:
        nanos: nanoseconds since the epoch.
        assumed: the time with the zone that was assumed; empty if the text had a zone, or was an age.
        text: the text that was read.
    """

    nanos: int
    assumed: str = ""
    text: str = field(default="", compare=False)


def parse_moment(text: str, now: int | None = None, *, utc: bool = False) -> Moment:
    """Read a time; without a zone, it is in the local time zone of this process, or in UTC.

    Args:
        text: the time.
        now: the current time in nanoseconds since the epoch; None for the clock's.
        utc: True if times without a zone are in UTC; nothing is assumed then.

    Raises:
        ValueError: the text is not a time; the message has the valid forms.
    """
    current = time.time_ns() if now is None else now
    word = text.strip()
    if word.lower() == "now":
        return Moment(current)
    age = duration_seconds(re.sub(r"\s+ago$", "", word, flags=re.IGNORECASE))
    if age is not None:
        return Moment(max(0, current - int(age * 10**9)))
    if (days := _DAYS.get(word.lower())) is not None:
        today = datetime.fromtimestamp(current // 10**9, UTC if utc else None).date()
        word = (today - timedelta(days=days)).isoformat()
    match = _TIME.fullmatch(word)
    try:
        moment = _at(match, text, utc=utc) if match else None
    except (ValueError, OverflowError):  # such as the 30th of February
        moment = None
    if moment is None:
        raise ValueError(f"{text!r} is not a time: give {TIME_FORMS}")
    if not 0 <= moment.nanos < _END:
        raise ValueError(f"{text!r} is not between 1970 and 2262")
    return moment


def _at(match: re.Match[str], text: str, *, utc: bool) -> Moment:
    year, month, day, hour, minute, second = (int(match[group] or 0) for group in range(1, 7))
    local = datetime(year, month, day, hour, minute, second)
    zone, assumed = _zone(match) or (UTC if utc else None), ""
    if zone is None:
        there = local.astimezone()
        assumed = f"{there.isoformat()} ({there.tzname()}, the local time zone)"
    else:
        there = local.replace(tzinfo=zone)
    since = there - _EPOCH
    fraction = int((match[7] or "").ljust(9, "0"))
    return Moment((since.days * 86_400 + since.seconds) * 10**9 + fraction, assumed, text)


def _zone(match: re.Match[str]) -> timezone | None:
    if not match[8]:
        return None
    if not match[9]:
        return UTC
    offset = timedelta(hours=int(match[10]), minutes=int(match[11] or 0))
    return timezone(-offset if match[9] == "-" else offset)

"""Times in queries: a day, a minute, a second or a fraction of one, in UTC if no zone is given."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = ["TIME_FORMS", "parse_time"]

TIME_FORMS = "2026-11-28, 2026-11-28T04:00 or 2026-11-28T04:00:00.5Z"
"""Examples of times, for messages."""

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)? ?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = 1 << 63  # in nanoseconds since the epoch: in the year 2262
_SECOND = 10**9


def parse_time(text: str) -> tuple[int, int]:
    """Return the span of time that a text names: a day, a minute, a second, or less if it has a fraction.

    Returns:
        Its begin, and the end that does not belong to it, in nanoseconds since the epoch.

    Raises:
        ValueError: the text is not a time; the message has the valid forms.
    """
    match = _TIME.fullmatch(text)
    try:
        begin = _begin(match) if match else None
    except (ValueError, OverflowError):  # such as the 30th of February
        begin = None
    if match is None or begin is None:
        raise ValueError(f"{text[:80]!r} is not a time: write {TIME_FORMS}")
    if not 0 <= begin < _END:
        raise ValueError(f"{text[:80]!r} is not between 1970 and 2262")
    return begin, min(begin + _length(match), _END - 1)


def _begin(match: re.Match[str]) -> int:
    year, month, day, hour, minute, second = (int(match[group] or 0) for group in range(1, 7))
    since = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH - _offset(match[8] or "")
    return (since.days * 86_400 + since.seconds) * _SECOND + int((match[7] or "").ljust(9, "0"))


def _offset(zone: str) -> timedelta:
    if zone.lower() in ("", "z"):
        return timedelta()
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError("out of range")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset


def _length(match: re.Match[str]) -> int:
    if match[7]:
        return int(10 ** (9 - len(match[7])))
    if match[6]:
        return _SECOND
    return 60 * _SECOND if match[4] else 86_400 * _SECOND

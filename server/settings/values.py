"""Values as people type them, the same on the command line, in variables and in the settings file.

Sizes (``10MB``, ``1GiB``), durations (``250ms``, ``7d``), addresses, numbers and words. Each function takes a text, and
raises ValueError with the valid forms if the text is not such a value. Times are in ``moments``, and values that name
keys, files or codecs in ``readers``: this module is imported by every command, so it imports little.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from server.errors.suggestions import not_one_of
from storage.retention_policy import MOST_DAYS

__all__ = [
    "Acknowledge",
    "Address",
    "duration_seconds",
    "parse_address",
    "read_acknowledge",
    "read_choice",
    "read_count",
    "read_days",
    "read_duration",
    "read_duration_with_unit",
    "read_format",
    "read_interval",
    "read_journal_key",
    "read_level",
    "read_list",
    "read_size",
    "read_truth",
]


_MOST_SECONDS = 36_500 * 86_400  # what timers of the operating system can hold, and then some
_SIZE_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
    "tib": 1 << 40,
}
_AMBIGUOUS = "kmgt"  # a thousand to some programs, 1024 to others
_SECONDS = {
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "min": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86_400),
    "w": Fraction(604_800),
}
_NUMBER = r"\d{1,18}(?:\.\d{1,40})?"
_SIZE = re.compile(rf"({_NUMBER}) ?([a-z]*)", re.IGNORECASE)
_DURATION = re.compile(rf"(?:{_NUMBER} ?(?:ms|min|[smhdw]) ?)+", re.IGNORECASE)
_DURATION_PART = re.compile(rf"({_NUMBER}) ?(ms|min|[smhdw])", re.IGNORECASE)
_DURATION_FORMS = "such as 250ms, 10s, 5m, 12h, 7d or 1w"


class Acknowledge(Enum):
    """The moment at which a sender gets OK."""

    COMMIT = "commit"  # once its records, and the checkpoint over them, are in storage
    JOURNAL = "journal"  # once its records are on disk in the journal, from which they go to storage


@dataclass(frozen=True, slots=True)
class Address:
    """Address on which a server listens; port 0 stands for any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Parse ``host:port``; an IPv6 host is written in brackets.

    Raises:
        ValueError: the text is not an address.
    """
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if (
        not colon
        or not (port.isascii() and port.isdigit() and int(port[:6]) <= 65535)
        or any(letter in host for letter in "/@ ")
        or (":" in bare and host == bare)
    ):
        raise ValueError(f"{text!r} is not host:port, such as 127.0.0.1:4317 or [::1]:4317")
    return Address(bare or "0.0.0.0", int(port))  # noqa: S104 - ':4317' means everywhere


def read_count(text: str) -> int:
    """Parse a whole number greater than 0."""
    try:
        number = int(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a whole number") from error
    if number <= 0:
        raise ValueError(f"{text} is too small: give 1 or more")
    return number


def read_size(text: str) -> int:
    """Parse a size: bytes, or a number with a unit (powers of 1000: ``10MB``; of 1024: ``1GiB``). Returns bytes."""
    match = _SIZE.fullmatch(text.strip())
    unit = match[2].lower() if match else "?"
    if match and unit and unit in _AMBIGUOUS:
        number, letter = match[1], unit.upper()
        raise ValueError(
            f"{text!r} is ambiguous: give {number}{letter}B (powers of 1000) or {number}{letter}iB (powers of 1024)"
        )
    if match is None or unit not in _SIZE_UNITS:
        raise ValueError(f"{text!r} is not a size: give a number of bytes, or a size such as 512KiB, 10MB or 1GiB")
    size = Fraction(match[1]) * _SIZE_UNITS[unit]
    if size <= 0:
        raise ValueError(f"{text} is too small: give 1 byte or more")
    if size.denominator != 1:
        raise ValueError(f"{text!r} is not a whole number of bytes")
    return size.numerator


def read_duration(text: str) -> float:
    """Parse a duration with units, or a plain number of seconds, and return seconds."""
    try:
        return _positive(float(text), text)
    except (OverflowError, ValueError):
        if _is_number(text):
            raise
    seconds = duration_seconds(text)
    if seconds is None:
        raise ValueError(f"{text!r} is not a duration: give a number of seconds, or a duration {_DURATION_FORMS}")
    return _positive(float(seconds), text)


def read_duration_with_unit(text: str) -> float:
    """Parse a duration with a unit, such as ``90d``, and return seconds."""
    seconds = duration_seconds(text)
    if seconds is None:
        raise ValueError(f"{text!r} is not a duration with a unit, such as 12h or 90d")
    return _positive(float(seconds), text)


def read_interval(text: str) -> float | None:
    """Parse a duration with a unit and return seconds; None for ``off``."""
    if text.lower() == "off":
        return None
    seconds = duration_seconds(text)
    if seconds is None:
        raise ValueError(f"{text!r} is not an interval, such as 12h, 7d or 1w, or 'off'")
    return _positive(float(seconds), text)


def read_days(text: str) -> int | None:
    """Parse a duration of whole days, such as ``30d`` or ``4w``, and return days; None for ``forever``."""
    if text.lower() == "forever":
        return None
    seconds = duration_seconds(text)
    if seconds is None:
        raise ValueError(f"{text!r} is not a number of days or weeks, such as 30d or 4w, or 'forever'")
    days = seconds / _SECONDS["d"]
    if days <= 0:
        raise ValueError(f"{text} is too short: give 1d or more, or 'forever'")
    if days.denominator != 1:
        raise ValueError(f"{text!r} is not a whole number of days: give days or weeks, such as 30d or 4w, or 'forever'")
    if days > MOST_DAYS:
        raise ValueError(f"{text} is more than {MOST_DAYS}d: give 'forever'")
    return days.numerator


def read_truth(text: str) -> bool:
    """Parse ``true`` or ``false``."""
    return read_choice(text, ("true", "false")) == "true"


def read_choice(text: str, valid: Iterable[str]) -> str:
    """Parse one of some words, in upper or lower case."""
    words = tuple(valid)
    if text.lower() not in words:
        raise ValueError(not_one_of(text, words))
    return text.lower()


def read_list(text: str) -> tuple[str, ...]:
    """Parse items that are separated by commas."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def read_journal_key(text: str) -> str:
    """Parse ``off``, a path or a PKCS #11 URI."""
    key = text.strip()
    if not key:
        raise ValueError("the value is empty: give a key file, a PKCS #11 URI, or off")
    return "off" if key.lower() == "off" else key


def read_acknowledge(text: str) -> Acknowledge:
    """Parse ``commit`` or ``journal``."""
    return Acknowledge(read_choice(text, [moment.value for moment in Acknowledge]))


def read_format(text: str) -> str:
    """Parse the format of the server's log."""
    return read_choice(text, ("text", "json"))


def read_level(text: str) -> str:
    """Parse the level of the server's log."""
    return read_choice(text, ("debug", "info", "warning", "error"))


def duration_seconds(text: str) -> Fraction | None:
    """Return the seconds of a duration with units, exactly; None if the text is not such a duration."""
    if not _DURATION.fullmatch(text.strip()):
        return None
    parts = _DURATION_PART.findall(text)
    return sum((Fraction(number) * _SECONDS[unit.lower()] for number, unit in parts), Fraction())


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _positive(seconds: float, text: str) -> float:
    if not seconds > 0:
        raise ValueError(f"{text} is too short: give more than no time, {_DURATION_FORMS}")
    if seconds > _MOST_SECONDS:
        raise ValueError(f"{text} is longer than a hundred years")
    return seconds

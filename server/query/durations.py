"""Durations in queries: nanoseconds, or a number with a unit."""

from __future__ import annotations

import re
from fractions import Fraction

__all__ = ["parse_duration"]

_UNITS = {"": 1, "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_MICRO = str.maketrans({"\N{MICRO SIGN}": "u", "\N{GREEK SMALL LETTER MU}": "u"})
_DURATION = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)(ns|us|ms|s|m|h|)", re.ASCII)
_LARGEST = (1 << 64) - 1


def parse_duration(text: str) -> int:
    """Return the nanoseconds of a duration: a number with a unit, such as ``1.5ms``, or a whole number of nanoseconds.

    Raises:
        ValueError: the text is not a duration, or not a whole number of nanoseconds; the message names the units.
    """
    match = _DURATION.fullmatch(text.lower().translate(_MICRO))
    nanos = Fraction(match[1]) * _UNITS[match[2]] if match else None
    if nanos is None or nanos.denominator != 1 or nanos > _LARGEST:
        raise ValueError(
            f"{text[:80]!r} is not a duration: write a number with a unit (ns, us, ms, s, m or h), such as 250ms or "
            "1.5s, or a whole number of nanoseconds"
        )
    return nanos.numerator

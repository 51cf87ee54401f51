"""Sizes and durations in words for people: one form in all messages."""

from __future__ import annotations

__all__ = ["duration", "size", "typed_duration", "typed_size"]

_SIZES = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_TYPED_SIZES = (*_SIZES, (10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "KB"))
_TYPED_SECONDS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_UNITS = ((1, "ns"), (1_000, "µs"), (1_000_000, "ms"), (1_000_000_000, "s"))
_MINUTE = 60


def size(count: int) -> str:
    """Return a number of bytes with a fitting unit (powers of 1024), such as 1.5 GiB, 64 MiB or 100 bytes."""
    for factor, unit in _SIZES:
        if count >= factor:
            return f"{count / factor:.1f}".removesuffix(".0") + f" {unit}"
    return "1 byte" if count == 1 else f"{count} bytes"


def typed_size(count: int) -> str:
    """Return a number of bytes exactly, as it is typed in settings: 2GiB, 10MB, or the number itself."""
    forms = [f"{count // factor}{unit}" for factor, unit in _TYPED_SIZES if count % factor == 0]
    return min(forms, key=len, default=str(count))


def typed_duration(seconds: float) -> str:
    """Return a number of seconds exactly, as it is typed in settings: 250ms, 5m, 7d."""
    if seconds != int(seconds):
        return f"{seconds * 1000:.15g}ms"
    return next(f"{int(seconds) // factor}{unit}" for factor, unit in _TYPED_SECONDS if seconds % factor == 0)


def duration(nanos: int) -> str:
    """Return a span of time in nanoseconds with three digits and a fitting unit, such as 12.3 ms or 4 min 05 s."""
    sign, span = ("-" if nanos < 0 else ""), abs(nanos)
    seconds = (span + 500_000_000) // 1_000_000_000
    if seconds >= _MINUTE:
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        if days:
            return f"{sign}{days:,} d {hours:02} h"
        return f"{sign}{hours} h {minutes:02} min" if hours else f"{sign}{minutes} min {seconds:02} s"
    factor, unit = next(((factor, unit) for factor, unit in reversed(_UNITS) if span >= factor), _UNITS[1])
    value = span / factor
    digits = 0 if factor == 1 or value >= 99.95 or not span else 1 if value >= 9.995 else 2
    return f"{sign}{value:.{digits}f} {unit}"

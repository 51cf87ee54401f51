"""Warnings before a certificate expires: 30 days, 7 days and 1 day before, and when it has."""

from __future__ import annotations

__all__ = ["Expiry"]

_DAY = 86_400
_STEPS = (0, 1, 7, 30)  # days before the end


class Expiry:
    """Warnings about the end of one certificate, each of which is given once."""

    def __init__(self) -> None:
        """Start with nothing said."""
        self._told: tuple[float, int] | None = None

    def told(self, expires: float, now: float) -> str:
        """Return what has to be said now, the end of a sentence; empty if it was said, or if there is time.

        Args:
            expires: end of the validity, in seconds since 1970.
            now: the time, in seconds since 1970.
        """
        left = expires - now
        step = next((days for days in _STEPS if left <= days * _DAY), None)
        if step is None or self._told == (expires, step):
            return ""
        self._told = (expires, step)
        if step == 0:
            return "has expired, so clients refuse to connect: renew it"
        days = int(left // _DAY)
        return f"expires in {days} {'day' if days == 1 else 'days'}: renew it" if days else "expires today: renew it"

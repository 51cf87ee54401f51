"""Severities in queries: names and numbers of OpenTelemetry's logs data model."""

from __future__ import annotations

from server.errors.suggestions import did_you_mean

__all__ = ["SEVERITIES", "parse_severity"]

_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
_OTHER_NAMES = {
    "verbose": "trace",
    "information": "info",
    "notice": "info2",
    "warning": "warn",
    "err": "error",
    "severe": "error",
    "critical": "fatal",
    "crit": "fatal",
    "alert": "fatal",
    "emergency": "fatal",
}
_STEPS = 4  # numbers of each level
_LAST = _STEPS * len(_LEVELS)

SEVERITIES = _LEVELS
"""Names of levels."""


def parse_severity(text: str) -> tuple[int, int]:
    """Return the first and the last severity number of a name (``warn``, ``error2``) or a number from 1 to 24.

    Raises:
        ValueError: the text is neither; the message has the names.
    """
    word = text.strip().lower()
    if word.isascii() and word.isdigit() and 1 <= int(word[:3]) <= _LAST and len(word) <= len(str(_LAST)):
        return int(word), int(word)
    name = _OTHER_NAMES.get(word, word)
    for number, level in enumerate(_LEVELS):
        first = number * _STEPS + 1
        if name == level:
            return first, first + _STEPS - 1
        if name[:-1] == level and name[-1] in "234":
            exact = first + int(name[-1]) - 1
            return exact, exact
    meant = did_you_mean(word[:80], [*_LEVELS, *_OTHER_NAMES])
    raise ValueError(f"{text[:80]!r} is not a severity ({', '.join(_LEVELS)}, or a number from 1 to {_LAST}){meant}")

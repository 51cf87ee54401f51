"""Settings of redaction, which ``lognotary classify`` reads without all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.codec.redaction_keys import split_key
from server.codec.redaction_rules import PATTERNS, Mode, Redaction
from server.errors.suggestions import not_one_of
from server.settings.sources import Given
from server.settings.values import read_choice, read_list

__all__ = ["read_redaction"]


def read_redaction(values: Mapping[str, Given], problems: list[str]) -> Redaction | None:
    """Return the redaction that settings ask for, without its key; None if they cannot be used.

    Args:
        values: value of each setting, by name.
        problems: gets a sentence for each setting that cannot be used.
    """
    parsed: list[Any] = []
    for name, parser in _PARSERS.items():
        try:
            parsed.append(parser(values[name].text))
        except ValueError as error:
            problems.append(f"{values[name].place}: {error}")
    return Redaction(*parsed) if len(parsed) == len(_PARSERS) else None


def _read_mode(text: str) -> Mode:
    return Mode(read_choice(text, [mode.value for mode in Mode]))


def _read_keys(text: str) -> tuple[str, ...]:
    names = read_list(text)
    for name in names:
        if not split_key(name.encode()):
            raise ValueError(f"{name!r} has no word: give the name of a secret in keys, such as internal_code")
    return names


def _read_patterns(text: str) -> tuple[str, ...]:
    names = tuple(name.lower() for name in read_list(text))
    if names in (("all",), ("none",)):
        return PATTERNS if names == ("all",) else ()
    for name in names:
        if name not in PATTERNS:
            raise ValueError(not_one_of(name, (*PATTERNS, "all", "none")))
    return names


# In the order of the fields of Redaction.
_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "redaction": _read_mode,
    "redaction_keys": _read_keys,
    "redaction_keep": read_list,
    "redaction_patterns": _read_patterns,
}

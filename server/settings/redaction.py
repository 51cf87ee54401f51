"""Settings of redaction, which ``lognotary classify`` reads without all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from server.codec.redaction_keys import SecretKeys, split_key
from server.codec.redaction_rules import CUSTOM, PATTERNS, RULES, Mode, Redaction
from server.errors.suggestions import not_one_of
from server.settings.sources import Given
from server.settings.values import read_choice, read_list

__all__ = ["read_redaction"]

_RECORD_ID = b"audit.record.id"


def read_redaction(values: Mapping[str, Given], problems: list[str]) -> Redaction | None:
    """Return the redaction that settings ask for, without its key; None if they cannot be used.

    Args:
        values: value of each setting, by name.
        problems: gets a sentence for each setting that cannot be used.
    """
    parsed: dict[str, Any] = {}
    for name, (attribute, parser) in _PARSERS.items():
        try:
            parsed[attribute] = parser(values[name].text)
        except ValueError as error:
            problems.append(f"{values[name].place}: {error}")
    if len(parsed) < len(_PARSERS):
        return None
    redaction = Redaction(**parsed)
    wrong = [f"{values['redaction_modes'].place}: {reason}" for reason in _without_effect(redaction)]
    keys = SecretKeys(redaction)
    if not keys.keeps(_RECORD_ID) and keys.find(_RECORD_ID) is not None:
        wrong.append(
            f"{values['redaction_keys'].place}: it covers {_RECORD_ID.decode()}, by which audit records are told "
            f"apart: name other words, or add {_RECORD_ID.decode()} to redaction_keep"
        )
    problems += wrong
    return None if wrong else redaction


def _without_effect(redaction: Redaction) -> Iterator[str]:
    for rule, mode in redaction.modes.items():
        if mode is Mode.OFF:
            continue
        if rule in PATTERNS and rule not in redaction.patterns:
            yield f"{rule} cannot be {mode.value}, because redaction_patterns does not have it: add {rule} there"
        if rule == CUSTOM and not redaction.keys:
            yield f"{CUSTOM} cannot be {mode.value}, because it has no words: name keys in redaction_keys"


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


def _read_modes(text: str) -> dict[str, Mode]:
    modes: dict[str, Mode] = {}
    for item in read_list(text):
        rule, equals, mode = (part.strip().lower() for part in item.partition("="))
        if not equals:
            raise ValueError(f"{item!r} is not RULE=MODE, such as card=hash")
        if rule not in RULES:
            raise ValueError(not_one_of(rule, RULES))
        if rule in modes:
            raise ValueError(f"{rule} has two modes: give it one")
        try:
            modes[rule] = _read_mode(mode)
        except ValueError as error:
            raise ValueError(f"{rule}: {error}") from error
    return modes


# Setting -> field of Redaction, and its parser.
_PARSERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "redaction": ("mode", _read_mode),
    "redaction_modes": ("modes", _read_modes),
    "redaction_keys": ("keys", _read_keys),
    "redaction_keep": ("keep", read_list),
    "redaction_patterns": ("patterns", _read_patterns),
}

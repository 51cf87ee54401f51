"""Conditions over rows in plain Python: the definition of their meaning, with which their SQL must agree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from storage.condition_sql import SEVERITY_NAMES
from storage.conditions import (
    NUMBER,
    AllOf,
    AnyAttribute,
    AnyOf,
    Attribute,
    Column,
    Condition,
    End,
    Exists,
    HasWords,
    HasWordsLike,
    Holds,
    IntegerWithin,
    IsOneOf,
    Negated,
    NumberWithin,
    Place,
    Resembles,
    SeverityWithin,
    TextWithin,
    TimeWithin,
)

__all__ = ["Row", "holds"]

Row = Mapping[str, Any]
"""Column -> text as bytes, number, or pairs of a map."""

_WORD = re.compile(rb"[0-9A-Za-z\x80-\xff]+")


def holds(condition: Condition, row: Row) -> bool:
    """Return whether a condition holds for a row."""
    match condition:
        case AllOf(parts):
            return all(holds(part, row) for part in parts)
        case AnyOf(parts):
            return any(holds(part, row) for part in parts)
        case Negated(part):
            return not holds(part, row)
        case IsOneOf(place, texts):
            return _text(place, row) in [text.encode() for text in texts]
        case Holds(place, text):
            return text.encode().lower() in _text(place, row).lower()
        case Resembles(place, pieces, ignores_case):
            whole = _text(place, row)
            sought = [piece.encode() for piece in pieces]
            if ignores_case:
                whole, sought = whole.lower(), [piece.lower() for piece in sought]
            return _fits(whole, sought)
        case HasWords(column, text):
            body, sought_text = row[column.name].lower(), text.encode().lower()
            return sought_text in body and set(_WORD.findall(sought_text)) <= set(_WORD.findall(body))
        case HasWordsLike(column, pieces):
            return _has_words_like(row[column.name].lower(), [piece.encode().lower() for piece in pieces])
        case Exists(place):
            return _exists(place, row)
        case TextWithin(place, low, high):
            value = _text(place, row)
            return value != b"" and _within(value, low, high, str.encode)
        case NumberWithin(place, low, high):
            digits = _text(place, row).decode("utf-8", "replace")
            return NUMBER.fullmatch(digits) is not None and _within(float(digits), low, high, float)
        case IntegerWithin(column, low, high):
            return _between(row[column.name], low, high)
        case SeverityWithin(low, high):
            told = SEVERITY_NAMES.get(row["SeverityText"].upper().decode("utf-8", "replace"), 0)
            return _between(row["SeverityNumber"] or told, low, high)
        case TimeWithin(column, since, until, or_received):
            time = row[column.name] or (row["IngestedAt"] if or_received else 0)
            return (since is None or time >= since) and (until is None or time < until)


def _text(place: Place, row: Row) -> bytes:
    match place:
        case Column(name):
            column: bytes = row[name]
            return column
        case Attribute(name, key):
            return next((value for each, value in row[name] if each == key.encode()), b"")
        case AnyAttribute(key):
            own = Attribute(_own_map(row), key)
            return _text(own if _exists(own, row) else Attribute("ResourceAttributes", key), row)


def _exists(place: Place, row: Row) -> bool:
    match place:
        case Column(name):
            return bool(row[name])
        case Attribute(name, key):
            return any(each == key.encode() for each, _ in row[name])
        case AnyAttribute(key):
            return any(_exists(Attribute(name, key), row) for name in (_own_map(row), "ResourceAttributes"))


def _own_map(row: Row) -> str:
    return "SpanAttributes" if "SpanAttributes" in row else "LogAttributes"


def _fits(text: bytes, pieces: Sequence[bytes]) -> bool:
    """Return whether a text consists of pieces with anything in between; each piece matches as early as possible."""
    first, *inner, last = pieces
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in inner:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return text.endswith(last) and len(text) - len(last) >= at


def _has_words_like(body: bytes, pieces: Sequence[bytes]) -> bool:
    first, *others = pieces
    starts = [at for at in range(len(body) + 1) if body.startswith(first, at) and _begins(body, at, first)]
    ends = {at + len(first) for at in starts}
    for piece in others:
        reached = set()
        for end in ends:
            at = end
            while True:
                if body.startswith(piece, at):
                    reached.add(at + len(piece))
                if at >= len(body) or body[at : at + 1] in b" \t\r\n":
                    break
                at += 1
        ends = reached
    last = pieces[-1]
    return any(not last or not _WORD.match(last[-1:]) or not _WORD.match(body[end : end + 1]) for end in ends)


def _begins(body: bytes, at: int, piece: bytes) -> bool:
    return not piece or not _WORD.match(piece[:1]) or at == 0 or not _WORD.match(body[at - 1 : at])


def _within(value: Any, low: End | None, high: End | None, read: Any) -> bool:
    if low is not None and not (value > read(low.text) or (low.included and value == read(low.text))):
        return False
    return high is None or value < read(high.text) or (high.included and value == read(high.text))


def _between(number: int, low: int | None, high: int | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)

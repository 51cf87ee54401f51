"""Typed conditions for rows of records: what a row must be, before any SQL.

Texts are compared as bytes of UTF-8. Where case is ignored, that is the case of ASCII letters. A word is a run of ASCII
letters, digits and characters beyond ASCII: what ClickHouse's ``tokens`` returns. An attribute that a record does not
have is an empty text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "ALWAYS",
    "NEVER",
    "NUMBER",
    "AllOf",
    "AnyAttribute",
    "AnyOf",
    "Attribute",
    "Column",
    "Condition",
    "End",
    "Exists",
    "HasWords",
    "HasWordsLike",
    "Holds",
    "IntegerWithin",
    "IsOneOf",
    "Negated",
    "NumberWithin",
    "Place",
    "Resembles",
    "SeverityWithin",
    "TextWithin",
    "TimeWithin",
    "ascii_lower",
    "words_of",
]

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")
"""The texts of attributes that are numbers."""

_SEPARATORS = re.compile(r"[\x00-/:-@\[-`{-\x7f]+")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of text, or of numbers or times if the condition is about these."""

    name: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """The value of a key in a column that is a map; if the key is repeated, the first one."""

    map: str
    key: str


@dataclass(frozen=True, slots=True)
class AnyAttribute:
    """The value of an attribute of the record if it has that key, otherwise of its resource."""

    key: str


Place = Column | Attribute | AnyAttribute


@dataclass(frozen=True, slots=True)
class IsOneOf:
    """The text is one of some texts."""

    place: Place
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holds:
    """The text has another one in it; case is ignored."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Resembles:
    """The whole text is these pieces, with any characters between two of them.

    Attributes:
        place: place of the text.
        pieces: at least two texts.
        ignores_case: True if case is ignored.
    """

    place: Place
    pieces: tuple[str, ...]
    ignores_case: bool


@dataclass(frozen=True, slots=True)
class HasWords:
    """The text has another one in it, and the words of the other one as whole words; case is ignored."""

    column: Column
    text: str


@dataclass(frozen=True, slots=True)
class HasWordsLike:
    """The text has these pieces in it, with any characters but spaces and ends of lines between two; case is ignored.

    The first one begins where a word does, and the last one ends where a word does, unless they are empty.
    """

    column: Column
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """An attribute is there, whatever its value; a column is not empty."""

    place: Place


@dataclass(frozen=True, slots=True)
class End:
    """One end of a range of texts or numbers.

    Attributes:
        text: the text; for a range of numbers, a match of ``NUMBER``.
        included: True if it belongs to the range.
    """

    text: str
    included: bool = True


@dataclass(frozen=True, slots=True)
class TextWithin:
    """The text is not empty, and between two others in the order of their bytes. Ends that are None are open."""

    place: Place
    low: End | None
    high: End | None


@dataclass(frozen=True, slots=True)
class NumberWithin:
    """The text is a number (``NUMBER``), and between two others. Ends that are None are open."""

    place: Place
    low: End | None
    high: End | None


@dataclass(frozen=True, slots=True)
class IntegerWithin:
    """The unsigned number of a column is at least ``low`` and at most ``high``. Ends that are None are open."""

    column: Column
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class SeverityWithin:
    """The severity, 1 to 24, is at least ``low`` and at most ``high``.

    It is the severity number, or what the severity text says if the record was sent without a number.
    """

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class TimeWithin:
    """The time of a column is in [since, until), in nanoseconds since the epoch. Ends that are None are open.

    Attributes:
        column: the column.
        since: the earliest time.
        until: the time after the latest one.
        or_received: True if the time of receipt stands for the time of records that have none.
    """

    column: Column
    since: int | None
    until: int | None
    or_received: bool = False


@dataclass(frozen=True, slots=True)
class Negated:
    """A condition does not hold."""

    part: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    """All conditions hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of some conditions holds."""

    parts: tuple[Condition, ...]


Condition = (
    IsOneOf
    | Holds
    | Resembles
    | HasWords
    | HasWordsLike
    | Exists
    | TextWithin
    | NumberWithin
    | IntegerWithin
    | SeverityWithin
    | TimeWithin
    | Negated
    | AllOf
    | AnyOf
)

ALWAYS: Condition = AllOf(())
"""The condition that holds for every row."""

NEVER: Condition = AnyOf(())
"""The condition that holds for no row."""


def ascii_lower(text: str) -> str:
    """Return a text with its ASCII letters in lower case, as ClickHouse's ``lower``."""
    return text.encode().lower().decode()


def words_of(text: str) -> Iterator[str]:
    """Yield the words of a text, as ClickHouse's ``tokens``."""
    return filter(None, _SEPARATORS.split(text))

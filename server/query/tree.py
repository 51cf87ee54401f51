"""The tree of a query: what was written, before the names of fields are resolved.

Trees are equal if they mean the same, wherever their parts stand in the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "Bound",
    "Conjunction",
    "Disjunction",
    "Everything",
    "FieldName",
    "Match",
    "Negation",
    "Node",
    "Phrase",
    "Present",
    "Spot",
    "Value",
    "Wildcard",
    "Within",
    "Word",
    "in_lower_case",
]


@dataclass(frozen=True, slots=True)
class Spot:
    """Offsets [start, end) of characters in the text of a query."""

    start: int
    end: int


_NOWHERE = Spot(0, 0)


@dataclass(frozen=True, slots=True)
class FieldName:
    """Name of a field, as it was written, without escapes."""

    text: str
    spot: Spot = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Word:
    """A word without quotes."""

    text: str
    spot: Spot = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text in quotes; it may be empty."""

    text: str
    spot: Spot = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A word with asterisks, each of which stands for any characters.

    Attributes:
        pieces: the texts between the asterisks, at least two, of which at least one is not empty; only the first and
            the last one may be empty.
        spot: its place.
    """

    pieces: tuple[str, ...]
    spot: Spot = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Present:
    """An asterisk alone: any value."""

    spot: Spot = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range."""

    text: str
    included: bool
    spot: Spot = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Within:
    """A range; at most one end is None, which is open."""

    low: Bound | None
    high: Bound | None
    spot: Spot = field(default=_NOWHERE, compare=False)


Value = Word | Phrase | Wildcard | Present | Within


@dataclass(frozen=True, slots=True)
class Everything:
    """The empty query, and an asterisk alone: all records."""


@dataclass(frozen=True, slots=True)
class Match:
    """A value of a field; without a field, words of the body."""

    field: FieldName | None
    value: Value


@dataclass(frozen=True, slots=True)
class Negation:
    """A node that must not match."""

    item: Node
    spot: Spot = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Conjunction:
    """At least two nodes that must all match, none of which is a conjunction itself."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Disjunction:
    """At least two nodes of which one must match, none of which is a disjunction itself."""

    items: tuple[Node, ...]


Node = Everything | Match | Negation | Conjunction | Disjunction


def in_lower_case(value: Value) -> Value:
    """Return a value in lower case."""
    match value:
        case Word(text):
            return Word(text.lower(), value.spot)
        case Phrase(text):
            return Phrase(text.lower(), value.spot)
        case Wildcard(pieces):
            return Wildcard(tuple(piece.lower() for piece in pieces), value.spot)
        case _:
            return value

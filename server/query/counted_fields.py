"""Fields by whose values records are counted."""

from __future__ import annotations

from dataclasses import dataclass

from server.errors.suggestions import not_one_of
from server.notary.origin import Stream
from server.query.fields import Kind, find_field
from storage.counted_rows import Counted, Level, StreamName

__all__ = ["DEFAULT_FACETS", "HISTOGRAM_FIELDS", "CountedField", "counted_field", "histogram_field"]

HISTOGRAM_FIELDS = ("stream", "severity", "service", "outcome", "category", "action", "status", "kind")
"""Fields by which a histogram may be split: they have few values."""

DEFAULT_FACETS = (
    "stream",
    "severity",
    "service",
    "event",
    "scope",
    "tenant",
    "sender",
    "actor",
    "action",
    "TargetType",
    "outcome",
    "category",
    "status",
    "kind",
)
"""Fields whose values are counted if no others are named."""

_UNCOUNTED = {
    Kind.WORDS: "texts hardly repeat",
    Kind.TIME: "times hardly repeat: a histogram counts by time",
    Kind.NUMBER: "it is a number, and numbers are counted as attributes only",
    Kind.EVIDENCE: "evidence is checked as records are read",
}


@dataclass(frozen=True, slots=True)
class CountedField:
    """A field by whose values records are counted.

    Attributes:
        name: the name, as it was given.
        counted: where its values are.
    """

    name: str
    counted: Counted


def counted_field(name: str) -> CountedField:
    """Return a field by its name in queries, or ``stream``.

    Raises:
        ValueError: there is no such field, or its values are not counted; the message says why.
    """
    if name.lower() == "stream":
        return CountedField(name, Counted(StreamName(), frozenset(Stream)))
    field = find_field(name)
    if field.kind in _UNCOUNTED:
        raise ValueError(f"the values of {name!r} cannot be counted: {_UNCOUNTED[field.kind]}")
    return CountedField(name, Counted(field.place or Level(), field.streams))


def histogram_field(name: str) -> CountedField:
    """Return a field by which a histogram may be split.

    Raises:
        ValueError: the field is not one of ``HISTOGRAM_FIELDS``.
    """
    if name.lower() not in HISTOGRAM_FIELDS:
        raise ValueError(not_one_of(name, HISTOGRAM_FIELDS))
    return counted_field(name.lower())

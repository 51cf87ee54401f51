"""Audit rules as data: conditions that make a record an audit record, and the sources of its audit columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum

from server.codec.audit.paths import Path
from server.codec.regex import Regex

__all__ = [
    "FIELD_NAMES",
    "IN_BODY",
    "AllOf",
    "Condition",
    "Extract",
    "Fields",
    "Match",
    "Pattern",
    "PatternKind",
    "Place",
    "Range",
    "Rule",
    "Source",
    "Template",
    "Test",
    "ValueMap",
]


class Place(Enum):
    """Place of a value; for the first five, a path leads to it.

    BODY without a path is the text of the whole body; with one, the body is JSON or a map. PAIRS are in a body that is
    ``key=value`` text. EVENT_NAME is the attribute ``event.name`` if the record has no
    event name. GROUP is a named group of the rule's regular expressions, TEXT a text of the rule.
    """

    LOG = "log"
    RESOURCE = "resource"
    SCOPE = "scope"
    BODY = "body"
    PAIRS = "pairs"
    EVENT_NAME = "event_name"
    SCOPE_NAME = "scope_name"
    SERVICE_NAME = "service_name"
    SEVERITY_TEXT = "severity_text"
    GROUP = "regex"
    TEXT = "="


IN_BODY = (Place.BODY, Place.PAIRS)
"""Places in the body: events have a body of their own, but all else of the record that is a list of them."""


@dataclass(frozen=True, slots=True)
class Source:
    """Source of a value: a place, the path there, and the name of a group or the text itself."""

    place: Place
    path: Path | None = None
    text: bytes = b""


Template = tuple[Source, ...]
"""Sources whose values stand one after the other. Without the value of one of them, the template has none."""


class PatternKind(Enum):
    """Kind of a comparison. ANY fits every value that is there."""

    EXACT = "text"
    PREFIX = "text*"
    SUFFIX = "*text"
    CONTAINS = "*text*"
    ANY = "*"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text that a value is, begins with, ends with, or contains; in UTF-8."""

    kind: PatternKind
    text: bytes = b""


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from ``low`` to ``high``, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class AllOf:
    """Tests that a value has to pass all, in this order: the cheap ones first."""

    tests: tuple[Pattern | Range | Regex, ...]


Test = Pattern | Range | Regex | AllOf
"""Test that a value passes or not."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Condition on one value: it is there, and passes one of the tests."""

    source: Source
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions on a record, all of which must hold.

    Attributes:
        conditions: conditions on its values.
        severity_min: lowest SeverityNumber.
    """

    conditions: tuple[Condition, ...] = ()
    severity_min: int = 0


@dataclass(frozen=True, slots=True)
class Extract:
    """Regular expression on a value; its named groups are sources of fields."""

    source: Source
    regex: Regex


@dataclass(frozen=True, slots=True)
class Fields:
    """Sources of the audit columns: a list for each column; the first source that is not empty counts."""

    record_id: tuple[Template, ...] = ()
    actor_id: tuple[Template, ...] = ()
    actor_name: tuple[Template, ...] = ()
    actor_type: tuple[Template, ...] = ()
    effective_actor_id: tuple[Template, ...] = ()
    session_id: tuple[Template, ...] = ()
    action: tuple[Template, ...] = ()
    target_id: tuple[Template, ...] = ()
    target_type: tuple[Template, ...] = ()
    source_id: tuple[Template, ...] = ()
    source_type: tuple[Template, ...] = ()
    source_host: tuple[Template, ...] = ()
    outcome: tuple[Template, ...] = ()
    category: tuple[Template, ...] = ()
    description: tuple[Template, ...] = ()


FIELD_NAMES = tuple(item.name for item in fields(Fields))
"""Names of the fields, in the order of the canonical record's audit columns but for the rule's name."""

ValueMap = tuple[tuple[Pattern | Range, bytes], ...]
"""Tests, each with what is stored instead of a value that passes it. The first one that a value passes counts."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An audit rule.

    Attributes:
        name: what is stored in AuditRule.
        match: a record is an audit record if any of these holds ...
        unless: ... and none of these.
        extract: regular expressions on values of the record.
        fields: sources of the audit columns.
        values: name of a field -> what is stored instead of its values.
        absent: values that stand for nothing, such as ``-``.
        split: path in the body to a list whose elements are records of their own, or a member of them; or None.
    """

    name: str
    match: tuple[Match, ...]
    fields: Fields = field(default_factory=Fields)
    unless: tuple[Match, ...] = ()
    extract: tuple[Extract, ...] = ()
    values: Mapping[str, ValueMap] = field(default_factory=dict)
    absent: frozenset[bytes] = frozenset()
    split: Path | None = None

"""Classification of records as audit or operational, and extraction of the audit columns.

When in doubt a record is operational; a record is never in both streams.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.codec.audit.facts import Facts, facts_of
from server.codec.audit.rules import Condition, Match, Pattern, PatternKind, Place, Range, Rule, Source, Template, Test
from server.codec.audit.texts import events_of, find
from server.codec.audit.words import ACTOR_TYPES, CATEGORIES, category_of, outcome_of
from server.codec.records import RecordColumns
from server.codec.regex import Regex, search

__all__ = [
    "MOST_FIELD_BYTES",
    "MOST_SEARCHED_BYTES",
    "AuditFields",
    "address_of",
    "classify",
    "condition_holds",
    "first_match",
    "passes",
]

MOST_FIELD_BYTES = 8192
"""Bytes that an audit column holds; what is longer is cut, and stands whole in the record."""

MOST_SEARCHED_BYTES = 8192
"""Bytes of a value that regular expressions search."""

_NUMBER = re.compile(rb"-?[0-9]{1,18}")
_MOST_ADDRESS = 64
_ADDRESS = re.compile(
    rb"\[([0-9a-fA-F:.]+)\](?::[0-9]+)?|([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::[0-9]+)?|([0-9a-fA-F.]*:[0-9a-fA-F:.]*)"
)
_MAP = re.compile(rb"\[?\s*\{\s*\"")


@dataclass(frozen=True, slots=True)
class AuditFields:
    """The audit columns of one record, in UTF-8."""

    record_id: bytes
    actor_id: bytes
    actor_name: bytes
    actor_type: bytes
    effective_actor_id: bytes
    session_id: bytes
    action: bytes
    target_id: bytes
    target_type: bytes
    source_id: bytes
    source_type: bytes
    source_host: bytes
    outcome: bytes
    category: bytes
    rule: bytes
    description: bytes


def classify(records: RecordColumns, rules: Sequence[Rule]) -> list[AuditFields | None]:
    """Return the audit fields of each record, None for an operational record.

    A record that is a list of events is operational; its events are records of their own (see
    ``server.codec.audit.split``).
    """
    return [_classify_record(facts_of(records, row), rules) for row in range(len(records))]


def first_match(facts: Facts, rules: Sequence[Rule]) -> Rule | None:
    """Return the first rule that matches a record."""
    return next((rule for rule in rules if _matches(rule, facts)), None)


def _classify_record(facts: Facts, rules: Sequence[Rule]) -> AuditFields | None:
    rule = first_match(facts, rules)
    return _Extraction(rule, facts).fields() if rule and rule.split is None else None


def _matches(rule: Rule, facts: Facts) -> bool:
    return (
        any(_holds(match, facts) for match in rule.match)
        and not any(_holds(match, facts) for match in rule.unless)
        and (rule.split is None or any(True for _ in events_of(facts.body, rule.split)))
    )


def _holds(match: Match, facts: Facts) -> bool:
    return facts.severity_number >= match.severity_min and all(
        condition_holds(condition, facts) for condition in match.conditions
    )


def condition_holds(condition: Condition, facts: Facts) -> bool:
    """Return whether a condition holds for a record."""
    value = facts.value(condition.source)
    return value is not None and any(passes(test, value) for test in condition.tests)


def passes(test: Test, value: bytes) -> bool:
    """Return whether a value passes a test."""
    if isinstance(test, Regex):
        return search(test, value[:MOST_SEARCHED_BYTES]) is not None
    if isinstance(test, Range):
        return _NUMBER.fullmatch(value) is not None and test.low <= int(value) <= test.high
    return _fits(test, value)


def _fits(pattern: Pattern, value: bytes) -> bool:
    match pattern.kind:
        case PatternKind.ANY:
            return True
        case PatternKind.PREFIX:
            return value.startswith(pattern.text)
        case PatternKind.SUFFIX:
            return value.endswith(pattern.text)
        case PatternKind.CONTAINS:
            return pattern.text in value
        case PatternKind.EXACT:
            return value == pattern.text


class _Extraction:
    """Extraction of the fields of one record by the rule that matched."""

    def __init__(self, rule: Rule, facts: Facts) -> None:
        self._rule = rule
        self._facts = facts
        self._groups: dict[bytes, bytes] = {}
        for item in rule.extract:
            found = search(item.regex, (facts.value(item.source) or b"")[:MOST_SEARCHED_BYTES])
            for name, text in zip(item.regex.groups, found or (), strict=False):
                if text:
                    self._groups.setdefault(name.encode(), text)

    def fields(self) -> AuditFields:
        actor_id = self._first("actor_id")
        action = self._first("action")
        target_type = self._first("target_type")
        actor_name = self._first("actor_name")
        effective = self._first("effective_actor_id")
        source_id = address_of(self._first("source_id"))
        source_host = self._first("source_host")
        return AuditFields(
            record_id=self._first("record_id"),
            actor_id=actor_id,
            actor_name=b"" if actor_name == actor_id else actor_name,
            actor_type=self._actor_type(),
            effective_actor_id=b"" if effective == actor_id else effective,
            session_id=self._first("session_id"),
            action=action,
            target_id=self._first("target_id"),
            target_type=target_type,
            source_id=source_id,
            source_type=self._first("source_type"),
            source_host=b"" if source_host == source_id else source_host,
            outcome=self._outcome(),
            category=self._category(action, target_type),
            rule=self._rule.name.encode(),
            description=self._first("description"),
        )

    def _first(self, field: str) -> bytes:
        for value in self._values(field):
            return _cut(self._stored(field, value) or value)
        return b""

    def _actor_type(self) -> bytes:
        for value in self._values("actor_type"):
            if "actor_type" not in self._rule.values:
                return value.lower() if value.lower() in ACTOR_TYPES else _cut(value)
            if stored := self._stored("actor_type", value):
                return stored
        return b""

    def _outcome(self) -> bytes:
        for value in self._values("outcome"):
            if "outcome" in self._rule.values:
                stored = self._stored("outcome", value)
            else:
                stored = outcome_of(value)
                stored = None if stored == b"unknown" else stored
            if stored:
                return stored
        return b"unknown"

    def _category(self, action: bytes, target_type: bytes) -> bytes:
        if "category" in self._rule.values:
            for value in self._values("category"):
                if stored := self._stored("category", value):
                    return stored
        else:
            for value in self._values("category"):
                if value.lower() in CATEGORIES:
                    return value.lower()
        return category_of(action, target_type)

    def _stored(self, field: str, value: bytes) -> bytes | None:
        """Return what the rule stores instead of a value, None if it says nothing of it."""
        lower = value.lower()
        for test, result in self._rule.values.get(field, ()):
            if passes(test, lower):
                return result
        return None

    def _values(self, field: str) -> Iterator[bytes]:
        """Yield the values of a field's sources that are not empty."""
        for template in getattr(self._rule.fields, field):
            value = self._value(template)
            if value:
                yield value

    def _value(self, template: Template) -> bytes:
        parts = [self._part(source) for source in template]
        return b"".join(parts) if all(parts) else b""

    def _part(self, source: Source) -> bytes:
        if source.place is Place.TEXT:
            return source.text
        value = self._group(source) if source.place is Place.GROUP else self._facts.value(source)
        if value is None or value in self._rule.absent or (source.path and _MAP.match(value)):
            return b""
        return value

    def _group(self, source: Source) -> bytes | None:
        text = self._groups.get(source.text, b"")
        return find(text, source.path.segments) if source.path else text


def address_of(text: bytes) -> bytes:
    """Return the first address of a text without its port; a text that does not begin with an address, unchanged."""
    first = text.split(b",", 1)[0].strip(b" ")
    match = _ADDRESS.fullmatch(first) if len(first) <= _MOST_ADDRESS else None
    return next(filter(None, match.groups())) if match else text


def _cut(text: bytes) -> bytes:
    """Return the beginning of a text, cut between characters."""
    if len(text) <= MOST_FIELD_BYTES:
        return text
    return text[:MOST_FIELD_BYTES].decode(errors="ignore").encode()

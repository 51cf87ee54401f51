"""Classification of records as audit or operational, and extraction of the audit columns.

When in doubt a record is operational; a record is never in both streams.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from server.codec.audit.addresses import address_of
from server.codec.audit.facts import Facts, all_facts
from server.codec.audit.lookup import Lookup
from server.codec.audit.matching import cut, first_match, passes, possible_rules
from server.codec.audit.rules import FIELD_NAMES, Pattern, Place, Range, Rule, Source, Template
from server.codec.audit.words import ACTOR_TYPES, CATEGORIES, category_of, outcome_of
from server.codec.records import RecordColumns

__all__ = [
    "MOST_BYTES",
    "AuditFields",
    "Extraction",
    "Found",
    "Way",
    "classify",
    "is_map",
]

MOST_BYTES = 8192
"""Bytes of a value that an audit column holds."""

_MAP = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*)*\{\s*[\"}]")
_WORDS = {"actor_type": ACTOR_TYPES, "outcome": (b"success", b"failure"), "category": CATEGORIES}
_LEFT_OUT = (("actor_name", "actor_id"), ("effective_actor_id", "actor_id"), ("source_host", "source_id"))


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


class Way(Enum):
    """Way in which a field got its value.

    SOURCE: the value of a source. VALUES: what the rule's ``values`` store instead of it. WORD: the known word that it
    is. DERIVED: derived from the action and the type of the target. SAME: left empty, because another field has the
    same value. NONE: no source has a value that can be used.
    """

    SOURCE = "source"
    VALUES = "values"
    WORD = "word"
    DERIVED = "derived"
    SAME = "same"
    NONE = "none"


class Found(NamedTuple):
    """The value of a field, and how it came about.

    Attributes:
        text: what the column holds.
        way: how it came about.
        template: the source; empty if it is not from one.
        sent: the value of the source.
        test: the test of ``values`` that this value passed.
    """

    text: bytes
    way: Way
    template: Template = ()
    sent: bytes = b""
    test: Pattern | Range | None = None


def classify(records: RecordColumns, rules: Sequence[Rule]) -> list[AuditFields | None]:
    """Return the audit fields of each record, None for an operational record.

    A record that is a list of events is operational; its events are records of their own (see
    ``server.codec.audit.split``).
    """
    verdicts: list[AuditFields | None] = []
    for _, alike in groupby(all_facts(records), key=lambda facts: facts.shared):
        first, *others = alike
        verdicts.append(_classify_record(first, rules))
        possible = possible_rules(first, rules) if others else ()
        verdicts += [_classify_record(facts, possible) for facts in others]
    return verdicts


def _classify_record(facts: Facts, rules: Sequence[Rule]) -> AuditFields | None:
    rule = first_match(facts, rules)
    return Extraction(rule, facts).fields() if rule and rule.split is None else None


class Extraction:
    """Extraction of the fields of one record by the rule that matched."""

    def __init__(self, rule: Rule, facts: Facts) -> None:
        """Search the regular expressions of the rule."""
        self._rule = rule
        self._facts = facts
        self._groups: dict[bytes, tuple[bytes, Lookup]] = {}
        for item in rule.extract:
            text = facts.value(item.source) or b""
            searched = cut(text, item.regex.most_bytes)
            lookup = facts.lookup(item.source)
            for name, (start, end) in zip(item.regex.groups, lookup.search(item.regex, searched), strict=False):
                # A group that reaches the end of what is searched goes on to the end of the text.
                if end > start:
                    group = text[start:] if end == len(searched) else text[start:end]
                    self._groups.setdefault(name.encode(), (group, lookup))

    def fields(self) -> AuditFields:
        """Return the audit columns."""
        texts = {name: found.text for name, found in self.found().items()}
        return AuditFields(rule=self._rule.name.encode(), **texts)

    def found(self) -> dict[str, Found]:
        """Return the fields by name, each with how its value came about."""
        found = {name: self._field(name) for name in FIELD_NAMES}
        source = found["source_id"]
        found["source_id"] = source._replace(text=address_of(source.text))
        if not found["outcome"].text:
            found["outcome"] = Found(b"unknown", Way.NONE)
        if not found["category"].text:
            found["category"] = Found(category_of(found["action"].text, found["target_type"].text), Way.DERIVED)
        for name, other in _LEFT_OUT:
            if found[name].text and found[name].text == found[other].text:
                found[name] = found[name]._replace(text=b"", way=Way.SAME)
        return found

    def value(self, template: Template) -> bytes:
        """Return the value of a source, empty if it has none."""
        parts = [self._part(source) for source in template]
        return b"".join(parts) if all(parts) else b""

    def sent(self, source: Source) -> bytes | None:
        """Return what the record has at a source, even if it stands for nothing; None if it has nothing there."""
        if source.place is Place.TEXT:
            return source.text
        if source.place is not Place.GROUP:
            return self._facts.value(source)
        text, lookup = self._groups.get(source.text, (b"", self._facts.shared))
        return lookup.find(text, source.path.segments, pairs_too=True) if source.path else text

    def is_doubtful(self, name: str, number: int, template: Template) -> bool:
        """Return whether a source is the outcome of events that name no other, but the end of this event is missing."""
        is_default = number > 0 and name == "outcome" and template[0].place is Place.TEXT and len(template) == 1
        return is_default and self._facts.is_cut

    def _part(self, source: Source) -> bytes:
        value = self.sent(source)
        if source.place is Place.TEXT:
            return source.text
        if value is None or value in self._rule.absent or (source.path and is_map(value)):
            return b""
        return value

    def _field(self, name: str) -> Found:
        for number, template in enumerate(getattr(self._rule.fields, name)):
            if self.is_doubtful(name, number, template):
                continue
            if sent := self.value(template):
                text, way, test = self._meaning(name, sent)
                if text:
                    return Found(text, way, template, sent, test)
        return Found(b"", Way.NONE)

    def _meaning(self, name: str, sent: bytes) -> tuple[bytes, Way, Pattern | Range | None]:
        """Return what a field holds for a value of its source, which is empty if the value is not used."""
        lower = sent.lower()
        for test, result in self._rule.values.get(name, ()):
            if passes(test, lower):
                return _cut(result), Way.VALUES, test
        if name not in _WORDS:
            return _cut(sent), Way.SOURCE, None
        if name in self._rule.values:
            return b"", Way.NONE, None
        word = outcome_of(sent) if name == "outcome" else lower
        if word in _WORDS[name]:
            return word, Way.WORD, None
        return b"", Way.NONE, None


def is_map(text: bytes) -> bool:
    """Return whether a text is a map, or a list with a map in it, which is never the value of a field."""
    return _MAP.match(text) is not None


def _cut(text: bytes) -> bytes:
    return cut(text, MOST_BYTES)

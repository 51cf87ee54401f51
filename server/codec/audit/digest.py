"""The rule set as a text, whose digest stands in every audit record that it made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from server.codec.audit.rules import (
    FIELD_NAMES,
    AllOf,
    Condition,
    Match,
    Pattern,
    PatternKind,
    Place,
    Range,
    Rule,
    Source,
    Template,
    Test,
)
from server.codec.regex import Regex

__all__ = ["VERSION", "rules_digest", "rules_text", "source_text", "template_text", "text_of_test"]

VERSION = 1
"""Version of how rules are applied: their words of outcomes and categories, and how values are found and cleaned."""


def rules_digest(rules: Sequence[Rule]) -> str:
    """Return the SHA-256 of the text of a rule set, in hex."""
    return sha256(rules_text(rules).encode()).hexdigest()


def rules_text(rules: Sequence[Rule]) -> str:
    """Return a rule set as JSON in ASCII, with everything that decides about records written out."""
    written = {"version": VERSION, "rules": [_rule(rule) for rule in rules]}
    return json.dumps(written, separators=(",", ":"))


def source_text(source: Source) -> str:
    """Return a source as it is written in settings."""
    if source.place is Place.TEXT:
        return "=" + source.text.decode()
    if source.place is Place.GROUP:
        path = f".{source.path.text.decode()}" if source.path else ""
        return f"regex:{source.text.decode()}{path}"
    return f"{source.place.value}:{source.path.text.decode()}" if source.path else source.place.value


def template_text(template: Template) -> str:
    """Return the source of a field as it is written in settings."""
    if len(template) == 1:
        return source_text(template[0])
    return "".join(
        source.text.decode() if source.place is Place.TEXT else f"${{{source_text(source)}}}" for source in template
    )


def text_of_test(test: Test) -> str:
    """Return a test as people read it."""
    if isinstance(test, AllOf):
        return " and ".join(map(text_of_test, test.tests))
    if isinstance(test, Regex):
        return f"/{test.pattern}/"
    if isinstance(test, Range):
        return f"{test.low}..{test.high}"
    return _pattern(test)


def _pattern(pattern: Pattern) -> str:
    if pattern.kind is PatternKind.ANY:
        return "*"
    kind: str = pattern.kind.value
    return kind.replace("text", pattern.text.decode().replace("*", "\\*"))


def _rule(rule: Rule) -> dict[str, Any]:
    written = {
        "name": rule.name,
        "match": [_match(match) for match in rule.match],
        "unless": [_match(match) for match in rule.unless],
        "extract": [[source_text(item.source), item.regex.pattern] for item in rule.extract],
        "fields": {name: [_template(template) for template in getattr(rule.fields, name)] for name in FIELD_NAMES},
        "values": {
            name: [[_test(test), result.decode()] for test, result in stored] for name, stored in rule.values.items()
        },
        "absent": sorted(text.decode() for text in rule.absent),
        "split": source_text(Source(Place.BODY, rule.split if rule.split.segments else None)) if rule.split else "",
    }
    return {key: value for key, value in written.items() if value}


def _match(match: Match) -> dict[str, Any]:
    return {
        "conditions": [_condition(condition) for condition in match.conditions],
        "severity_min": match.severity_min,
    }


def _condition(condition: Condition) -> list[Any]:
    return [source_text(condition.source), [_test(test) for test in condition.tests]]


def _test(test: Test) -> str | dict[str, Any]:
    if isinstance(test, AllOf):
        return {"all": [_test(one) for one in test.tests]}
    if isinstance(test, Regex):
        return {"regex": test.pattern}
    if isinstance(test, Range):
        return {"min": test.low, "max": test.high}
    return _pattern(test)


def _template(template: Template) -> list[str]:
    return [source_text(source) for source in template]

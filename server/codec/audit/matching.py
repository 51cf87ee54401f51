"""Conditions of audit rules: which rule matches a record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from server.codec.audit.facts import Facts
from server.codec.audit.rules import IN_BODY, AllOf, Condition, Match, Pattern, PatternKind, Place, Range, Rule, Test
from server.codec.regex import Regex, search

__all__ = ["cut", "first_match", "has_events", "in_order", "matches", "passes", "passes_one", "possible_rules"]

_NUMBER = re.compile(rb"-?[0-9]{1,18}")


def first_match(facts: Facts, rules: Sequence[Rule]) -> Rule | None:
    """Return the first rule that matches a record. Rules for lists of events are tried after all others.

    So a list that somebody adds to an event does not hide the event.
    """
    return next((rule for rule in in_order(rules) if matches(rule, facts)), None)


def possible_rules(facts: Facts, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules that may match a record with another body, with the conditions on that body only.

    The events in a record are many, and differ in nothing else.
    """
    opened = ((rule, _open(rule.match, facts)) for rule in rules)
    return tuple(replace(rule, match=match, unless=_open(rule.unless, facts)) for rule, match in opened if match)


def _open(matches: Sequence[Match], facts: Facts) -> tuple[Match, ...]:
    return tuple(
        Match(tuple(condition for condition in match.conditions if condition.source.place in IN_BODY))
        for match in matches
        if _holds(match, facts, but=IN_BODY)
    )


def in_order(rules: Sequence[Rule]) -> Iterator[Rule]:
    """Yield rules in the order in which they are tried."""
    yield from (rule for rule in rules if rule.split is None)
    yield from (rule for rule in rules if rule.split is not None)


def matches(rule: Rule, facts: Facts) -> bool:
    """Return whether a rule matches a record."""
    return (
        any(_holds(match, facts) for match in rule.match)
        and not any(_holds(match, facts) for match in rule.unless)
        and has_events(rule, facts)
    )


def has_events(rule: Rule, facts: Facts) -> bool:
    """Return whether a record is a list of events, if the rule is for one; True for all other rules."""
    return rule.split is None or any(True for _ in facts.events(rule.split))


def _holds(match: Match, facts: Facts, but: Sequence[Place] = ()) -> bool:
    return facts.severity_number >= match.severity_min and all(
        condition.source.place in but or passes_one(condition, facts.value(condition.source))
        for condition in match.conditions
    )


def passes_one(condition: Condition, value: bytes | None) -> bool:
    """Return whether a condition holds for the value of its source, None if there is none."""
    return value is not None and any(passes(test, value) for test in condition.tests)


def passes(test: Test, value: bytes) -> bool:
    """Return whether a value passes a test."""
    if isinstance(test, AllOf):
        return all(passes(one, value) for one in test.tests)
    if isinstance(test, Regex):
        return search(test, cut(value, test.most_bytes)) is not None
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


def cut(text: bytes, most: int) -> bytes:
    """Return the beginning of a text, of a number of bytes at most, cut between characters."""
    if len(text) <= most:
        return text
    return text[:most].decode(errors="ignore").encode()

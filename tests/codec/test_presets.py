"""The built-in rules as a whole: each has samples, and a sample for each of its rules."""

from __future__ import annotations

from functools import cache

import pytest

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.facts import facts_of
from server.codec.audit.matching import first_match
from server.codec.audit.rules import Rule
from server.codec.audit.split import with_events
from server.codec.decode import decode
from server.codec.limits import ROW_LIMITS

from .building import records
from .test_sources import FILES, SOURCES, rows, sample

GENERIC = {"otel-audit": "otel", "log-type": "otel", "event-name": "otel"}
"""Rules that are for no product, and the folder of their samples."""

NAMES = sorted({rule.name for rule in built_in_rules()})


def folder(name: str) -> str:
    return GENERIC.get(name, name)


@cache
def rules_that_matched() -> frozenset[int]:
    """Return the numbers of the rules that matched a record of some sample."""
    rules = built_in_rules()
    numbers = {id(rule): number for number, rule in enumerate(rules)}
    found: set[int] = set()
    for path in FILES:
        given = with_events(decode(sample(path)[0]), rules, ROW_LIMITS)
        matched = (first_match(facts_of(given, row), rules) for row in range(len(given)))
        found |= {numbers[id(rule)] for rule in matched if rule}
    return frozenset(found)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_has_samples_that_it_recognises_and_samples_that_it_does_not(name: str) -> None:
    expected = {path.stem: list(rows(sample(path)[1])) for path in SOURCES.glob(f"{folder(name)}/*.json")}
    assert not any(expected.pop("negative"))
    assert any(fields and fields["rule"] == name for all_fields in expected.values() for fields in all_fields)


@pytest.mark.parametrize("number", range(len(built_in_rules())), ids=lambda n: f"{n}-{built_in_rules()[n].name}")
def test_a_rule_of_a_preset_recognises_a_record_of_some_sample(number: int) -> None:
    assert number in rules_that_matched()


@pytest.mark.parametrize("rule", built_in_rules(), ids=lambda rule: rule.name)
def test_no_preset_matches_an_empty_record(rule: Rule) -> None:
    empty = records(1)
    assert first_match(facts_of(empty, 0), (rule,)) is None

"""Audit rules in settings: what is understood, and what is said about what is not."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from typing import Any

import pytest

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.errors import RuleError
from server.codec.audit.parse import parse_rules
from server.codec.audit.rules import Fields, Match

MATCH = {"service": "billing"}


def test_the_rule_of_the_documentation_is_understood() -> None:
    settings = tomllib.loads(
        """
        [[audit.rules]]
        name = "billing"
        match = [{ service = "billing", event_name = "invoice.*" }]
        [audit.rules.fields]
        actor_id = ["log:user.id", "log:enduser.id"]
        action = ["event_name"]
        category = ["=data"]
        """
    )
    (rule,) = parse_rules(settings["audit"]["rules"])
    assert rule.name == "billing"
    assert rule.match == (Match(service="billing", event_name="invoice.*"),)
    assert rule.fields.actor_id == ("log:user.id", "log:enduser.id")
    assert rule.fields.action == ("event_name",)
    assert rule.fields.category == ("=data",)


def test_fields_that_a_rule_does_not_name_are_those_of_the_audit_signal() -> None:
    (rule,) = parse_rules([{"name": "r", "match": MATCH}])
    generic = built_in_rules()[0].fields
    assert {f.name: tuple(getattr(rule.fields, f.name)) for f in fields(Fields)} == {
        f.name: tuple(getattr(generic, f.name)) for f in fields(Fields)
    }


def test_a_single_match_and_a_single_source_need_no_list() -> None:
    (rule,) = parse_rules([{"name": "r", "match": MATCH, "fields": {"action": "body"}}])
    assert rule.match == (Match(service="billing"),)
    assert rule.fields.action == ("body",)


def test_every_condition_can_be_set() -> None:
    match = {"event_name": "a", "scope": "b*", "service": "*", "severity_min": 17, "attributes": {"k": "v", "w": "*"}}
    (rule,) = parse_rules([{"name": "r", "match": [match]}])
    assert rule.match == (Match("a", "b*", "*", 17, {"k": "v", "w": "*"}),)


def test_rules_keep_their_order() -> None:
    assert [rule.name for rule in parse_rules([{"name": n, "match": MATCH} for n in "cab"])] == ["c", "a", "b"]
    assert parse_rules([]) == ()


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({}, "audit rule 1 has no name"),
        ({"match": MATCH}, "audit rule 1 has no name"),
        ({"name": "", "match": MATCH}, "audit rule 1 has no name"),
        ({"name": 5, "match": MATCH}, "audit rule 1 has no name"),
        ({"name": "r", "match": MATCH, "when": 1, "action": 2}, "unknown setting action, when"),
        ({"name": "r"}, "'match' must be a table of conditions, or a list of them"),
        ({"name": "r", "match": []}, "'match' must be a table of conditions, or a list of them"),
        ({"name": "r", "match": "billing"}, "'match' must be a table of conditions, or a list of them"),
        ({"name": "r", "match": 5}, "'match' must be a table of conditions, or a list of them"),
        ({"name": "r", "match": {}}, "would make every record audit"),
        ({"name": "r", "match": [MATCH, {}]}, "would make every record audit"),
        ({"name": "r", "match": ["billing"]}, "'match' must be a table of conditions, or a list of them"),
        ({"name": "r", "match": {"body": "x"}}, "unknown condition body"),
        ({"name": "r", "match": {"attributes": "k"}}, "'attributes' must be a table"),
        ({"name": "r", "match": {"service": "a*b"}}, "with '*' only at the end"),
        ({"name": "r", "match": {"service": "**"}}, "with '*' only at the end"),
        ({"name": "r", "match": {"scope": 5}}, "with '*' only at the end"),
        ({"name": "r", "match": {"attributes": {"k": "*v"}}}, "with '*' only at the end"),
        ({"name": "r", "match": {"attributes": {"k": 5}}}, "with '*' only at the end"),
        ({"name": "r", "match": {"severity_min": "ERROR"}}, "severity_min must be a number"),
        ({"name": "r", "match": MATCH, "fields": ["log:a"]}, "'fields' must be a table"),
        ({"name": "r", "match": MATCH, "fields": {"action": "verb"}}, "action cannot come from 'verb'; use log:KEY"),
        ({"name": "r", "match": MATCH, "fields": {"action": ["body", 5]}}, "action cannot come from 5"),
        ({"name": "r", "match": MATCH, "fields": {"action": 5}}, "action cannot come from 5"),
        ({"name": "r", "match": MATCH, "fields": {"who": "body"}}, "unknown field who"),
    ],
)
def test_a_rule_that_cannot_be_used_says_why(rule: dict[str, Any], why: str) -> None:
    with pytest.raises(RuleError, match=re.escape(why)):
        parse_rules([rule])


def test_a_message_names_the_rule() -> None:
    with pytest.raises(RuleError, match="'second'"):
        parse_rules([{"name": "first", "match": MATCH}, {"name": "second", "match": {}}])
    with pytest.raises(RuleError, match="rule 2"):
        parse_rules([{"name": "first", "match": MATCH}, {"match": MATCH}])


@pytest.mark.parametrize("match", [{"service": ""}, {"severity_min": 0}, {"attributes": {}}])
def test_conditions_that_hold_for_everything_are_refused_as_none(match: dict[str, Any]) -> None:
    with pytest.raises(RuleError, match="every record"):
        parse_rules([{"name": "r", "match": match}])


def test_built_in_rules_could_be_written_in_settings() -> None:
    written = [
        {
            "name": rule.name,
            "match": [{f.name: getattr(m, f.name) for f in fields(Match)} for m in rule.match],
            "fields": {f.name: list(getattr(rule.fields, f.name)) for f in fields(Fields)},
        }
        for rule in built_in_rules()
    ]
    parsed = parse_rules(written)
    assert [(rule.name, rule.match) for rule in parsed] == [(rule.name, rule.match) for rule in built_in_rules()]


def test_a_rule_that_is_no_table_is_refused() -> None:
    with pytest.raises(RuleError, match="audit rule 1 is not a table"):
        parse_rules(["billing"])  # type: ignore[list-item]

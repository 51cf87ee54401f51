"""Audit rules in settings: what is understood, and what is said about what is not."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.digest import rules_digest, rules_text, source_text, text_of_test
from server.codec.audit.errors import RuleError
from server.codec.audit.generic import GENERIC_FIELDS
from server.codec.audit.parse import parse_rules
from server.codec.audit.rules import Fields, Match, Rule, Template

MATCH = {"service": "billing"}


def parse(**settings: Any) -> Rule:
    (rule,) = parse_rules([{"name": "r", "match": MATCH} | settings])
    return rule


def conditions(match: Match) -> dict[str, list[str]]:
    return {source_text(item.source): [text_of_test(test) for test in item.tests] for item in match.conditions}


def written(templates: tuple[Template, ...]) -> list[list[str]]:
    return [[source_text(source) for source in template] for template in templates]


def test_the_rule_of_the_documentation_is_understood() -> None:
    settings = tomllib.loads(
        """
        [[audit.rules]]
        name = "billing"
        match = [
          { service = "billing", event_name = "invoice.*" },
          { scope = "com.example.billing", attributes = { "invoice.id" = "*" }, severity_min = 9 },
        ]
        unless = [{ attributes = { "invoice.draft" = true } }]
        [audit.rules.fields]
        actor_id = ["log:user.id", "log:enduser.id"]
        action = ["event_name"]
        target_id = ["${log:customer.id}/${log:invoice.id}"]
        [audit.rules.values.outcome]
        "0" = "success"
        "1.." = "failure"
        """
    )
    (rule,) = parse_rules(settings["audit"]["rules"])
    assert rule.name == "billing"
    assert [conditions(match) for match in rule.match] == [
        {"service_name": ["billing"], "event_name": ["invoice.*"]},
        {"scope_name": ["com.example.billing"], "log:invoice.id": ["*"]},
    ]
    assert [match.severity_min for match in rule.match] == [0, 9]
    assert [conditions(match) for match in rule.unless] == [{"log:invoice.draft": ["true"]}]
    assert written(rule.fields.actor_id) == [["log:user.id"], ["log:enduser.id"]]
    assert written(rule.fields.action) == [["event_name"]]
    assert written(rule.fields.target_id) == [["log:customer.id", "=/", "log:invoice.id"]]
    assert [(text_of_test(test), stored) for test, stored in rule.values["outcome"]] == [
        ("0", b"success"),
        (f"1..{2**63 - 1}", b"failure"),
    ]


def test_fields_that_a_rule_does_not_name_are_those_of_the_audit_signal_unless_it_says_otherwise() -> None:
    assert parse().fields == GENERIC_FIELDS
    assert parse(generic_fields=False).fields == Fields()
    (rule,) = parse_rules([{"name": "r", "match": MATCH}], generic_fields=False)
    assert rule.fields == Fields()


def test_values_of_the_category_apply_to_the_action_unless_the_rule_names_sources_of_the_category() -> None:
    values = {"category": {"sign*": "auth"}}
    assert written(parse(values=values, fields={"action": "body"}).fields.category) == [["body"]]
    assert written(parse(values=values, fields={"category": "log:kind"}).fields.category) == [["log:kind"]]


def test_a_single_match_and_a_single_source_need_no_list() -> None:
    rule = parse(fields={"action": "body"})
    assert [conditions(match) for match in rule.match] == [{"service_name": ["billing"]}]
    assert written(rule.fields.action) == [["body"]]


def test_every_condition_can_be_set() -> None:
    rule = parse(
        match={
            "event_name": "a",
            "scope": "b*",
            "service": ["*c", "*d*"],
            "severity_min": 17,
            "severity_text": r"\*",
            "attributes": {"k": 5, "w": "*", "x": {"min": 400}, "y": {"min": -1, "max": 1}},
            "resource": {"r": True},
            "scope_attributes": {"s": {"regex": "^a+$"}},
            "body": {"user.name": ""},
        }
    )
    assert conditions(rule.match[0]) == {
        "event_name": ["a"],
        "scope_name": ["b*"],
        "service_name": ["*c", "*d*"],
        "severity_text": [r"\*"],
        "log:k": ["5"],
        "log:w": ["*"],
        "log:x": [f"400..{2**63 - 1}"],
        "log:y": ["-1..1"],
        "resource:r": ["true"],
        "scope:s": ["/^a+$/"],
        "body:user.name": [""],
    }
    assert conditions(parse(match={"body": "type=*"}).match[0]) == {"body": ["type=*"]}
    assert conditions(parse(match={"body": {"regex": "a"}}).match[0]) == {"body": ["/a/"]}
    assert conditions(parse(match={"body": {"contains": ["a", "*"], "regex": "b"}, "pairs": {"k": "v"}}).match[0]) == {
        "body": [r"*a* and *\** and /b/"],
        "pairs:k": ["v"],
    }


def test_every_source_can_be_named() -> None:
    sources = [
        *("log:a.b[0]", "resource:a", "scope:a", "body:a[*].b[-1]", "pairs:a", "body", "event_name", "scope_name"),
        *("service_name", "severity_text", "regex:who", "regex:who.name", "=", "=text ${log:a}"),
    ]
    rule = parse(extract={"regex": "(?P<who>.+)"}, fields={"action": sources})
    assert written(rule.fields.action) == [[source] for source in sources]


def test_rules_keep_their_order() -> None:
    assert [rule.name for rule in parse_rules([{"name": n, "match": MATCH} for n in "cab"])] == ["c", "a", "b"]
    assert parse_rules([]) == ()


ONE_OR_MORE = "must be a table of conditions, or a list of them"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({}, "audit rule 1 has no name"),
        ({"match": MATCH}, "audit rule 1 has no name"),
        ({"name": "", "match": MATCH}, "audit rule 1 has no name"),
        ({"name": 5, "match": MATCH}, "audit rule 1 has no name"),
        ({"name": "r", "match": MATCH, "when": 1, "action": 2}, "unknown setting action, when"),
        ({"name": "r"}, f"'match' {ONE_OR_MORE}"),
        ({"name": "r", "match": []}, f"'match' {ONE_OR_MORE}"),
        ({"name": "r", "match": "billing"}, f"'match' {ONE_OR_MORE}"),
        ({"name": "r", "match": 5}, f"'match' {ONE_OR_MORE}"),
        ({"name": "r", "match": ["billing"]}, f"'match' {ONE_OR_MORE}"),
        ({"name": "r", "match": MATCH, "unless": 5}, f"'unless' {ONE_OR_MORE}"),
        ({"name": "r", "match": {}}, "would make every record audit"),
        ({"name": "r", "match": [MATCH, {}]}, "would make every record audit"),
        ({"name": "r", "match": MATCH, "unless": {}}, "would hold for every record"),
        ({"name": "r", "match": {"boddy": "x"}}, "unknown condition boddy"),
        ({"name": "r", "match": {"attributes": "k"}}, "'attributes' must be a table"),
        ({"name": "r", "match": {"attributes": {"": "k"}}}, "the path is empty"),
        ({"name": "r", "match": {"resource": ["k"]}}, "'resource' must be a table"),
        ({"name": "r", "match": {"service": "a*b"}}, "with '*' only at the beginning and at the end"),
        ({"name": "r", "match": {"service": "**"}}, "with '*' only at the beginning and at the end"),
        ({"name": "r", "match": {"service": []}}, "service: the list of patterns is empty"),
        ({"name": "r", "match": {"service": ["a", ["b"]]}}, "service: a list of patterns has another list in it"),
        ({"name": "r", "match": {"service": "a\0b"}}, "is not a pattern"),
        ({"name": "r", "match": {"severity_min": 256}}, "severity_min must be a number up to 255"),
        ({"name": "r", "match": {"severity_min": -1}}, "severity_min must be a number up to 255"),
        ({"name": "r", "match": {"scope": 1.5}}, "scope: 1.5 is not a pattern"),
        ({"name": "r", "match": {"attributes": {"k": {"min": 5, "max": 4}}}}, "no number is at least 5 and at most 4"),
        ({"name": "r", "match": {"attributes": {"k": {"min": "5"}}}}, "attributes k: a test is a pattern"),
        ({"name": "r", "match": {"body": {"contains": 5}}}, "body: 'contains' must be text, or a list of texts"),
        ({"name": "r", "match": {"body": {"contains": []}}}, "body: a test is a pattern"),
        ({"name": "r", "match": {"pairs": "k"}}, "'pairs' must be a table"),
        ({"name": "r", "match": {"attributes": {"k": {}}}}, "attributes k: a test is a pattern"),
        ({"name": "r", "match": {"attributes": {"k": {"regex": 5}}}}, "the regular expression must be text"),
        ({"name": "r", "match": {"attributes": {"k": {"regex": "("}}}}, "regular expression '('"),
        ({"name": "r", "match": {"attributes": {"k": {"regex": r"(a)\1"}}}}, "regular expression"),
        ({"name": "r", "match": {"severity_min": "ERROR"}}, "severity_min must be a number"),
        ({"name": "r", "match": MATCH, "fields": ["log:a"]}, "'fields' must be a table"),
        ({"name": "r", "match": MATCH, "fields": {"action": "verb"}}, "action cannot come from 'verb'; use log:KEY"),
        ({"name": "r", "match": MATCH, "fields": {"action": ["body", 5]}}, "action cannot come from 5"),
        ({"name": "r", "match": MATCH, "fields": {"action": "log:"}}, "the path is empty"),
        ({"name": "r", "match": MATCH, "fields": {"action": "a ${verb}"}}, "action cannot come from 'verb'"),
        ({"name": "r", "match": MATCH, "fields": {"action": "a ${log:b"}}, "has a '${' without a '}' behind it"),
        ({"name": "r", "match": MATCH, "fields": {"action": "regex:who"}}, "has a group named 'who'"),
        ({"name": "r", "match": MATCH, "fields": {"action": "log:" + ".a" * 17}}, "at most 16 are allowed"),
        ({"name": "r", "match": MATCH, "fields": {"who": "body"}}, "unknown field who"),
        (
            {"name": "r", "match": MATCH, "fields": {"outcome": ["log:a", "=sucess"]}},
            "outcome cannot come from '=sucess': 'sucess' is not success, failure or unknown; did you mean 'success'?",
        ),
        (
            {"name": "r", "match": MATCH, "fields": {"category": "=ops"}},
            "category cannot come from '=ops': 'ops' is not admin, data, auth or system",
        ),
        (
            {"name": "r", "match": MATCH, "fields": {"actor_type": "=robot"}},
            "actor_type cannot come from '=robot': 'robot' is not user, service or system",
        ),
        (
            {"name": "r", "match": MATCH, "fields": {"outcome": "=success"}, "values": {"outcome": {"0": "success"}}},
            "outcome cannot come from '=success': it passes no test of values.outcome",
        ),
        ({"name": "r", "match": MATCH, "extract": "a"}, "'extract' must be a table with 'regex'"),
        ({"name": "r", "match": MATCH, "extract": {"from": "body"}}, "'extract' must be a table with 'regex'"),
        ({"name": "r", "match": MATCH, "extract": {"regex": "a", "to": 1}}, "unknown setting of 'extract' to"),
        ({"name": "r", "match": MATCH, "extract": {"regex": "(a)"}}, "has no named group"),
        ({"name": "r", "match": MATCH, "extract": {"regex": "(?P<a>b)", "from": "x"}}, "extract cannot come from 'x'"),
        ({"name": "r", "match": MATCH, "values": 5}, "'values' must be a table of fields"),
        ({"name": "r", "match": MATCH, "values": {"who": {}}}, "unknown field of 'values' who"),
        ({"name": "r", "match": MATCH, "values": {"outcome": {}}}, "values.outcome must be a table"),
        ({"name": "r", "match": MATCH, "values": {"outcome": {"0": "good"}}}, "'good' is not success or failure"),
        ({"name": "r", "match": MATCH, "values": {"category": {"0": "x"}}}, "'x' is not admin or data"),
        ({"name": "r", "match": MATCH, "values": {"actor_type": {"0": "x"}}}, "'x' is not user or service or system"),
        ({"name": "r", "match": MATCH, "values": {"action": {"0": ""}}}, "'' is not text"),
        ({"name": "r", "match": MATCH, "values": {"action": {"a*b": "x"}}}, "'a*b' is not a pattern"),
        ({"name": "r", "match": MATCH, "values": {"action": {"5..4": "x"}}}, "no number is at least 5"),
        ({"name": "r", "match": MATCH, "absent": "-"}, "'absent' must be a list of texts"),
        ({"name": "r", "match": MATCH, "absent": ["-" * 65]}, "at most 64 bytes"),
        ({"name": "r", "match": MATCH, "split": "log:items"}, "'split' must be the path to a list in the body"),
        ({"name": "r", "match": MATCH, "split": "body:items[0]"}, "'split' must be the path to a list in the body"),
        ({"name": "r", "match": MATCH, "split": "body:items[*]"}, "'split' must be the path to a list in the body"),
        ({"name": "r", "match": MATCH, "split": "body:[*].a"}, "'split' must be the path to a list in the body"),
        ({"name": "r", "match": MATCH, "split": "body:a[*].b[*].c"}, "'split' must be the path to a list in the body"),
        ({"name": "r", "match": MATCH, "generic_fields": "no"}, "generic_fields must be true or false"),
    ],
)
def test_a_rule_that_cannot_be_used_says_why(rule: dict[str, Any], why: str) -> None:
    with pytest.raises(RuleError, match=re.escape(why)):
        parse_rules([rule])


@pytest.mark.parametrize(
    "settings",
    [
        {"fields": {"outcome": "=Success", "category": "=AUTH", "actor_type": "=Service"}},
        {"fields": {"outcome": ["=403", "=denied", "=unknown"]}},
        {"fields": {"outcome": "=sent"}, "values": {"outcome": {"sen*": "success"}}},
        {"fields": {"outcome": "done: ${log:a}", "action": "=ops"}},
    ],
    ids=str,
)
def test_a_fixed_text_that_gives_its_field_a_value_is_a_source(settings: dict[str, Any]) -> None:
    (rule,) = parse_rules([{"name": "r", "match": MATCH, **settings}])
    assert rule.fields.outcome


def test_a_message_names_the_rule() -> None:
    with pytest.raises(RuleError, match="'second'"):
        parse_rules([{"name": "first", "match": MATCH}, {"name": "second", "match": {}}])
    with pytest.raises(RuleError, match="rule 2"):
        parse_rules([{"name": "first", "match": MATCH}, {"match": MATCH}])


@pytest.mark.parametrize("match", [{"service": ""}, {"severity_min": 0}, {"attributes": {}}])
def test_conditions_that_hold_for_everything_are_refused_as_none(match: dict[str, Any]) -> None:
    with pytest.raises(RuleError, match="every record"):
        parse_rules([{"name": "r", "match": match}])


def test_a_rule_that_is_no_table_is_refused() -> None:
    with pytest.raises(RuleError, match="audit rule 1 is not a table"):
        parse_rules(["billing"])  # type: ignore[list-item]


def test_the_digest_of_a_rule_set_changes_with_everything_that_decides() -> None:
    sets = [
        (),
        built_in_rules(),
        (parse(),),
        (parse(name="s"),),
        (parse(match={"service": "billing*"}),),
        (parse(match={"resource": {"service.name": "billing"}}),),
        (parse(unless={"severity_min": 9}),),
        (parse(extract={"regex": "(?P<a>b)"}),),
        (parse(extract={"regex": "(?P<a>c)"}),),
        (parse(fields={"action": "body"}),),
        (parse(values={"action": {"0": "a"}}),),
        (parse(values={"action": {"0": "b"}}),),
        (parse(absent=[]),),
        (parse(split="body:items"),),
        (parse(split="body"),),
        (parse(match={"service": "/x/"}),),
        (parse(match={"service": {"contains": ["x", "y"]}}),),
        (parse(match={"pairs": {"x": "y"}}),),
        (parse(match={"service": {"regex": "x"}}),),
        (parse(match={"service": "1..5"}),),
        (parse(match={"service": {"min": 1, "max": 5}}),),
        (parse(), parse()),
    ]
    assert len({rules_digest(rules) for rules in sets}) == len(sets)
    assert rules_digest((parse(),)) == rules_digest((parse(),))
    assert rules_text(()) == '{"version":1,"rules":[]}'

"""Explanations of classifications: they agree with the classification, and say where everything comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.classify import AuditFields, Way, classify
from server.codec.audit.explain import MOST_NEAR, Explanation, FieldOrigin, Trial, Unused, Why, explain
from server.codec.audit.facts import facts_of
from server.codec.audit.parse import parse_rules
from server.codec.audit.rules import Rule
from server.codec.audit.split import events_in, with_events
from server.codec.decode import decode
from server.codec.limits import ROW_LIMITS
from server.codec.otlp_json import request_from_json
from server.codec.records import RecordColumns
from tests.codec.building import attributes, records
from tests.codec.strategies import requests

SOURCES = Path(__file__).parent.parent / "sources"
OWN = parse_rules(
    [
        {"name": "list", "match": {"body": {"items": "*"}}, "split": "body:items"},
        {
            "name": "login",
            "match": [
                {"attributes": {"type": ["LOGIN", "LOGIN_*"]}, "scope": "org.keycloak*"},
                {"severity_min": 13, "body": {"regex": "denied|refused"}},
            ],
            "unless": [{"attributes": {"type": "LOGIN_TEST"}}, {"service": "test"}],
            "extract": {"regex": "for (?P<user>[a-z]+)"},
            "fields": {
                "actor_id": ["log:userId", "regex:user", "=nobody"],
                "action": ["log:type", "event_name"],
                "outcome": ["log:error", "severity_text"],
                "target_id": "${log:realm}/${log:client}",
            },
            "values": {"outcome": {"0": "success", "400..": "failure"}, "category": {"login*": "auth"}},
        },
        {"name": "any", "match": {"attributes": {"kind": "*", "verb": "*"}}, "fields": {"action": "log:verb"}},
    ]
)
RULES = (*built_in_rules(), *OWN)


def explained(rules: tuple[Rule, ...], *wanted: str, **columns: Any) -> Explanation:
    return explain(facts_of(records(1, **columns), 0), rules, wanted)


def rule(name: str = "r", **settings: Any) -> Rule:
    return parse_rules([{"name": name, **settings}])[0]


def field(name: str, rules: tuple[Rule, ...], **columns: Any) -> FieldOrigin:
    return next(each for each in explained(rules, **columns).fields if each.name == name)


def assert_agrees(request: RecordColumns, rules: tuple[Rule, ...]) -> None:
    """Compare the explanations of the records of a request, and of the events in them, with their classification."""
    expanded = with_events(request, rules, ROW_LIMITS)
    classified = iter(classify(expanded, rules))
    for row in range(len(request)):
        explanation = assert_consistent(request, row, rules)
        assert as_classified(explanation) == next(classified)
        for event in () if explanation.is_audit else events_in(request, row, rules):
            inner = assert_consistent(event, 0, rules)
            if inner.is_audit:
                assert as_classified(inner) == next(classified)
    assert list(classified) == []


def as_classified(explanation: Explanation) -> AuditFields | None:
    """Return the audit fields that an explanation has."""
    if not explanation.is_audit or explanation.trial is None:
        return None
    values = {each.name: each.value for each in explanation.fields}
    return AuditFields(**values, rule=explanation.trial.rule.encode())


def assert_consistent(request: RecordColumns, row: int, rules: tuple[Rule, ...]) -> Explanation:
    """Compare what is said of the conditions of every rule with whether the rule matches."""
    explanation = explain(facts_of(request, row), rules, {each.name for each in rules})
    matched = [explanation.trial] if explanation.trial else []
    assert len(explanation.near) + len(matched) == len(rules)
    for trial in [*explanation.near, *matched]:
        assert trial.matches == (all(each.holds for each in trial.checked) and not trial.exception)
    return explanation


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_explanation_agrees_with_the_classification_of_every_sample(path: Path) -> None:
    request = decode(request_from_json(json.dumps(json.loads(path.read_text(encoding="utf-8"))["request"]).encode()))
    assert_agrees(request, RULES)


@given(requests())
def test_an_explanation_agrees_with_the_classification_of_any_record(request: ExportLogsServiceRequest) -> None:
    assert_agrees(decode(request.SerializeToString()), RULES)


def test_the_conditions_of_the_match_that_holds_are_told_with_the_values() -> None:
    columns = {"log_attributes": attributes(type="LOGIN_ERROR"), "scope_name": b"org.keycloak.events"}
    trial = explained(OWN, **columns).trial
    assert trial is not None
    told = [(each.source and each.source.place.value, each.wanted, each.value, each.holds) for each in trial.checked]
    assert told == [
        ("log", ("LOGIN", "LOGIN_*"), b"LOGIN_ERROR", True),
        ("scope_name", ("org.keycloak*",), b"org.keycloak.events", True),
    ]
    trial = explained(OWN, body=b"request denied", severity_number=17).trial
    assert trial is not None
    assert [(each.wanted, each.value) for each in trial.checked] == [
        (("13..",), b"17"),
        (("/denied|refused/",), b"request denied"),
    ]


def test_a_field_has_the_source_of_its_value() -> None:
    columns: dict[str, Any] = {"log_attributes": attributes(kind="k", verb="delete", user__id="alice")}
    assert field("actor_id", OWN, **columns) == FieldOrigin(
        "actor_id",
        b"alice",
        Way.SOURCE,
        "log:user.id",
        b"alice",
        "",
        (Unused("log:audit.actor.id", Why.MISSING),),
    )
    action = field("action", OWN, **columns)
    assert (action.value, action.source, action.unused) == (b"delete", "log:verb", ())


def test_values_words_and_derived_categories_are_told_apart() -> None:
    login = rule(
        match={"severity_min": 1},
        fields={"action": "log:type", "actor_type": "log:t", "outcome": ["log:code", "log:status"]},
        values={"outcome": {"400..599": "failure"}, "action": {"in": "login"}},
    )
    sent = attributes(type="in", t="USER", code="9", status="403")
    told = {
        each.name: (each.value, each.way, each.source, each.sent, each.test, each.unused)
        for each in explained((login,), severity_number=1, log_attributes=sent).fields
    }
    assert told["action"] == (b"login", Way.VALUES, "log:type", b"in", "in", ())
    assert told["actor_type"] == (b"user", Way.WORD, "log:t", b"USER", "", ())
    unused = (Unused("log:code", Why.UNKNOWN, b"9"),)
    assert told["outcome"] == (b"failure", Way.VALUES, "log:status", b"403", "400..599", unused)
    assert told["category"][:3] == (b"auth", Way.DERIVED, "")


def test_a_field_that_repeats_another_is_told_to_be_left_out() -> None:
    audit = parse_rules([{"name": "r", "match": {"severity_min": 1}}])
    name = field("actor_name", audit, severity_number=1, log_attributes=attributes(user__name="alice"))
    assert (name.value, name.way, name.source, name.sent) == (b"", Way.SAME, "log:user.name", b"alice")


def test_an_address_is_told_as_it_was_sent() -> None:
    audit = parse_rules([{"name": "r", "match": {"severity_min": 1}}])
    source = field("source_id", audit, severity_number=1, log_attributes=attributes(client__address="10.0.0.1:443"))
    assert (source.value, source.sent, source.way) == (b"10.0.0.1", b"10.0.0.1:443", Way.SOURCE)


def test_why_sources_are_not_used_is_told() -> None:
    audit = rule(
        match={"severity_min": 1},
        fields={"outcome": ["log:none", "log:dash", "log:map", "log:odd", "${log:dash}/${log:odd}"]},
    )
    sent = attributes(dash="-", map='{"a":1}', odd="perhaps")
    outcome = field("outcome", (audit,), severity_number=1, log_attributes=sent)
    assert (outcome.value, outcome.way, outcome.source) == (b"unknown", Way.NONE, "")
    assert outcome.unused == (
        Unused("log:none", Why.MISSING),
        Unused("log:dash", Why.ABSENT, b"-"),
        Unused("log:map", Why.MAP, b'{"a":1}'),
        Unused("log:odd", Why.UNKNOWN, b"perhaps"),
        Unused("${log:dash}/${log:odd}", Why.ABSENT, b"-"),
    )


def near(*rules: Rule, **columns: Any) -> list[str]:
    return [trial.rule for trial in explained(rules, **columns).near]


def test_rules_that_nearly_match_come_in_the_order_of_the_share_of_conditions_that_hold() -> None:
    sent = attributes(a="1", b="2")
    half = rule("half", match={"attributes": {"a": "*", "z": "*"}})
    other_half = rule("other half", match=[{"attributes": {"z": "*"}}, {"attributes": {"b": "*", "y": "*"}}])
    most = rule("most", match={"attributes": {"a": "1", "b": "2", "z": "*"}})
    little = rule("little", match={"attributes": {"a": "*", "x": "*", "y": "*", "z": "*"}})
    none = rule("none", match={"attributes": {"a": "2", "z": "*"}})
    assert near(none, half, other_half, most, log_attributes=sent) == ["most", "half", "other half"]
    assert near(none, little, log_attributes=sent) == ["little"]
    assert near(none, log_attributes=sent) == []
    assert len(near(*[half] * 9, log_attributes=sent)) == MOST_NEAR


def test_of_several_matches_the_closest_is_told() -> None:
    several = rule(match=[{"attributes": {"z": "*"}}, {"attributes": {"a": "*", "b": "3"}}])
    [trial] = explained((several,), log_attributes=attributes(a="1", b="2")).near
    assert trial.alternatives == 2
    assert [(each.value, each.holds) for each in trial.checked] == [(b"1", True), (b"2", False)]


def test_an_exception_that_holds_is_told() -> None:
    columns: dict[str, Any] = {"log_attributes": attributes(type="LOGIN"), "scope_name": b"org.keycloak"}
    [trial] = explained(OWN, **columns, service_name=b"test").near
    assert (trial.rule, trial.matches, all(each.holds for each in trial.checked)) == ("login", False, True)
    assert [(each.wanted, each.value) for each in trial.exception] == [(("test",), b"test")]
    assert explained(OWN, **columns, service_name=b"shop").is_audit


def test_a_rule_for_lists_does_not_match_an_empty_list() -> None:
    [trial] = explained(OWN, body=b'{"items":[]}').near
    assert [(each.wanted, each.holds) for each in trial.checked] == [(("*",), True), (("a list of events",), False)]
    listed = explained(OWN, body=b'{"items":[1]}')
    assert listed.split is not None
    assert not listed.is_audit


def test_behind_a_rule_that_matches_only_nearer_rules_before_it_are_told() -> None:
    sent = attributes(a="1", b="2")
    match = rule("match", match={"attributes": {"a": "1"}})
    half = rule("half", match={"attributes": {"a": "*", "z": "*"}})
    most = rule("most", match={"attributes": {"a": "1", "b": "2", "z": "*"}})
    same = rule("match", match={"attributes": {"a": "1", "b": "2", "z": "*"}})
    assert near(half, most, same, match, log_attributes=sent) == ["most"]
    assert near(match, most, log_attributes=sent) == []


def test_rules_that_are_asked_for_are_told_however_far_they_are() -> None:
    sent = attributes(kind="k", verb="v")
    explanation = explained(OWN, "login", "any", log_attributes=sent)
    assert [trial.rule for trial in explanation.near] == ["login"]
    late = (*OWN, rule("late", match={"attributes": {"kind": "k"}}))
    [trial] = explained(late, "late", log_attributes=sent).near
    assert isinstance(trial, Trial)
    assert trial.matches


def test_the_outcome_of_an_event_that_was_cut_off_says_why_it_is_unknown() -> None:
    rules = (rule(match={"body": {"who": "*"}}, fields={"outcome": ["body:error", "=success"]}),)
    found = field("outcome", rules, body=b'{"who":"a","err')
    assert (found.value, [each.why for each in found.unused]) == (b"unknown", [Why.MISSING, Why.CUT])
    assert field("outcome", rules, body=b'{"who":"a"}').value == b"success"

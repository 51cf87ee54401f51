"""Audit columns, which rules make of the values of a record."""

from __future__ import annotations

from typing import Any

import pytest

from server.codec.audit.classify import MOST_BYTES
from tests.codec.building import attributes

from .classifying import audit, rule


def test_a_field_comes_from_the_first_source_that_is_not_empty() -> None:
    sources = ["log:a", "log:b", "resource:r", "scope:s", "event_name", "scope_name", "service_name", "body", "=text"]
    rules = (rule({"severity_min": 1}, action=sources),)
    columns: dict[str, Any] = {
        "log_attributes": attributes(a="", b="1"),
        "resource_attributes": attributes(r="2"),
        "scope_attributes": attributes(s="3"),
        "event_name": b"4",
        "scope_name": b"5",
        "service_name": b"6",
        "body": b"7",
    }
    seen = [audit(rules, severity_number=1, **columns).action]
    for column in list(columns):
        del columns[column]
        seen.append(audit(rules, severity_number=1, **columns).action)
    assert seen == [b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"text"]


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        ("success", "success"),
        ("Successful", "success"),
        ("SUCCEEDED", "success"),
        ("ok", "success"),
        ("allow", "success"),
        ("allowed", "success"),
        ("True", "success"),
        ("unknown", "unknown"),
        ("", "unknown"),
        ("200", "success"),
        ("302", "success"),
        ("399", "success"),
        ("400", "failure"),
        ("503", "failure"),
        ("2000", "unknown"),
        ("099", "unknown"),
        ("0", "unknown"),
        ("failure", "failure"),
        ("denied", "failure"),
        ("false", "failure"),
        ("invalid_grant", "unknown"),
    ],
)
def test_outcomes_are_success_failure_or_unknown(sent: str, outcome: str) -> None:
    assert audit(log_attributes=attributes(audit__outcome=sent)).outcome == outcome.encode()


@pytest.mark.parametrize(
    ("action", "target_type", "category"),
    [
        ("login", "", "auth"),
        ("LOGOUT", "", "auth"),
        ("signin", "", "auth"),
        ("mfa.enroll", "user", "auth"),
        ("grant.role", "", "admin"),
        ("user.delete", "", "admin"),
        ("password.reset", "", "admin"),
        ("config.change", "", "system"),
        ("Restart", "", "system"),
        ("read", "", "data"),
        ("", "", "data"),
        ("delete", "User", "admin"),
        ("update", "configuration", "system"),
        ("update", "invoice", "data"),
    ],
)
def test_a_category_is_guessed_from_action_and_then_target(action: str, target_type: str, category: str) -> None:
    pairs = attributes(audit__action=action, audit__target__type=target_type)
    assert audit(log_attributes=pairs).category == category.encode()


@pytest.mark.parametrize(("sent", "category"), [("system", "system"), ("AUTH", "auth"), ("billing", "data")])
def test_a_category_that_was_sent_counts_if_it_is_one(sent: str, category: str) -> None:
    pairs = attributes(audit__action="read", audit__category=sent)
    assert audit(log_attributes=pairs).category == category.encode()


def test_what_is_missing_is_unknown_and_the_first_known_outcome_counts() -> None:
    rules = (rule({"severity_min": 1}, outcome=["log:code", "log:word", "=maybe"]),)
    for attributes_sent, outcome in (
        ({}, b"unknown"),
        ({"code": "what"}, b"unknown"),
        ({"code": "what", "word": "denied"}, b"failure"),
        ({"code": "200", "word": "denied"}, b"success"),
    ):
        assert audit(rules, severity_number=1, log_attributes=attributes(**attributes_sent)).outcome == outcome


def test_a_rule_has_values_of_its_own() -> None:
    rules = (
        rule(
            {"severity_min": 1},
            outcome=["log:code", "log:decision"],
            actor_type=["log:kind"],
            action=["log:verb"],
            values={
                "outcome": {"0": "success", "1..16": "failure", "Forbid*": "failure"},
                "actor_type": {"*[bot]": "service", "human": "user"},
                "action": {"4624": "logon"},
                "category": {"4624": "auth", "*policy*": "admin"},
            },
        ),
    )

    def made(**sent: str) -> tuple[bytes, bytes, bytes, bytes]:
        fields = audit(rules, severity_number=1, log_attributes=attributes(**sent))
        return fields.outcome, fields.actor_type, fields.action, fields.category

    assert made(code="0", kind="Human", verb="4624") == (b"success", b"user", b"logon", b"auth")
    assert made(code="7", kind="x[BOT]", verb="SetPolicyX") == (b"failure", b"service", b"SetPolicyX", b"admin")
    assert made(code="17", decision="FORBIDDEN", kind="dog", verb="read") == (b"failure", b"", b"read", b"data")
    assert made(code="17") == (b"unknown", b"", b"", b"data")


def test_groups_of_regular_expressions_are_sources_and_the_first_that_has_a_text_counts() -> None:
    rules = (
        rule(
            {"severity_min": 1},
            extract=[
                {"regex": r"for (?:invalid user )?(?P<user>\S+) from (?P<address>\S+)(?: port (?P<port>\d+))?"},
                {"from": "log:extra", "regex": r"(?P<port>\d+) (?P<json>\{.*\})"},
            ],
            actor_id=["regex:user"],
            source_id=["regex:address"],
            session_id=["regex:port"],
            target_id=["regex:json.file.path", "regex:json"],
        ),
    )
    fields = audit(
        rules,
        severity_number=1,
        body=b"Failed password for invalid user bob from 203.0.113.5",
        log_attributes=attributes(extra='22 {"file":{"path":"/etc"}}'),
    )
    assert (fields.actor_id, fields.source_id, fields.session_id, fields.target_id) == (
        b"bob",
        b"203.0.113.5",
        b"22",
        b"/etc",
    )
    assert audit(rules, severity_number=1, body=b"x").actor_id == b""


def test_a_text_with_sources_has_a_value_only_if_all_of_them_have() -> None:
    rules = (rule({"severity_min": 1}, target_id=["${log:a}/${log:b}", "only ${log:a}"]),)
    assert audit(rules, severity_number=1, log_attributes=attributes(a="1", b="2")).target_id == b"1/2"
    assert audit(rules, severity_number=1, log_attributes=attributes(a="1")).target_id == b"only 1"
    assert audit(rules, severity_number=1).target_id == b""


def test_values_that_stand_for_nothing_and_maps_are_not_stored() -> None:
    rules = (rule({"severity_min": 1}, actor_id=["log:a", "log:b"]),)
    for value in ("-", "?", "null", "(null)", '{"a":1}', '[{"a":1}]', "[]"):
        assert audit(rules, severity_number=1, log_attributes=attributes(a=value, b="bob")).actor_id == b"bob", value
    for value in ("{5770385F-C22A}", "nobody", "[redacted]"):
        assert audit(rules, severity_number=1, log_attributes=attributes(a=value)).actor_id == value.encode()
    own = (rule({"severity_min": 1}, actor_id=["log:a"], absent=["nobody"]),)
    assert audit(own, severity_number=1, log_attributes=attributes(a="nobody")).actor_id == b""
    assert audit(own, severity_number=1, log_attributes=attributes(a="-")).actor_id == b"-"


def test_names_and_identities_are_stored_only_if_they_differ_from_the_actor() -> None:
    rules = (
        rule(
            {"severity_min": 1},
            actor_id=["log:id"],
            actor_name=["log:name"],
            effective_actor_id=["log:as"],
            source_id=["log:ip"],
            source_host=["log:host"],
        ),
    )
    same = audit(rules, severity_number=1, log_attributes=attributes(**{"id": "a", "name": "a", "as": "a", "ip": "h"}))
    assert (same.actor_name, same.effective_actor_id) == (b"", b"")
    sent = {"id": "a", "name": "b", "as": "c", "ip": "10.0.0.1:5", "host": "10.0.0.1"}
    other = audit(rules, severity_number=1, log_attributes=attributes(**sent))
    assert (other.actor_name, other.effective_actor_id, other.source_host) == (b"b", b"c", b"")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("203.0.113.41", "203.0.113.41"),
        ("203.0.113.41:55123", "203.0.113.41"),
        ("203.0.113.41, 10.0.0.7", "203.0.113.41"),
        (" 203.0.113.41:1 , 10.0.0.7:2", "203.0.113.41"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.41", "::ffff:203.0.113.41"),
        ("host:443", "host:443"),
        ("a, b", "a, b"),
        ("1.2.3.4:x", "1.2.3.4:x"),
        ("1.2.3.4.5", "1.2.3.4.5"),
        ("[x]", "[x]"),
        ("[]:1", "[]:1"),
        (":" * 65, ":" * 65),
        ("", ""),
    ],
)
def test_an_address_is_stored_without_its_port_and_without_proxies(sent: str, stored: str) -> None:
    assert audit(log_attributes=attributes(audit__action="x", audit__source__id=sent)).source_id == stored.encode()


def test_a_column_holds_the_beginning_of_a_long_value() -> None:
    sent = "é" * (MOST_BYTES // 2 - 1) + "€é"
    assert audit(log_attributes=attributes(audit__action=sent)).action == sent[:-2].encode()
    assert audit(log_attributes=attributes(audit__action="a" + "é" * 5000)).action == ("a" + "é" * 4095).encode()

"""Which records are audit, and what they say of who did what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from server.codec.audit.classify import AuditFields, classify
from server.codec.decode import decode
from server.codec.encode import encode_records
from server.codec.records import RecordColumns
from server.codec.reference import ReferenceCodec
from server.codec.audit.built_in import built_in_rules
from server.codec.audit.parse import parse_rules
from server.codec.audit.rules import Match, Rule
from server.notary.origin import Stream
from tests.codec.strategies import requests

from .building import NOW, attributes, records

OTEL = attributes(
    audit__record__id="r-1",
    audit__actor__id="alice",
    audit__actor__type="user",
    audit__action="user.create",
    audit__outcome="success",
    audit__target__id="bob",
    audit__target__type="user",
    audit__source__id="10.0.0.1",
    audit__source__type="ip",
)


def one(rules: tuple[Rule, ...] = built_in_rules(), **columns: Any) -> AuditFields | None:
    (fields,) = classify(records(1, **columns), rules)
    return fields


def audit(rules: tuple[Rule, ...] = built_in_rules(), **columns: Any) -> AuditFields:
    fields = one(rules, **columns)
    assert fields is not None
    return fields


def rule(match: dict[str, Any], name: str = "r", **fields: Any) -> Rule:
    return parse_rules([{"name": name, "match": match, "fields": fields}])[0]


def test_a_record_that_says_nothing_of_audit_is_operational() -> None:
    assert one() is None
    assert one(log_attributes=attributes(user__id="alice", action="audit"), body=b"audit", event_name=b"login") is None
    assert one(rules=(), log_attributes=OTEL) is None


def test_the_draft_audit_signal_is_recognised_with_all_its_fields() -> None:
    assert audit(log_attributes=OTEL) == AuditFields(
        record_id=b"r-1",
        actor_id=b"alice",
        actor_type=b"user",
        action=b"user.create",
        target_id=b"bob",
        target_type=b"user",
        source_id=b"10.0.0.1",
        source_type=b"ip",
        outcome=b"success",
        category=b"admin",
        rule=b"otel-audit",
    )


@pytest.mark.parametrize(
    "key", ["audit.record.id", "audit.actor.id", "audit.actor.type", "audit.action", "audit.outcome"]
)
def test_one_mandatory_attribute_of_the_audit_signal_is_enough_even_if_empty(key: str) -> None:
    assert audit(log_attributes=((key.encode(), b""),)).rule == b"otel-audit"


@pytest.mark.parametrize("key", ["audit.target.id", "audit", "audit.actor", "AUDIT.ACTION"])
def test_other_attributes_do_not_make_a_record_audit(key: str) -> None:
    assert one(log_attributes=((key.encode(), b"x"),)) is None


def test_the_log_type_audit_is_recognised() -> None:
    fields = audit(log_attributes=attributes(log__type="audit", user__id="alice", event__action="read"))
    assert (fields.rule, fields.actor_id, fields.action) == (b"log-type", b"alice", b"read")
    assert one(log_attributes=attributes(log__type="audit2")) is None


def test_kubernetes_audit_events_are_recognised() -> None:
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": "a-1",
        "user.username": "system:admin",
        "verb": "delete",
        "objectRef.resource": "rolebindings",
        "objectRef.name": "admins",
        "requestURI": "/apis/x",
        "sourceIPs": '["10.0.0.1"]',
        "responseStatus.code": "403",
    }
    fields = audit(log_attributes=attributes(**event))
    assert fields == AuditFields(
        record_id=b"a-1",
        actor_id=b"system:admin",
        actor_type=b"",
        action=b"delete",
        target_id=b"/apis/x",
        target_type=b"rolebindings",
        source_id=b'["10.0.0.1"]',
        source_type=b"",
        outcome=b"failure",
        category=b"admin",
        rule=b"kubernetes",
    )
    assert one(log_attributes=attributes(**{**event, "kind": "Pod"})) is None
    assert one(log_attributes=attributes(**{**event, "apiVersion": "v1"})) is None


def test_keycloak_events_are_recognised_by_their_scope() -> None:
    login = attributes(id="e-1", type="LOGIN", userId="u-1", clientId="shop", ipAddress="::1")
    fields = audit(scope_name=b"org.keycloak.events.jpa", log_attributes=login)
    assert fields == AuditFields(
        b"e-1", b"u-1", b"user", b"LOGIN", b"shop", b"client", b"::1", b"", b"success", b"auth", b"keycloak"
    )
    failed = attributes(type="LOGIN_ERROR", error="invalid_user_credentials")
    assert audit(scope_name=b"org.keycloak.events", log_attributes=failed).outcome == b"failure"
    assert one(scope_name=b"org.keycloak", log_attributes=login) is None


def test_event_names_under_audit_are_recognised_as_field_and_as_attribute() -> None:
    assert audit(event_name=b"audit.login").rule == b"event-name"
    assert audit(event_name=b"audit.login").action == b"audit.login"
    assert audit(log_attributes=attributes(event__name="audit.login")).action == b"audit.login"
    assert one(event_name=b"auditing") is None
    assert one(event_name=b"login", log_attributes=attributes(event__name="audit.login")) is None


def test_the_first_rule_that_matches_decides() -> None:
    first, second = rule({"service": "shop"}, "first", action="=one"), rule({"service": "*"}, "second", action="=two")
    assert (audit((first, second), service_name=b"shop").rule) == b"first"
    assert (audit((second, first), service_name=b"shop").rule) == b"second"
    assert (audit((first, second), service_name=b"other").action) == b"two"


def test_any_match_of_a_rule_is_enough_and_all_conditions_of_a_match_must_hold() -> None:
    either = Rule("r", (Match(service="a"), Match(service="b", scope="s")), built_in_rules()[0].fields)
    assert one((either,), service_name=b"a") is not None
    assert one((either,), service_name=b"b") is None
    assert one((either,), service_name=b"b", scope_name=b"s") is not None


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("shop", [b"shop"], [b"", b"shop2", b"Shop", b"sho"]),
        ("shop*", [b"shop", b"shop-eu"], [b"", b"sho", b"a-shop"]),
        ("*", [b"x", b" "], [b""]),
        ("é*", ["éa".encode()], [b"e"]),
    ],
)
def test_patterns_are_equal_texts_beginnings_or_anything(
    pattern: str, matching: list[bytes], others: list[bytes]
) -> None:
    for condition, column in (("service", "service_name"), ("scope", "scope_name"), ("event_name", "event_name")):
        rules = (rule({condition: pattern}),)
        assert all(one(rules, **{column: value}) is not None for value in matching)
        assert all(one(rules, **{column: value}) is None for value in others)
    rules = (rule({"attributes": {"k": pattern}}),)
    assert all(one(rules, log_attributes=((b"k", value),)) is not None for value in matching)
    assert one(rules) is None


def test_severity_is_a_lower_bound() -> None:
    rules = (rule({"severity_min": 17}),)
    assert one(rules, severity_number=16) is None
    assert one(rules, severity_number=17) is not None


def test_of_duplicate_keys_the_first_counts() -> None:
    pairs = ((b"audit.action", b"first"), (b"audit.action", b"second"))
    assert audit(log_attributes=pairs).action == b"first"
    assert one((rule({"attributes": {"audit.action": "second"}}),), log_attributes=pairs) is None


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
        ("2000", "failure"),
        ("failure", "failure"),
        ("denied", "failure"),
        ("false", "failure"),
        ("invalid_grant", "failure"),
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


def test_each_record_of_a_request_is_classified_by_itself() -> None:
    made = records(3, log_attributes=[(), OTEL, ()], event_name=[b"audit.x", b"", b"x"])
    assert [fields and fields.rule for fields in classify(made, built_in_rules())] == [
        b"event-name",
        b"otel-audit",
        None,
    ]


@given(requests())
def test_every_record_is_in_exactly_one_stream_and_in_the_order_sent(request: ExportLogsServiceRequest) -> None:
    data = request.SerializeToString()
    columns = decode(data)
    verdicts = classify(columns, built_in_rules())
    alone = dict.fromkeys(Stream, b"")
    for number, verdict in enumerate(verdicts):
        names = RecordColumns.__dataclass_fields__
        record = RecordColumns(**{name: [getattr(columns, name)[number]] for name in names})
        (part,) = encode_records(record, [verdict], NOW + number)
        assert part.stream is (Stream.OPERATIONAL if verdict is None else Stream.AUDIT)
        alone[part.stream] += part.leaf_hashes
    encoded = ReferenceCodec(built_in_rules()).encode(data, NOW)
    assert {part.stream: part.leaf_hashes for part in encoded} == {s: h for s, h in alone.items() if h}
    assert sum(part.count for part in encoded) == len(verdicts)

"""Which records are audit, and what they say of who did what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.classify import MOST_BYTES, AuditFields, classify
from server.codec.audit.digest import rules_digest
from server.codec.audit.parse import parse_rules
from server.codec.audit.rules import Rule
from server.codec.decode import decode
from server.codec.encode import encode_records
from server.codec.records import RecordColumns
from server.codec.reference import ReferenceCodec
from server.notary.origin import Stream
from tests.codec.building import NOW, attributes, records
from tests.codec.strategies import requests

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


def rule(match: dict[str, Any], name: str = "r", **settings: Any) -> Rule:
    others = {key: settings.pop(key) for key in ("unless", "extract", "values", "absent") if key in settings}
    return parse_rules([{"name": name, "match": match, "fields": settings} | others])[0]


def test_a_record_that_says_nothing_of_audit_is_operational() -> None:
    assert one() is None
    assert one(log_attributes=attributes(user__id="alice", action="audit"), body=b"audit", event_name=b"login") is None
    assert one(rules=(), log_attributes=OTEL) is None


def test_the_draft_audit_signal_is_recognised_with_all_its_fields() -> None:
    assert audit(log_attributes=OTEL) == AuditFields(
        record_id=b"r-1",
        actor_id=b"alice",
        actor_name=b"",
        actor_type=b"user",
        effective_actor_id=b"",
        session_id=b"",
        action=b"user.create",
        target_id=b"bob",
        target_type=b"user",
        source_id=b"10.0.0.1",
        source_type=b"ip",
        source_host=b"",
        outcome=b"success",
        category=b"admin",
        rule=b"otel-audit",
        description=b"",
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
    either = parse_rules([{"name": "r", "match": [{"service": "a"}, {"service": "b", "scope": "s"}]}])[0]
    assert one((either,), service_name=b"a") is not None
    assert one((either,), service_name=b"b") is None
    assert one((either,), service_name=b"b", scope_name=b"s") is not None


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("shop", [b"shop"], [b"", b"shop2", b"Shop", b"sho"]),
        ("shop*", [b"shop", b"shop-eu"], [b"", b"sho", b"a-shop"]),
        ("*op", [b"shop", b"op"], [b"", b"shops"]),
        ("*ho*", [b"shop", b"ho", b"who"], [b"", b"h-o"]),
        (r"\*", [b"*"], [b"", b"x", b"\\*"]),
        (r"a\**", [b"a*", b"a*b"], [b"a", b"ab"]),
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


def test_a_number_is_within_bounds_and_whole() -> None:
    rules = (rule({"attributes": {"k": {"min": -5, "max": 599}}}),)
    for value in (b"-5", b"0", b"599", b"007"):
        assert one(rules, log_attributes=((b"k", value),)) is not None
    for value in (b"", b"-6", b"600", b"1.0", b"+1", b" 1", b"1" * 19, b"x"):
        assert one(rules, log_attributes=((b"k", value),)) is None


def test_one_test_of_a_list_is_enough_and_a_regular_expression_searches() -> None:
    rules = (rule({"attributes": {"k": ["a", {"min": 5}, {"regex": "^x+$"}]}}),)
    assert all(one(rules, log_attributes=((b"k", value),)) is not None for value in (b"a", b"7", b"xx"))
    assert all(one(rules, log_attributes=((b"k", value),)) is None for value in (b"b", b"4", b"xxy", b""))


def test_a_rule_does_not_match_where_its_unless_holds() -> None:
    rules = (rule({"service": "a"}, unless=[{"scope": "s", "severity_min": 9}]), rule({"service": "a"}, "second"))
    assert audit(rules, service_name=b"a").rule == b"r"
    assert audit(rules, service_name=b"a", scope_name=b"s").rule == b"r"
    assert audit(rules, service_name=b"a", scope_name=b"s", severity_number=9).rule == b"second"


def test_conditions_reach_resource_scope_and_body() -> None:
    nested = {"user": {"name": "bob"}, "kind": "Event"}
    for match, columns in (
        ({"resource": {"a.b": "x"}}, {"resource_attributes": ((b"a.b", b"x"),)}),
        ({"resource": {"a.b": "x"}}, {"resource_attributes": ((b"a", b'{"b":"x"}'),)}),
        ({"scope_attributes": {"a": "x"}}, {"scope_attributes": ((b"a", b"x"),)}),
        ({"body": {"user.name": "bob", "kind": "*"}}, {"body": json.dumps(nested).encode()}),
        ({"pairs": {"user": "bob", "kind": "Event"}}, {"body": b'kind=Event, user="bob"'}),
        ({"body": "*user*"}, {"body": b"a user"}),
        ({"severity_text": "AUDIT"}, {"severity_text": b"AUDIT"}),
    ):
        rules = (rule(match),)
        assert one(rules, **columns) is not None, match
        assert one(rules) is None


def test_text_that_users_can_write_is_neither_json_nor_the_other_way_round() -> None:
    json_only, pairs_only = (rule({"body": {"kind": "*"}}),), (rule({"pairs": {"kind": "*"}}),)
    text, document = b'GET /?q "kind=Event"', b'{"message":"kind=Event","kind":"Event"}'
    assert one(json_only, body=text) is None
    assert one(json_only, body=document) is not None
    assert one(pairs_only, body=text) is not None
    assert one(pairs_only, body=document) is None
    assert one((rule({"attributes": {"message.kind": "*"}}),), log_attributes=((b"message", text),)) is None


def test_of_repeated_keys_the_last_one_sent_counts_everywhere() -> None:
    for sent, last in ((("alice", "zoe"), "zoe"), (("zoe", "alice"), "alice")):
        request = ExportLogsServiceRequest()
        resource_logs = request.resource_logs.add()
        scope_logs = resource_logs.scope_logs.add()
        record = scope_logs.log_records.add()
        for owner in (resource_logs.resource, scope_logs.scope, record):
            for value in sent:
                owner.attributes.add(key="k", value=AnyValue(string_value=value))
        columns = decode(request.SerializeToString())
        fields = {"actor_id": "log:k", "target_id": "resource:k", "session_id": "scope:k"}
        for place in ("attributes", "resource", "scope_attributes"):
            (found,) = classify(columns, (rule({place: {"k": last}}, **fields),))
            assert found is not None
            assert (found.actor_id, found.target_id, found.session_id) == (last.encode(),) * 3
            other = next(value for value in sent if value != last)
            assert classify(columns, (rule({place: {"k": other}}),)) == [None]
        order = {"k": [0, 1] if sent == ("alice", "zoe") else [1, 0]}
        details = json.loads(columns.otlp_details[0] or b"{}")
        told = {name: value for name, value in details.items() if name.endswith("_order")}
        assert told == ({} if last == "zoe" else dict.fromkeys(("log_order", "scope_order", "resource_order"), order))


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
    digest = rules_digest(built_in_rules())
    for number, verdict in enumerate(verdicts):
        names = RecordColumns.__dataclass_fields__
        record = RecordColumns(**{name: [getattr(columns, name)[number]] for name in names})
        (part,) = encode_records(record, [verdict], NOW + number, rules_digest=digest)
        assert part.stream is (Stream.OPERATIONAL if verdict is None else Stream.AUDIT)
        alone[part.stream] += part.leaf_hashes
    encoded = ReferenceCodec(built_in_rules()).encode(data, NOW)
    assert {part.stream: part.leaf_hashes for part in encoded} == {s: h for s, h in alone.items() if h}
    assert sum(part.count for part in encoded) == len(verdicts)

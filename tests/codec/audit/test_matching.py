"""Which rule a record matches."""

from __future__ import annotations

import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from server.codec.audit.classify import classify
from server.codec.audit.parse import parse_rules
from server.codec.decode import decode

from .classifying import audit, one, rule


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

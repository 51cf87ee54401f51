"""OCSF events: valid by the published schema, with who did what, when and from where."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.canonical import Kind, canonical_columns
from server.notary.origin import Stream
from tests.query.ocsf_events import acted, event_of

SECOND = 10**9


def test_an_event_has_who_when_and_from_where() -> None:
    body = '{"order": 17}'
    event = acted(
        "order.create",
        "data",
        "17",
        "order",
        Timestamp=1_767_225_600_123_456_789,
        IngestedAt=1_767_225_601 * SECOND,
        SeverityNumber=17,
        SeverityText=b"ERROR",
        ActorName=b"Alice",
        ActorType=b"service",
        SessionId=b"s-1",
        SourceId=b"192.0.2.1",
        SourceHost=b"web.example.com",
        Outcome=b"failure",
        TraceId=b"01" * 16,
        SpanId=b"02" * 8,
        Tenant=b"acme",
        ServiceName=b"shop",
        AuditRecordId=b"a-1",
        EventName=b"order.created",
        Description=b"Alice made an order",
        Body=body.encode(),
        ResourceAttributes=[(b"service.version", b"1.2")],
        LogAttributes=[(b"audit.schema.version", b"1.0")],
    )
    assert event["time"] == 1_767_225_600_123
    assert event["actor"] == {
        "user": {"uid": "alice", "name": "Alice", "type_id": 4, "type": "Service"},
        "session": {"uid": "s-1"},
    }
    assert event["src_endpoint"] == {"ip": "192.0.2.1", "hostname": "web.example.com"}
    assert event["resources"] == [{"uid": "17", "type": "order", "role_id": 1, "role": "Target"}]
    assert event["api"] == {"operation": "order.create", "service": {"name": "shop"}}
    assert event["trace"] == {"uid": "01" * 16}
    assert (event["severity"], event["status"], event["status_id"]) == ("High", "Failure", 2)
    assert event["message"] == "Alice made an order"
    assert (event["raw_data"], event["raw_data_size"]) == (body, len(body))
    assert event["raw_data_hash"]["value"] == sha256(body.encode()).hexdigest()
    assert event["metadata"] == {
        "version": "1.9.0",
        "uid": "shop/audit/node-1#7",
        "original_event_uid": "a-1",
        "correlation_uid": "01" * 16,
        "product": {"name": "shop", "version": "1.2"},
        "event_code": "order.created",
        "log_name": "shop/audit/node-1",
        "log_provider": "Lognotary",
        "log_level": "ERROR",
        "log_version": "1.0",
        "logged_time": 1_767_225_601_000,
        "original_time": "2026-01-01T00:00:00.123456789Z",
        "tenant_uid": "acme",
        "profiles": ["trace"],
    }


def test_of_a_repeated_attribute_the_value_that_was_sent_last_counts() -> None:
    event = event_of(
        ResourceAttributes=[(b"service.version", b"1"), (b"service.version", b"2")],
        LogAttributes=[(b"audit.schema.version", b"1"), (b"audit.schema.version", b"2")],
        OtlpDetails=b'{"log_order":{"audit.schema.version":[1,0]}}',
    )
    assert (event["metadata"]["product"]["version"], event["metadata"]["log_version"]) == ("2", "1")
    row = event["unmapped"]["lognotary"]
    assert row["LogAttributes"] == [["audit.schema.version", "1"], ["audit.schema.version", "2"]]


def test_what_is_not_known_is_unknown() -> None:
    event = event_of(Timestamp=5 * SECOND, IngestedAt=5 * SECOND, OtlpDetails=b'{"time":"unset"}')
    assert (event["time"], event["severity_id"], event["status_id"], event["activity_id"]) == (5_000, 0, 0, 0)
    assert event["actor"] == {"user": {"name": "Unknown", "type_id": 0, "type": "Unknown"}}
    assert event["src_endpoint"] == {"name": "Unknown"}
    assert event["api"]["operation"] == "Unknown"
    assert not {"resources", "trace", "raw_data"} & event.keys()
    assert "original_time" not in event["metadata"]


@pytest.mark.parametrize(
    ("source", "source_type", "endpoint"),
    [
        ("2001:0db8::0001", "", {"ip": "2001:db8::1"}),
        ("fe80::1%eth0", "", {"ip": "fe80::1"}),
        ("192.0.2.1:8080", "", {"ip": "192.0.2.1", "port": 8080}),
        ("[2001:db8::1]:443", "", {"ip": "2001:db8::1", "port": 443}),
        ("192.0.2.1:99999", "", {"ip": "192.0.2.1"}),
        ('["192.0.2.7","192.0.2.8"]', "", {"ip": "192.0.2.7"}),
        ("web.example.com", "", {"hostname": "web.example.com"}),
        ("web-1", "host", {"hostname": "web-1"}),
        ("mobile-app", "client", {"uid": "mobile-app"}),
        ("192.0.2.256", "", {"uid": "192.0.2.256"}),
        ("a..b", "", {"uid": "a..b"}),
        ("x." * 127 + "ab", "", {"uid": "x." * 127 + "ab"}),
        ("Büro", "host", {"uid": "Büro"}),
    ],
)
def test_a_source_is_an_address_a_host_or_a_name(source: str, source_type: str, endpoint: dict[str, Any]) -> None:
    event = acted("order.create", SourceId=source.encode(), SourceType=source_type.encode())
    assert event["src_endpoint"] == endpoint


def test_a_host_that_has_no_host_name_is_left_out() -> None:
    assert acted("login", SourceHost=b"not a host")["class_uid"] == 3002
    assert "src_endpoint" not in acted("login", SourceHost=b"not a host")
    assert acted("login", SourceHost=b"web")["src_endpoint"] == {"hostname": "web"}


def test_long_texts_that_are_nearly_names_take_no_time() -> None:
    for text in ("a" * 100_000, "a." * 50_000, "1." * 50_000 + "!", "[" * 100_000, '["' * 50_000, "A" * 100_000):
        assert acted(text, SourceId=text.encode(), SourceType=b"host")["src_endpoint"] == {"uid": text}


def test_who_logs_on_is_the_user_that_the_action_names() -> None:
    assert acted("login", "auth", "bob", "user")["user"] == {"uid": "bob"}
    assert acted("login", "auth", "portal", "client")["user"] == {"uid": "alice"}
    assert acted("login", "auth", "portal")["user"] == {"uid": "alice"}
    assert acted("logout", ServiceName=b"shop")["service"] == {"name": "shop"}
    switched = acted("impersonate", "auth", EffectiveActorId=b"root")
    assert (switched["user"], switched["account_switch_type"]) == ({"uid": "root"}, "Unknown")


def test_what_is_changed_is_the_target() -> None:
    assert acted("user.create", "admin", "bob")["user"] == {"uid": "bob"}
    assert acted("password.change", "admin")["user"] == {"uid": "alice"}
    assert acted("group.create", "admin", "ops", "group")["group"] == {"uid": "ops"}
    assert acted("role.create", "admin")["iam_role"] == {"name": "Unknown"}
    assert acted("policy.update", "admin", "p", "policy")["entity"] == {"uid": "p", "type_id": 99, "type": "policy"}
    assert acted("config.update", "system", "c")["entity"] == {"uid": "c", "type_id": 0, "type": "Unknown"}
    started = acted("service.start", "system", "nginx", "service")
    assert (started["app"], started["metadata"]["profiles"]) == ({"name": "nginx"}, ["host"])
    assert started["actor"]["user"]["uid"] == "alice"
    assert acted("restart", "system", ServiceName=b"shop")["app"] == {"name": "shop"}


@pytest.mark.parametrize(
    ("number", "severity"),
    [
        (0, "Unknown"),
        (1, "Informational"),
        (12, "Informational"),
        (13, "Medium"),
        (20, "High"),
        (21, "Fatal"),
        (24, "Fatal"),
        (25, "Unknown"),
        (255, "Unknown"),
    ],
)
def test_severities_are_those_of_ocsf(number: int, severity: str) -> None:
    assert event_of(SeverityNumber=number)["severity"] == severity


def test_a_body_that_is_not_utf8_has_no_hash_in_the_event() -> None:
    event = event_of(Body=b"\xff\xfe")
    assert (event["raw_data"], event["raw_data_size"]) == ("\N{REPLACEMENT CHARACTER}" * 2, 2)
    assert "raw_data_hash" not in event
    assert event["unmapped"]["lognotary"]["Body"] == {"base64": "//4="}


WORDS = (
    *(
        "user",
        "group",
        "role",
        "permission",
        "policy",
        "password",
        "mfa",
        "apikey",
        "service",
        "grant",
        "revoke",
        "add",
    ),
    *("remove", "create", "delete", "update", "get", "login", "logout", "start", "unlock", "impersonate", "Отчёт", "_"),
)
TEXTS = st.one_of(
    st.binary(max_size=20),
    st.lists(st.sampled_from(WORDS), max_size=4).map(lambda words: ".".join(words).encode()),
    st.sampled_from([b"admin", b"data", b"auth", b"system", b"success", b"failure", b"alice", b"01" * 16]),
    st.ip_addresses().map(lambda address: str(address).encode()),
    st.text(max_size=20).map(str.encode),
)
TIMES = st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.sampled_from([0, -1, 1, 4_102_444_800 * SECOND]))
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TIME: TIMES,
    Kind.UINT8: st.integers(0, 255),
    Kind.UINT32: st.integers(0, (1 << 32) - 1),
    Kind.STRING: TEXTS,
    Kind.WORD: TEXTS,
    Kind.MAP: st.lists(
        st.tuples(st.one_of(TEXTS, st.sampled_from([b"service.version", b"audit.schema.version"])), TEXTS), max_size=4
    ),
}


@given(version=st.sampled_from((1, 2)), data=st.data())
def test_any_audit_record_makes_a_valid_event(version: int, data: st.DataObject) -> None:
    columns = {column.name: VALUES[column.kind] for column in canonical_columns(Stream.AUDIT, version)}
    if version == 1:
        columns["Timestamp"] = st.integers(0, (1 << 63) - 1)  # a negative number is the mark of a later version
    event_of(version, **data.draw(st.fixed_dictionaries({}, optional=columns)))

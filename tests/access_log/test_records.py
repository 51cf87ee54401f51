"""Events of access as records: whose they are, what they say, and that no text of a caller does harm."""

from __future__ import annotations

import json

import pytest

from lognotary.v1 import correlation_pb2, disclosures_pb2, evidence_pb2
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access_log.asked import asked_text
from server.access_log.event import AccessEvent, Actor, Outcome, actor_of, tenant_of
from server.access_log.record import access_record
from server.access_log.redacting import without_secrets

ALICE = Actor("alice", "oidc", ("auditor",), "192.0.2.1")


def attributes(event: AccessEvent) -> dict[str, str | int]:
    """Return the attributes of the record of an event."""
    record = access_record(event, "id-1", 5, redact=without_secrets)
    return {
        pair.key: pair.value.int_value if pair.value.HasField("int_value") else pair.value.string_value
        for pair in record.attributes
    }


def test_a_record_says_who_did_what_from_where_and_how_many_records_the_answer_had() -> None:
    event = AccessEvent(
        "trace.get",
        Outcome.SUCCESS,
        ALICE,
        "grpc",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "trace",
        asked='{"limit":5}',
        records=12,
        trace_id="0af7651916cd43dd8448eb211c80319c",
        span_id="b7ad6b7169203331",
        call="c1",
        seconds=0.25,
        repeated=3,
        others=4,
    )
    assert attributes(event) == {
        "audit.record.id": "id-1",
        "audit.actor.id": "alice",
        "audit.actor.type": "user",
        "audit.action": "trace.get",
        "audit.outcome": "success",
        "audit.category": "data",
        "audit.target.id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "audit.target.type": "trace",
        "audit.source.id": "192.0.2.1",
        "lognotary.access.outcome": "success",
        "lognotary.access.kind": "oidc",
        "lognotary.access.roles": "auditor",
        "lognotary.access.protocol": "grpc",
        "lognotary.access.request": '{"limit":5}',
        "lognotary.access.call": "c1",
        "lognotary.access.records": 12,
        "lognotary.access.duration_ms": 250,
        "lognotary.access.repeated": 3,
        "lognotary.access.others": 4,
    }
    record = access_record(event, "id-1", 5)
    assert (record.event_name, record.time_unix_nano) == ("lognotary.access", 5)
    assert (record.trace_id.hex(), record.span_id.hex()) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert record.body.string_value == (
        "trace.get of trace 4bf92f3577b34da6a3ce929d0e0e4736 by alice: success, 12 records"
    )


@pytest.mark.parametrize(
    ("outcome", "column"),
    [
        (Outcome.BEGUN, "unknown"),
        (Outcome.SUCCESS, "success"),
        (Outcome.DENIED, "failure"),
        (Outcome.FAILED, "failure"),
    ],
)
def test_the_outcome_has_a_word_of_the_audit_columns_and_one_of_its_own(outcome: Outcome, column: str) -> None:
    found = attributes(AccessEvent("search", outcome))
    assert (found["audit.outcome"], found["lognotary.access.outcome"]) == (column, outcome.value)
    assert found["audit.actor.id"] == "unknown"


def test_a_call_for_a_tenant_without_logs_is_in_the_log_of_the_whole_server_and_names_the_tenant() -> None:
    grants = (Grant(Role.AUDITOR, frozenset({"ghost"})),)
    actor = actor_of(Caller("ada", CallerKind.PROXY, grants, "::1", unknown_tenant="ghost"))
    assert actor.tenant == ""
    assert attributes(AccessEvent("search", Outcome.SUCCESS, actor))["lognotary.access.tenant"] == "ghost"
    known = actor_of(Caller("ada", CallerKind.PROXY, grants, "::1"))
    assert known.tenant == "ghost"
    assert "lognotary.access.tenant" not in attributes(AccessEvent("search", Outcome.SUCCESS, known))


def test_a_record_of_losses_says_whose_they_are() -> None:
    event = AccessEvent("record.lost", Outcome.FAILED, ALICE, lost=2)
    assert attributes(event)["lognotary.access.lost"] == 2
    assert access_record(event, "id-1", 5).body.string_value == "2 records of who looked were lost: alice"


def test_settings_are_attributes_of_their_own() -> None:
    event = AccessEvent("settings.start", Outcome.SUCCESS, settings=(("access_log", "off"), ("roles", "x\n" * 5000)))
    found = attributes(event)
    assert found["lognotary.setting.access_log"] == "off"
    assert len(str(found["lognotary.setting.roles"])) < 4100


def test_hostile_texts_become_one_bounded_line_without_secrets() -> None:
    hostile = "\x1b[31m\n\u202e\x00\ud800" + "x" * 10_000
    event = AccessEvent(
        "search",
        Outcome.FAILED,
        Actor(hostile, "token", (), hostile),
        target=hostile,
        target_type="path",
        asked=f"password=hunter22 lgn_0123456789abcdef {hostile}",
        reason=hostile,
    )
    texts = [text for text in attributes(event).values() if isinstance(text, str)]
    assert all(text.isprintable() and len(text) < 10_100 for text in texts)
    assert not any("hunter22" in text or "0123456789abcdef" in text for text in texts)
    assert "\\x1b[31m\\n\\u202e" in access_record(event, "id", 0).body.string_value


def test_a_request_is_shown_as_json_without_an_end_and_without_what_is_to_be_forgotten() -> None:
    search = correlation_pb2.SearchRequest(query="actor:alice", streams=["audit"], page_token="t", page_size=7)  # noqa: S106
    search.since.FromSeconds(0)
    assert json.loads(asked_text(search)) == {
        "query": "actor:alice",
        "streams": ["audit"],
        "since": "1970-01-01T00:00:00Z",
        "page_size": 7,
    }
    erase = disclosures_pb2.EraseRequest(value="a secret", reason="a request")
    assert json.loads(asked_text(erase)) == {"value": "(not recorded)", "reason": "a request"}
    verify = evidence_pb2.VerifyRequest(checkpoints=["c" * 10_000] * 1000, lookups=3)
    assert len(asked_text(verify)) < 7000
    assert asked_text(verify).endswith('"(990 more)"],"lookups":3}')
    tail = correlation_pb2.TailRequest(check=correlation_pb2.CHECK_SIGNATURES)
    assert json.loads(asked_text(tail)) == {"check": "CHECK_SIGNATURES"}


@pytest.mark.parametrize(
    ("limits", "tenant"),
    [
        ([], ""),
        ([None], ""),
        ([frozenset({"acme"})], "acme"),
        ([frozenset({"acme"}), frozenset({"acme"})], "acme"),
        ([frozenset({"acme", "other"})], ""),
        ([frozenset({"acme"}), frozenset({"other"})], ""),
        ([frozenset({"acme"}), None], ""),
        ([frozenset()], ""),
    ],
)
def test_an_event_belongs_to_the_tenant_that_its_caller_is_limited_to(
    limits: list[frozenset[str] | None], tenant: str
) -> None:
    grants = tuple(Grant(Role.AUDITOR, limit) for limit in limits)
    assert tenant_of(grants) == tenant
    assert actor_of(Caller("a", CallerKind.TOKEN, grants, "::1")).tenant == tenant

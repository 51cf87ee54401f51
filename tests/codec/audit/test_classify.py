"""Which records are audit records by the built-in rules, and each of a request by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from server.codec.audit.built_in import built_in_rules
from server.codec.audit.classify import AuditFields, classify
from server.codec.audit.digest import rules_digest
from server.codec.decode import decode
from server.codec.encode import encode_records
from server.codec.records import RecordColumns
from server.codec.reference import ReferenceCodec
from server.notary.origin import Stream
from tests.codec.building import NOW, attributes, records
from tests.codec.strategies import requests

from .classifying import audit, one

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

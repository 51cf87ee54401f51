"""Audit records that lack something are refused, and requests are picked apart by their records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from harness.otlp_load import log_record
from server.codec.audit.integrity_form import integrity_hash
from server.codec.audit.producer_chain import FIRST_OF_CHAIN, ProducerChain
from server.codec.audit.strict_records import (
    MANDATORY,
    MAX_RECORDS,
    check_request,
    may_have_native_keys,
    survey_request,
)
from server.codec.choose import build_look
from server.codec.redaction_rules import Mode, Redaction
from server.errors.audit_records import AuditRecordConflictError, InvalidAuditRecordError
from server.errors.ingest import MalformedRequestError, OverloadedError, OversizedError
from tests.audit_ids.audit_records import audit_record, bytes_of

_ID = UUID("0b5d1d3c-1a77-4a1e-8a47-6a8cf0f3a9d2")


def _without(field: str) -> Callable[[LogRecord], None]:
    return lambda record: record.ClearField(field)  # type: ignore[arg-type]


def _with(key: str, value: AnyValue) -> Callable[[LogRecord], None]:
    return lambda record: record.attributes.append(KeyValue(key=key, value=value))


def test_a_record_with_all_that_it_must_have_is_known_by_its_id_and_its_hash() -> None:
    record = audit_record(_ID)
    (checked,) = check_request(bytes_of(record), every=True).records
    assert (checked.record_id, checked.digest) == (_ID, integrity_hash(record))
    assert checked.chain is None


@pytest.mark.parametrize("codec", ["auto", "reference"])
def test_a_hash_says_nothing_about_secrets_and_the_record_keeps_them(codec: str) -> None:
    look = build_look(codec, Redaction(Mode.REMOVE))
    one, other, third = (
        audit_record(_ID, password=word) for word in ("hunter2-long", "correct-horse", "correct-horse")
    )
    third.attributes.append(KeyValue(key="x", value=AnyValue(string_value="y")))
    digests = [check_request(bytes_of(record), every=True, look=look).records[0].digest for record in (one, other)]
    assert digests[0] == digests[1] != integrity_hash(one)
    with pytest.raises(AuditRecordConflictError):
        check_request(bytes_of(one, third), every=True, look=look)
    checked = check_request(bytes_of(one), every=True, look=look)
    assert b"hunter2-long" in checked.with_only([_ID])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_without("time_unix_nano"), "timeUnixNano is missing"),
        (_without("observed_time_unix_nano"), "observedTimeUnixNano is missing"),
        (_without("event_name"), "eventName is missing"),
        (_with("audit.actor.type", AnyValue(string_value="robot")), "audit.actor.type is 'robot': send user, service"),
        (_with("audit.outcome", AnyValue(string_value="SUCCESS")), "send success, failure or unknown"),
        (_with("audit.action", AnyValue(int_value=1)), "audit.action is not a string"),
        (_with("audit.actor.id", AnyValue(string_value="")), "audit.actor.id is empty"),
        (_with("audit.actor.id", AnyValue()), "audit.actor.id is missing"),
        (_with("audit.record.id", AnyValue(string_value="17")), "audit.record.id is not a UUID"),
        (_with("audit.record.id", AnyValue(string_value=str(UUID(int=0)))), "audit.record.id is not a UUID"),
        (_with("audit.record.id", AnyValue(string_value=f"{{{_ID}}}")), "audit.record.id is not a UUID"),
        (
            _with("x", AnyValue(double_value=float("nan"))),
            "NaN or infinite, which JSON cannot represent, so",
        ),
        (_with("x", AnyValue(double_value=float("inf"))), "no integrity hash: send it as a string, or leave it out"),
    ],
)
def test_a_record_that_lacks_something_is_refused_with_its_place_and_what_to_send(
    change: Callable[[LogRecord], None], says: str
) -> None:
    record = audit_record(_ID)
    change(record)
    with pytest.raises(InvalidAuditRecordError) as refusal:
        check_request(bytes_of(audit_record(), record), every=True)
    assert str(refusal.value).startswith("resourceLogs[0].scopeLogs[0].logRecords[1]")
    assert says in str(refusal.value)
    assert "send " in str(refusal.value)
    assert str(_ID) not in refusal.value.loggable


@pytest.mark.parametrize("key", MANDATORY)
def test_each_mandatory_attribute_is_asked_for_by_name(key: str) -> None:
    with pytest.raises(InvalidAuditRecordError, match=f"attribute {key} is missing"):
        check_request(bytes_of(audit_record(**{key.replace(".", "_"): None})), every=True)


def test_of_a_repeated_attribute_the_last_value_counts() -> None:
    record = audit_record(_ID, audit_outcome="nothing")
    record.attributes.append(KeyValue(key="audit.outcome", value=AnyValue(string_value="failure")))
    assert check_request(bytes_of(record), every=True).records


def test_records_with_one_id_are_one_record_or_a_conflict() -> None:
    record = audit_record(_ID)
    checked = check_request(bytes_of(record, audit_record(), record), every=True)
    assert [one.record_id for one in checked.records].count(_ID) == 1
    picked = ExportLogsServiceRequest.FromString(checked.with_only({_ID}))
    assert list(picked.resource_logs[0].scope_logs[0].log_records) == [record]
    assert picked.resource_logs[0].resource.attributes[0].key == "service.name"
    with pytest.raises(AuditRecordConflictError, match=r"logRecords\[1\].*logRecords\[0\]"):
        check_request(bytes_of(record, audit_record(_ID, audit_outcome="failure")), every=True)


def test_a_request_of_which_all_is_new_stays_as_it_was_sent() -> None:
    request = bytes_of(audit_record(_ID), audit_record())
    checked = check_request(request, every=True)
    assert checked.with_only({one.record_id for one in checked.records}) is request


def test_records_without_native_keys_are_audit_records_only_if_all_are() -> None:
    plain = log_record("plain")
    request = bytes_of(plain, audit_record(_ID))
    checked = check_request(request, every=False)
    assert (len(checked.records), checked.has_others) == (1, True)
    rest = ExportLogsServiceRequest.FromString(checked.without_audit())
    assert list(rest.resource_logs[0].scope_logs[0].log_records) == [plain]
    assert may_have_native_keys(request)
    assert not may_have_native_keys(bytes_of(plain))
    with pytest.raises(InvalidAuditRecordError):
        check_request(request, every=True)


@pytest.mark.parametrize(
    ("attribute", "value", "previous"),
    [
        ("audit.prev.hash", AnyValue(string_value=FIRST_OF_CHAIN.hex()), FIRST_OF_CHAIN),
        ("audit.sequence.prev_hash", AnyValue(string_value="AB" * 32), b"\xab" * 32),
        ("audit.sequence.previous_hash", AnyValue(string_value=f"sha256:{'ab' * 32}"), b"\xab" * 32),
        ("audit.prev_hash", AnyValue(bytes_value=b"\xab" * 32), b"\xab" * 32),
        ("audit.previous_hash", AnyValue(string_value="ab"), b""),
        ("audit.prev.hash", AnyValue(int_value=1), b""),
    ],
)
def test_the_previous_hash_is_read_in_all_spellings(attribute: str, value: AnyValue, previous: bytes) -> None:
    record = audit_record(_ID)
    record.attributes.append(KeyValue(key=attribute, value=value))
    (checked,) = check_request(bytes_of(record), every=True).records
    assert checked.chain is not None
    assert checked.chain.previous == previous


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (AnyValue(int_value=7), 7),
        (AnyValue(string_value="7"), 7),
        (AnyValue(int_value=-1), None),
        (AnyValue(string_value="x7"), None),
        (AnyValue(string_value="9" * 19), None),
    ],
)
def test_the_number_in_a_chain_is_an_integer_or_its_digits(value: AnyValue, number: int | None) -> None:
    record = audit_record(_ID)
    record.attributes.append(KeyValue(key="audit.sequence.number", value=value))
    record.attributes.append(KeyValue(key="audit.sequence.stream_id", value=AnyValue(string_value="s")))
    (checked,) = check_request(bytes_of(record), every=True).records
    assert checked.chain == ProducerChain(None, number, "s")


def test_a_check_that_nobody_waits_for_ends_before_its_next_record() -> None:
    asked: list[int] = []

    def is_left() -> bool:
        asked.append(len(asked))
        return len(asked) == 3

    request = bytes_of(*(audit_record() for _ in range(10)))
    survey = survey_request(request, every=True)
    with pytest.raises(OverloadedError):
        check_request(request, every=True, survey=survey, is_left=is_left)
    with pytest.raises(OverloadedError):
        survey_request(request, every=True, is_left=lambda: True)
    assert len(asked) == 3


def _nested(depth: int) -> AnyValue:
    value = AnyValue(int_value=1)
    for _ in range(depth):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    return value


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        (AnyValue(string_value="x" * (1 << 20)), {}),
        (AnyValue(string_value='{"a": '), {}),
        (AnyValue(bytes_value=b"\xff\xfe"), {}),
        (_nested(40), {}),
        (AnyValue(), {f"key.{number}": "x" for number in range(10_000)}),
        (AnyValue(), {"": "empty key", "mixed": "x"}),
    ],
)
def test_unusual_records_are_checked_like_others(body: AnyValue, attributes: dict[str, Any]) -> None:
    record = audit_record(_ID)
    record.body.CopyFrom(body)
    record.attributes.extend(KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in attributes.items())
    assert check_request(bytes_of(record), every=True).records


@pytest.mark.parametrize("time", [1, 4_102_444_800 * 10**9, 2**64 - 1])
def test_a_wrong_clock_is_no_reason_to_refuse_a_record(time: int) -> None:
    record = audit_record(_ID)
    record.time_unix_nano = time
    assert check_request(bytes_of(record), every=True).records


@pytest.mark.parametrize("request_bytes", [b"\xff", b"\x0a\x05abc"])
def test_bytes_that_are_no_request_are_malformed(request_bytes: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        check_request(request_bytes, every=True)


def test_a_record_that_is_too_large_to_have_a_hash_is_refused() -> None:
    record = audit_record(uuid4())
    record.body.string_value = "x" * (3 << 20)
    with pytest.raises(InvalidAuditRecordError, match="no integrity hash"):
        check_request(bytes_of(record), every=True)


@pytest.mark.parametrize("codec", ["auto", "reference"])
def test_a_request_may_have_so_many_audit_records_and_others_beside_them(codec: str) -> None:
    look = build_look(codec)
    plain, records = log_record("plain"), [LogRecord()] * (MAX_RECORDS + 1)
    with pytest.raises(OversizedError, match="may have 10,000 audit records, and this one has more"):
        survey_request(bytes_of(*records), every=True, look=look)
    assert check_request(bytes_of(*([plain] * (MAX_RECORDS + 1))), every=False, look=look).has_others

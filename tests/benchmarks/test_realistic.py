"""Realistic requests are what the README says of them, all different, and the same for the same seed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from benchmarks.realistic import RealisticRequests, RealisticShape
from server.codec.audit.built_in import built_in_rules
from server.codec.reference import ReferenceCodec
from server.notary.origin import Stream

_SHAPE = RealisticShape(records=2000, skeletons=2)


@pytest.fixture(scope="module")
def requests() -> RealisticRequests:
    return RealisticRequests(_SHAPE)


def _records(request: bytes) -> list[LogRecord]:
    resources = ExportLogsServiceRequest.FromString(request).resource_logs
    return [record for resource in resources for scope in resource.scope_logs for record in scope.log_records]


def test_the_same_seed_and_number_give_the_same_bytes(requests: RealisticRequests) -> None:
    again = RealisticRequests(_SHAPE)
    assert [again[number] for number in (0, 3)] == [requests[number] for number in (0, 3)]
    assert RealisticRequests(replace(_SHAPE, seed=2))[0] != requests[0]


def test_no_record_is_sent_twice(requests: RealisticRequests) -> None:
    sent = [record.SerializeToString() for number in range(6) for record in _records(requests[number])]
    assert len(sent) == len(set(sent)) == 6 * _SHAPE.records


def test_no_slot_is_left_empty(requests: RealisticRequests) -> None:
    for record in _records(requests[1]):
        texts = [record.body.string_value, *(each.value.string_value for each in record.attributes)]
        assert all(letter.isprintable() or letter in "\n\t" for text in texts for letter in text)
        assert len(record.trace_id) == 16
        assert 0 < record.time_unix_nano < record.observed_time_unix_nano


def test_bodies_in_json_are_json(requests: RealisticRequests) -> None:
    bodies = [record.body.string_value for record in _records(requests[0])]
    parsed = [json.loads(body) for body in bodies if body.startswith("{")]
    assert len(parsed) > 100


def test_traces_have_up_to_200_records_and_large_bodies_are_one_in_twenty(requests: RealisticRequests) -> None:
    records = [record for number in range(5) for record in _records(requests[number])]
    lengths = Counter(Counter(record.trace_id for record in records).values())
    assert 1 in lengths
    assert 50 < max(lengths) <= 200
    large = sum(len(record.body.string_value) > 2000 for record in records)
    assert 0.03 < large / len(records) < 0.08


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_the_share_of_audit_is_as_asked_for(share: float) -> None:
    request = RealisticRequests(RealisticShape(records=500, skeletons=1, audit=share))[0]
    rows = ReferenceCodec(built_in_rules()).encode(request, 1)
    assert sum(part.count for part in rows if part.stream is Stream.AUDIT) == pytest.approx(share * 500, abs=1)

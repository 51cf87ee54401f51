"""The values of audit records are counted by compiled code, before any record is parsed."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from harness.lacking import lacking
from server.codec.audit.strict_records import check_request, survey_request
from server.codec.choose import build_look, why_not_native
from server.errors.audit_records import InvalidAuditRecordError
from server.errors.ingest import OversizedError
from tests.audit_ids.audit_records import audit_record, bytes_of
from tests.codec.strategies import requests
from tests.effort import effort

if why_not_native():
    lacking(f"the compiled codec is not installed: {why_not_native()}")


def count(value: AnyValue) -> int:
    return members(value.kvlist_value.values) + sum(1 + count(element) for element in value.array_value.values)


def members(pairs: Iterable[KeyValue]) -> int:
    return sum(1 + count(pair.value) for pair in pairs)


@settings(max_examples=effort(300), deadline=None)
@given(requests())
def test_all_values_of_a_record_count(request: ExportLogsServiceRequest) -> None:
    look = build_look("native")
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                assert look.values(record.SerializeToString()) == members(record.attributes) + count(record.body)


def test_many_values_are_refused_before_they_are_parsed() -> None:
    look = build_look("native")
    record = audit_record()
    record.body.array_value.values.extend([AnyValue()] * 131_072)
    with pytest.raises(InvalidAuditRecordError, match=r"the record has 131,077 values, .* send a smaller record"):
        check_request(bytes_of(record), every=True, look=look)
    records = [audit_record() for _ in range(5)]
    for one in records:
        one.body.array_value.values.extend([AnyValue()] * 100_000)
    request = bytes_of(*records)
    assert survey_request(request, every=True, look=look).memory > 10 * len(request)
    with pytest.raises(OversizedError, match="may have 250,000 values in its audit records"):
        check_request(request, every=True, look=look)

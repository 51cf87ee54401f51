"""The values of audit records are counted before any record is parsed, by both codecs in the same way."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from harness.lacking import lacking
from server.codec.audit.strict_records import check_request, survey_request
from server.codec.choose import build_look, why_not_native
from server.codec.limits import RowLimits
from server.errors.audit_records import InvalidAuditRecordError
from server.errors.ingest import MalformedRequestError, OversizedError
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
    looks = [build_look(codec) for codec in ("native", "reference")]
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                serialized, expected = record.SerializeToString(), members(record.attributes) + count(record.body)
                assert [look.values(serialized) for look in looks] == [expected, expected]


@pytest.mark.parametrize("codec", ["native", "reference"])
def test_many_values_are_refused_before_they_are_parsed(codec: str) -> None:
    look = build_look(codec)
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


@pytest.mark.parametrize("codec", ["native", "reference"])
def test_rows_beyond_the_limits_are_refused_in_the_same_words_and_have_the_same_size(codec: str) -> None:
    request = bytes_of(*(audit_record() for _ in range(3)))
    with pytest.raises(MalformedRequestError, match="more than 2 records"):
        build_look(codec, limits=RowLimits(records=2)).look(request)
    assert build_look(codec).look(request) == build_look("native").look(request)

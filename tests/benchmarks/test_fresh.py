"""Fresh requests have the contents of their shape, and IDs and times of their own."""

from __future__ import annotations

from collections import Counter

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from benchmarks.fresh import FreshRequests, FreshShape
from benchmarks.shape import Shape, build_requests

_SHAPE = FreshShape(records=160)


def _records(request: bytes) -> list[LogRecord]:
    resources = ExportLogsServiceRequest.FromString(request).resource_logs
    records = [record for resource in resources for scope in resource.scope_logs for record in scope.log_records]
    return sorted(records, key=lambda record: record.time_unix_nano)


def test_only_ids_and_times_differ_from_the_shape() -> None:
    ready = [_records(request) for request in build_requests(Shape(records=160, audit=0.1, seed=1))]
    requests = FreshRequests(_SHAPE)
    for number in range(20):
        for fresh, fixed in zip(_records(requests[number]), ready[number % len(ready)], strict=True):
            assert fresh.trace_id != fixed.trace_id
            assert fresh.observed_time_unix_nano == fresh.time_unix_nano + 50_000
            for record in (fresh, fixed):
                record.ClearField("trace_id")
                record.ClearField("span_id")
                record.ClearField("time_unix_nano")
                record.ClearField("observed_time_unix_nano")
            assert fresh == fixed


def test_a_trace_has_eight_records_and_no_id_or_time_comes_twice() -> None:
    records = [record for number in range(20) for record in _records(FreshRequests(_SHAPE)[number])]
    assert set(Counter(record.trace_id for record in records).values()) == {8}
    assert len({record.span_id for record in records}) == len(records)
    assert len({record.time_unix_nano for record in records}) == len(records)


def test_the_same_seed_and_number_give_the_same_bytes() -> None:
    assert FreshRequests(_SHAPE)[9] == FreshRequests(_SHAPE)[9] != FreshRequests(_SHAPE)[1]

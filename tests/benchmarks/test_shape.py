from dataclasses import replace

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from benchmarks.shape import Shape, build_requests
from server.codec.audit.built_in import built_in_rules
from server.codec.reference import ReferenceCodec
from server.notary.origin import Stream

_SHAPE = Shape(records=1000, distinct=2)


def _records(request: bytes) -> list[LogRecord]:
    resources = ExportLogsServiceRequest.FromString(request).resource_logs
    return [record for resource in resources for scope in resource.scope_logs for record in scope.log_records]


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert build_requests(_SHAPE) == build_requests(_SHAPE)
    assert build_requests(_SHAPE) != build_requests(replace(_SHAPE, seed=2))


def test_requests_differ() -> None:
    assert len(set(build_requests(_SHAPE))) == 2


def test_the_usual_shape_is_as_declared() -> None:
    (request,) = build_requests(Shape(distinct=1))
    records = _records(request)
    assert len(records) == 8192
    assert {len(record.attributes) for record in records} == {8}
    assert 315 < len(request) / 8192 < 335
    resources = ExportLogsServiceRequest.FromString(request).resource_logs
    assert {len(resource.resource.attributes) for resource in resources} == {5}


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("records", [1, 1000])
def test_the_share_of_audit_is_as_asked_for(share: float, records: int) -> None:
    codec = ReferenceCodec(built_in_rules())
    requests = build_requests(Shape(records=records, distinct=2000 // records, audit=share))
    rows = [rows for request in requests for rows in codec.encode(request, 1)]
    audit = sum(part.count for part in rows if part.stream is Stream.AUDIT)
    assert audit == pytest.approx(share * 2000, abs=2)


def test_the_number_of_attributes_is_as_asked_for() -> None:
    for count in (1, 20):
        (request,) = build_requests(replace(_SHAPE, attributes=count, resource_attributes=count, distinct=1))
        assert {len(record.attributes) for record in _records(request)} == {count}

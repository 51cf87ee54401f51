from dataclasses import replace

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from benchmarks.span_shape import SpanShape, build_trace_requests

_SHAPE = SpanShape(spans=1000, distinct=2)


def _spans(request: bytes) -> list[Span]:
    resources = ExportTraceServiceRequest.FromString(request).resource_spans
    return [span for resource in resources for scope in resource.scope_spans for span in scope.spans]


def test_the_same_seed_gives_the_same_bytes_and_requests_differ() -> None:
    assert build_trace_requests(_SHAPE) == build_trace_requests(_SHAPE)
    assert build_trace_requests(_SHAPE) != build_trace_requests(replace(_SHAPE, seed=2))
    assert len(set(build_trace_requests(_SHAPE))) == 2


@pytest.mark.parametrize(("events", "links"), [(0.0, 1.0), (0.3, 0.05), (1.0, 0.0)])
def test_the_numbers_are_as_asked_for(events: float, links: float) -> None:
    shape = replace(_SHAPE, attributes=9, resource_attributes=3, events=events, links=links)
    spans = [span for request in build_trace_requests(shape) for span in _spans(request)]
    assert len(spans) == 2000
    assert {len(span.attributes) for span in spans} == {9}
    assert sum(len(span.events) for span in spans) == pytest.approx(2000 * events, abs=2)
    assert sum(len(span.links) for span in spans) == pytest.approx(2000 * links, abs=2)

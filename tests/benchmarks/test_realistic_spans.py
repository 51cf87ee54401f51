"""Realistic spans belong to the traces of realistic records, and are calls of four spans."""

from __future__ import annotations

from itertools import groupby

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from benchmarks.realistic import RealisticRequests, RealisticShape
from benchmarks.realistic_spans import RealisticSpans, SpansOfRecords

_SHAPE = RealisticShape(records=1000, skeletons=2)


@pytest.fixture(scope="module")
def requests() -> RealisticSpans:
    return RealisticSpans(SpansOfRecords(_SHAPE, 400))


def _spans(request: bytes) -> list[Span]:
    resources = ExportTraceServiceRequest.FromString(request).resource_spans
    return [span for resource in resources for scope in resource.scope_spans for span in scope.spans]


def test_the_same_number_gives_the_same_spans_and_no_other_does(requests: RealisticSpans) -> None:
    again = RealisticSpans(SpansOfRecords(_SHAPE, 400))
    assert [again[number] for number in (0, 9)] == [requests[number] for number in (0, 9)]
    ids = [span.span_id for number in range(10) for span in _spans(requests[number])]
    assert len(ids) == len(set(ids)) == 4000


def test_spans_are_of_the_traces_of_their_records(requests: RealisticSpans) -> None:
    records = ExportLogsServiceRequest.FromString(RealisticRequests(_SHAPE)[3]).resource_logs
    traces = {record.trace_id for resource in records for scope in resource.scope_logs for record in scope.log_records}
    assert {span.trace_id for span in _spans(requests[3])} <= traces


def test_a_call_is_a_root_with_three_children_within_its_time(requests: RealisticSpans) -> None:
    spans = _spans(requests[1])
    for place in range(0, len(spans), 4):
        root, *children = spans[place : place + 4]
        assert root.kind == Span.SPAN_KIND_SERVER
        assert not root.parent_span_id
        for child in children:
            assert (child.parent_span_id, child.trace_id) == (root.span_id, root.trace_id)
            assert root.start_time_unix_nano <= child.start_time_unix_nano <= child.end_time_unix_nano
            assert child.end_time_unix_nano <= root.end_time_unix_nano


def test_a_few_calls_fail_and_no_slot_is_left_empty(requests: RealisticSpans) -> None:
    spans = [span for number in range(8) for span in _spans(requests[number])]
    failed = [span for span in spans if span.status.code == Status.STATUS_CODE_ERROR]
    assert 0 < len(failed) < len(spans) / 10
    texts = [each.value.string_value for span in spans for each in span.attributes]
    assert all(text.isprintable() for text in texts)
    assert len([*groupby(sorted(texts))]) > 1000

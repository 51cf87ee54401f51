"""The reference codec for spans: a row is the whole span, for every span."""

from __future__ import annotations

import json
import random
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.codec.decode_spans import decode_spans
from server.codec.records import SpanColumns
from tests.effort import effort

from .otlp_messages import MAX_TIME, decoded_spans
from .rebuilding_spans import comparable, flattened, rebuilt
from .shuffling import with_keys_shuffled
from .strategies import spans, trace_requests

slowly = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=effort(150)
)

COLUMNS = tuple(SpanColumns.__dataclass_fields__)
DETAILS = [
    "start",
    "end",
    "kind",
    "status",
    "trace_id",
    "span_id",
    "parent_span_id",
    "span",
    "span_order",
    "events",
    "links",
    "scope",
    "scope_order",
    "scope_dropped",
    "resource",
    "resource_order",
    "resource_dropped",
    "entity_refs",
]
OF_EVENTS = ["time", "attributes", "attributes_order", "dropped"]
OF_LINKS = ["trace_id", "span_id", "attributes", "attributes_order", "dropped", "flags"]


@given(trace_requests())
@slowly
def test_a_row_is_the_whole_span(request: ExportTraceServiceRequest) -> None:
    columns = decode_spans(request.SerializeToString())

    rows = [comparable(rebuilt(columns, row)) for row in range(len(columns))]

    assert rows == [comparable(sent) for sent in flattened(request)]


@given(trace_requests())
@slowly
def test_every_column_has_a_value_that_its_type_can_hold_for_every_span(request: ExportTraceServiceRequest) -> None:
    columns = decode_spans(request.SerializeToString())

    assert {len(getattr(columns, name)) for name in COLUMNS} == {len(flattened(request))}
    events = [event for each in columns.events for event in each]
    links = [link for each in columns.links for link in each]
    assert all(0 <= time <= MAX_TIME for time in (*columns.timestamp, *(event.timestamp for event in events)))
    assert all(0 <= value < 2**64 for value in columns.duration)
    for name in ("flags", "dropped_attributes_count", "dropped_events_count", "dropped_links_count"):
        assert all(0 <= value < 2**32 for value in getattr(columns, name))
    assert all(re.fullmatch(rb"([0-9a-f]{32})?", value) for value in columns.trace_id)
    assert all(re.fullmatch(rb"([0-9a-f]{32})?", link.trace_id) for link in links)
    for ids in (columns.span_id, columns.parent_span_id, [link.span_id for link in links]):
        assert all(re.fullmatch(rb"([0-9a-f]{16})?", value) for value in ids)
    lists = [*columns.span_attributes, *(event.attributes for event in events), *(link.attributes for link in links)]
    assert all(value == tuple(sorted(value)) for value in lists)
    for details in map(json.loads, filter(None, columns.otlp_details)):
        assert list(details) == sorted(details, key=DETAILS.index)
        for name, members in (("events", OF_EVENTS), ("links", OF_LINKS)):
            numbers = list(map(int, details.get(name, {})))
            assert numbers == sorted(numbers)
            for lost in details.get(name, {}).values():
                assert lost
                assert list(lost) == sorted(lost, key=members.index)


@given(spans, st.randoms(use_true_random=False))
@slowly
def test_the_order_of_different_attributes_does_not_change_the_row(span: Span, shuffler: random.Random) -> None:
    shuffled = Span.FromString(span.SerializeToString())
    owners: list[Span | Span.Event | Span.Link] = [shuffled, *shuffled.events, *shuffled.links]
    for owner in owners:
        sent = with_keys_shuffled(owner.attributes, shuffler)
        del owner.attributes[:]
        owner.attributes.extend(sent)

    assert decoded_spans(span) == decoded_spans(shuffled)

"""Hypothesis strategies for everything that an OTLP logs or traces request can hold."""

from __future__ import annotations

from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    EntityRef,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from .secrets import secret_keys, secret_texts

__all__ = ["any_values", "log_records", "requests", "spans", "trace_requests"]

# What breaks escaping, sorting and counting: quotes, controls, JSON's line separators, characters on
# both sides of the surrogates (where UTF-16 and UTF-8 sort differently), texts that look like
# other types.
_AWKWARD_TEXTS = (
    '"\\/<>&',
    "\x00\x01\b\t\n\v\f\r\x1b\x1f\x7f\x80",
    "\u2028\u2029",
    "\ud7ff\ue000\uffff\U00010000\U0001f600\U0010ffff",
    "null",
    "NaN",
    "1",
    "[]",
)
_texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text("abc", max_size=3),
    st.sampled_from(_AWKWARD_TEXTS),
    st.integers(100, 70_000).map(lambda length: "é" * length),  # outgrows small buffers
    secret_texts,
)
_keys = st.one_of(st.sampled_from(["a", "b", "service.name", "", "é", "\uffff", "\U00010000"]), _texts, secret_keys)

_int64 = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63)]))
_doubles = st.one_of(
    st.floats(),
    st.integers(-(2**53), 2**53).map(float),
    st.sampled_from([-0.0, 1e-6, 9.999999999999997e-7, 1e16, 1e20, 1e21, 5e-324, 1.7976931348623157e308]),
)
_uint32 = st.one_of(st.just(0), st.integers(0, 2**32 - 1))
_times = st.one_of(
    st.just(0),
    st.integers(1_600_000_000 * 10**9, 1_900_000_000 * 10**9),
    st.sampled_from([1, 2**63 - 1, 2**63, 2**64 - 1]),
    st.integers(0, 2**64 - 1),
)
_severities = st.one_of(st.integers(0, 24), st.integers(-(2**31), 2**31 - 1), st.sampled_from([-1, 255, 256, 265]))


def _ids(size: int) -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.binary(min_size=size, max_size=size),
        st.sampled_from([b"", bytes(size), bytes(size - 1), b"\x00" * (size - 1) + b"\x01", b"\xab" * (size + 1)]),
        st.binary(max_size=40),
    )


def _key_values(values: st.SearchStrategy[AnyValue], max_size: int = 5) -> st.SearchStrategy[list[KeyValue]]:
    key_value = st.one_of(
        st.builds(KeyValue, key=_keys, value=values),
        st.builds(KeyValue, key=_keys, value=st.builds(AnyValue, string_value=_texts)),
        st.builds(KeyValue, key=_keys),  # the value left out
        st.builds(KeyValue, key_strindex=st.integers(1, 9), value=values),
    )
    return st.lists(key_value, max_size=max_size)


_scalars = st.one_of(
    st.builds(AnyValue, string_value=_texts),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=_int64),
    st.builds(AnyValue, double_value=_doubles),
    st.builds(AnyValue, bytes_value=st.binary(max_size=20)),
    st.builds(AnyValue),
    st.builds(AnyValue, string_value_strindex=st.integers(0, 9)),
)


def _nest(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[AnyValue]:
    # Arrays of one repeated value, too: random elements seldom have the same type.
    arrays = st.one_of(
        st.lists(values, max_size=4),
        st.tuples(values, st.integers(1, 3)).map(lambda pair: [pair[0]] * pair[1]),
    )
    return st.one_of(
        arrays.map(lambda elements: AnyValue(array_value=ArrayValue(values=elements))),
        _key_values(values).map(lambda members: AnyValue(kvlist_value=KeyValueList(values=members))),
    )


def _deep(depth: int) -> AnyValue:
    value = AnyValue(int_value=1)
    for _ in range(depth):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    return value


any_values: st.SearchStrategy[AnyValue] = st.one_of(
    st.recursive(_scalars, _nest, max_leaves=8), st.sampled_from([10, 40]).map(_deep)
)

log_records: st.SearchStrategy[LogRecord] = st.builds(
    LogRecord,
    time_unix_nano=_times,
    observed_time_unix_nano=_times,
    severity_number=_severities,
    severity_text=_texts,
    body=st.one_of(st.none(), any_values),
    attributes=_key_values(any_values),
    dropped_attributes_count=_uint32,
    flags=_uint32,
    trace_id=_ids(16),
    span_id=_ids(8),
    event_name=_texts,
)

_numbers = st.one_of(st.integers(0, 6), st.integers(-(2**31), 2**31 - 1), st.sampled_from([-1, 255, 256]))

_events = st.builds(
    Span.Event,
    time_unix_nano=_times,
    name=_texts,
    attributes=_key_values(any_values, max_size=3),
    dropped_attributes_count=_uint32,
)

_links = st.builds(
    Span.Link,
    trace_id=_ids(16),
    span_id=_ids(8),
    trace_state=_texts,
    attributes=_key_values(any_values, max_size=3),
    dropped_attributes_count=_uint32,
    flags=_uint32,
)

spans: st.SearchStrategy[Span] = st.builds(
    Span,
    trace_id=_ids(16),
    span_id=_ids(8),
    trace_state=_texts,
    parent_span_id=_ids(8),
    flags=_uint32,
    name=_texts,
    kind=_numbers,
    start_time_unix_nano=_times,
    end_time_unix_nano=_times,
    attributes=_key_values(any_values),
    dropped_attributes_count=_uint32,
    events=st.lists(_events, max_size=3),
    dropped_events_count=_uint32,
    links=st.lists(_links, max_size=3),
    dropped_links_count=_uint32,
    status=st.one_of(st.none(), st.builds(Status, message=_texts, code=_numbers)),
)

_scopes = st.builds(
    InstrumentationScope,
    name=_texts,
    version=_texts,
    attributes=_key_values(any_values, max_size=3),
    dropped_attributes_count=_uint32,
)

_entity_refs = st.builds(
    EntityRef,
    schema_url=_texts,
    type=_texts,
    id_keys=st.lists(_keys, max_size=2),
    description_keys=st.lists(_keys, max_size=2),
)

_resources = st.builds(
    Resource,
    attributes=_key_values(any_values, max_size=3),
    dropped_attributes_count=_uint32,
    entity_refs=st.lists(_entity_refs, max_size=2),
)


@st.composite
def requests(draw: st.DrawFn, max_records: int = 6) -> ExportLogsServiceRequest:
    """Requests of up to ``max_records`` records, spread over resources and scopes, some of them empty."""
    request = ExportLogsServiceRequest()
    for record in draw(st.lists(log_records, max_size=max_records)):
        place = draw(st.sampled_from(["here", "new scope", "new resource", "after empty ones"]))
        if place == "after empty ones":
            request.resource_logs.add()
            request.resource_logs.add(resource=draw(_resources)).scope_logs.add(scope=draw(_scopes))
        if not request.resource_logs or place in ("new resource", "after empty ones"):
            request.resource_logs.add(resource=draw(st.one_of(st.none(), _resources)), schema_url=draw(_texts))
        resource_logs = request.resource_logs[-1]
        if not resource_logs.scope_logs or place == "new scope":
            resource_logs.scope_logs.add(scope=draw(st.one_of(st.none(), _scopes)), schema_url=draw(_texts))
        resource_logs.scope_logs[-1].log_records.append(record)
    return request


@st.composite
def trace_requests(draw: st.DrawFn, max_spans: int = 5) -> ExportTraceServiceRequest:
    """Requests of up to ``max_spans`` spans, spread over resources and scopes, some of them empty."""
    request = ExportTraceServiceRequest()
    for span in draw(st.lists(spans, max_size=max_spans)):
        place = draw(st.sampled_from(["here", "new scope", "new resource", "after empty ones"]))
        if place == "after empty ones":
            request.resource_spans.add()
            request.resource_spans.add(resource=draw(_resources)).scope_spans.add(scope=draw(_scopes))
        if not request.resource_spans or place in ("new resource", "after empty ones"):
            request.resource_spans.add(resource=draw(st.one_of(st.none(), _resources)), schema_url=draw(_texts))
        resource_spans = request.resource_spans[-1]
        if not resource_spans.scope_spans or place == "new scope":
            resource_spans.scope_spans.add(scope=draw(st.one_of(st.none(), _scopes)), schema_url=draw(_texts))
        resource_spans.scope_spans[-1].spans.append(span)
    return request

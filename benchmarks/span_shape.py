"""Shape of the load of spans: builds the bytes of traces requests from a few numbers.

The same shape and seed always give the same bytes. Spans resemble those of a few services of a shop behind a
Collector, as ``shape`` makes their logs: of calls over HTTP and of queries, most in short traces.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from benchmarks.shape import ROUTES, SERVICES, START, STEP, first_of, resource_attributes, text_attribute

__all__ = ["SpanShape", "build_trace_requests"]

_IN_TRACE = 8  # spans
_STACK = "\n".join(f"  at shop.cart.Checkout.step{line}(Checkout.java:{line * 7})" for line in range(5))


@dataclass(frozen=True, slots=True)
class SpanShape:
    """Shape of traces requests.

    Attributes:
        spans: spans in each request.
        attributes: attributes of each span.
        resource_attributes: attributes of each resource.
        resources: resources in each request, at most one for each span.
        events: events of a span, on average, 0 to 1.
        links: links of a span, on average, 0 to 1.
        distinct: different requests.
        seed: seed of the random content.
    """

    spans: int = 8192
    attributes: int = 8
    resource_attributes: int = 5
    resources: int = 8
    events: float = 0.3
    links: float = 0.05
    distinct: int = 8
    seed: int = 1


def build_trace_requests(shape: SpanShape) -> list[bytes]:
    """Build the distinct requests of a shape, serialized."""
    draw = random.Random(shape.seed)  # noqa: S311 - repeatable, not secret
    return [_request(shape, draw, number * shape.spans) for number in range(shape.distinct)]


def _request(shape: SpanShape, draw: random.Random, first: int) -> bytes:
    resources = min(shape.resources, shape.spans)
    request = ExportTraceServiceRequest()
    for place in range(resources):
        service = SERVICES[(first + place) % len(SERVICES)]
        count = shape.spans // resources + (place < shape.spans % resources)
        spans = list(_spans(shape, draw, count, [first + place + step * resources for step in range(count)]))
        attributes = resource_attributes(shape.resource_attributes, service, draw.randrange(4))
        request.resource_spans.append(
            ResourceSpans(
                resource=Resource(attributes=attributes),
                scope_spans=[ScopeSpans(scope=InstrumentationScope(name=f"shop.{service}"), spans=spans)],
            )
        )
    return request.SerializeToString()


def _spans(shape: SpanShape, draw: random.Random, count: int, numbers: list[int]) -> Iterator[Span]:
    trace_id, parent = b"", b""
    for place in range(count):
        if place % _IN_TRACE == 0:
            trace_id, parent = draw.randbytes(16), b""
        span_id = draw.randbytes(8)
        yield _span(shape, draw, numbers[place], (trace_id, span_id, parent))
        parent = span_id


def _span(shape: SpanShape, draw: random.Random, number: int, ids: tuple[bytes, bytes, bytes]) -> Span:
    # By place, not by lot: exactly the share asked for, spread evenly.
    events = int((number + 1) * shape.events) - int(number * shape.events)
    links = int((number + 1) * shape.links) - int(number * shape.links)
    trace_id, span_id, parent = ids
    start = START + number * STEP + draw.randrange(STEP)
    name, kind, attributes = _call(draw) if draw.random() < 0.6 else _query(draw)
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        flags=0x101,
        name=name,
        kind=kind,
        start_time_unix_nano=start,
        end_time_unix_nano=start + round(draw.expovariate(1e-7)),
        attributes=list(first_of(attributes, shape.attributes)),
        events=[_event(draw, start + 1000) for _ in range(events)],
        links=[Span.Link(trace_id=draw.randbytes(16), span_id=draw.randbytes(8)) for _ in range(links)],
        status=Status(code=Status.STATUS_CODE_ERROR if draw.random() < 0.02 else Status.STATUS_CODE_UNSET),
    )


def _call(draw: random.Random) -> tuple[str, Span.SpanKind.ValueType, list[KeyValue]]:
    method, route = draw.choice(("GET", "GET", "POST", "PUT")), draw.choice(ROUTES)
    service = draw.choice(SERVICES)
    kind = draw.choice((Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT))
    return (
        f"{method} {route}",
        kind,
        [
            text_attribute("http.request.method", method),
            text_attribute("http.route", route),
            text_attribute("url.path", f"/api/v1/orders/{draw.randrange(10**6, 10**7)}"),
            KeyValue(key="http.response.status_code", value=AnyValue(int_value=draw.choice((200, 200, 200, 404, 500)))),
            text_attribute("server.address", f"{service}.shop.svc"),
            KeyValue(key="server.port", value=AnyValue(int_value=8080)),
            text_attribute("network.protocol.version", "1.1"),
            text_attribute("client.address", f"10.1.{draw.randrange(8)}.{draw.randrange(256)}"),
        ],
    )


def _query(draw: random.Random) -> tuple[str, Span.SpanKind.ValueType, list[KeyValue]]:
    table = draw.choice(("orders", "carts", "users"))
    return (
        f"SELECT {table}",
        Span.SPAN_KIND_CLIENT,
        [
            text_attribute("db.system.name", "postgresql"),
            text_attribute("db.namespace", "shop"),
            text_attribute("db.collection.name", table),
            text_attribute("db.operation.name", "SELECT"),
            text_attribute("db.query.text", "SELECT id, state, total FROM orders WHERE id = $1 LIMIT 50"),
            text_attribute("server.address", "db-0.shop.svc"),
            KeyValue(key="server.port", value=AnyValue(int_value=5432)),
            KeyValue(key="db.response.returned_rows", value=AnyValue(int_value=draw.randrange(50))),
        ],
    )


def _event(draw: random.Random, time: int) -> Span.Event:
    if draw.random() < 0.3:
        attributes = [
            text_attribute("exception.type", "java.lang.IllegalStateException"),
            text_attribute("exception.message", f"order {draw.randrange(10**6)} is closed"),
            text_attribute("exception.stacktrace", _STACK),
        ]
        return Span.Event(time_unix_nano=time, name="exception", attributes=attributes)
    attributes = [
        text_attribute("message.type", draw.choice(("SENT", "RECEIVED"))),
        KeyValue(key="message.id", value=AnyValue(int_value=draw.randrange(9))),
    ]
    return Span.Event(time_unix_nano=time, name="message", attributes=attributes)

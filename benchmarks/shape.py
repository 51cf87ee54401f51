"""Shape of the load: builds the bytes of export requests from a few numbers.

The same shape and seed always give the same bytes. Records resemble the logs of a few services of a shop behind
a Collector: a request carries several resources, and attributes are strings for the most part, with an
integer, a double and a boolean among them.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

__all__ = [
    "ROUTES",
    "SERVICES",
    "START",
    "STEP",
    "Shape",
    "add_shape_flags",
    "build_requests",
    "first_of",
    "resource_attributes",
    "shape_of",
    "text_attribute",
]

START = 1_900_000_000 * 10**9
"""A fixed time: the bytes must not depend on the clock."""
STEP = 100_000
"""Nanoseconds between records."""
SERVICES = ("frontend", "accounts", "cart", "catalog", "payment", "shipping", "search", "mailer")
_ACTORS = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")
_ACTIONS = (("order.update", "order"), ("refund.approve", "order"), ("role.grant", "user"), ("auth.login", "session"))
_SEVERITIES = ((9, "INFO"), (9, "INFO"), (9, "INFO"), (9, "INFO"), (5, "DEBUG"), (13, "WARN"), (17, "ERROR"))
ROUTES = ("/api/v1/orders/{id}", "/api/v1/carts/{id}", "/api/v1/search", "/api/v1/login", "/healthz")


@dataclass(frozen=True, slots=True)
class Shape:
    """Shape of requests.

    Attributes:
        records: records in each request.
        audit: share of audit records, 0 to 1.
        attributes: attributes of each record.
        resource_attributes: attributes of each resource.
        resources: resources in each request, at most one for each record.
        distinct: different requests.
        seed: seed of the random content.
    """

    records: int = 8192
    audit: float = 0.1
    attributes: int = 8
    resource_attributes: int = 5
    resources: int = 8
    distinct: int = 8
    seed: int = 1


def add_shape_flags(parser: argparse.ArgumentParser, **defaults: float) -> None:
    """Add a flag for each number of a shape; ``defaults`` overrides some defaults."""
    usual = {**asdict(Shape()), **defaults}
    group = parser.add_argument_group("shape of requests")
    for name, meaning in {
        "records": "records in each request",
        "audit": "share of audit records, 0 to 1",
        "attributes": "attributes of each record",
        "resource_attributes": "attributes of each resource",
        "resources": "resources in each request",
        "distinct": "different requests, sent by turns",
        "seed": "seed of the records",
    }.items():
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=float if name == "audit" else int,
            default=usual[name],
            metavar="N",
            help=f"{meaning} (default: %(default)s)",
        )


def shape_of(options: argparse.Namespace) -> Shape:
    """Read a shape from parsed flags."""
    return Shape(**{name: getattr(options, name) for name in asdict(Shape())})


def build_requests(shape: Shape) -> list[bytes]:
    """Build the distinct requests of a shape, serialized."""
    draw = random.Random(shape.seed)  # noqa: S311 - repeatable, not secret
    return [_request(shape, draw, number * shape.records) for number in range(shape.distinct)]


def _request(shape: Shape, draw: random.Random, first: int) -> bytes:
    resources = min(shape.resources, shape.records)
    request = ExportLogsServiceRequest()
    for place in range(resources):
        service = SERVICES[(first + place) % len(SERVICES)]
        count = shape.records // resources + (place < shape.records % resources)
        records = [_record(shape, draw, first + place + step * resources) for step in range(count)]
        request.resource_logs.append(
            ResourceLogs(
                resource=Resource(
                    attributes=resource_attributes(shape.resource_attributes, service, draw.randrange(4))
                ),
                scope_logs=[ScopeLogs(scope=InstrumentationScope(name=f"shop.{service}"), log_records=records)],
            )
        )
    return request.SerializeToString()


def _record(shape: Shape, draw: random.Random, number: int) -> LogRecord:
    # By place, not by lot: exactly the share asked for is audit, spread evenly.
    audit = int((number + 1) * shape.audit) > int(number * shape.audit)
    time = START + number * STEP + draw.randrange(STEP)
    severity, text = (9, "INFO") if audit else draw.choice(_SEVERITIES)
    body, attributes = _audit_event(draw) if audit else _log_line(draw)
    return LogRecord(
        time_unix_nano=time,
        observed_time_unix_nano=time + 50_000,
        severity_number=severity,  # type: ignore[arg-type] # the stubs want the enumeration's own type
        severity_text=text,
        body=AnyValue(string_value=body),
        trace_id=draw.randbytes(16),
        span_id=draw.randbytes(8),
        flags=1,
        attributes=list(first_of(attributes, shape.attributes)),
    )


def _log_line(draw: random.Random) -> tuple[str, list[KeyValue]]:
    order, status, route = draw.randrange(10**6, 10**7), draw.choice((200, 200, 200, 404, 500)), draw.choice(ROUTES)
    milliseconds = round(draw.expovariate(0.05), 3)
    body = f"order {order}: {route} answered {status} after {milliseconds} ms, {draw.randrange(1, 9)} items left"
    return body, [
        text_attribute("method", draw.choice(("GET", "GET", "POST", "PUT"))),
        text_attribute("http.route", route),
        KeyValue(key="status", value=AnyValue(int_value=status)),
        KeyValue(key="duration_ms", value=AnyValue(double_value=milliseconds)),
        KeyValue(key="cache.hit", value=AnyValue(bool_value=draw.random() < 0.5)),
        text_attribute("thread.name", f"worker-{draw.randrange(32)}"),
        text_attribute("order.id", f"o-{order}"),
        text_attribute("region", draw.choice(("eu-west-1", "eu-north-1", "us-east-1"))),
    ]


def _audit_event(draw: random.Random) -> tuple[str, list[KeyValue]]:
    actor, (action, target), number = draw.choice(_ACTORS), draw.choice(_ACTIONS), draw.randrange(10**6)
    return f"{actor}: {action} on {target} {number}", [
        text_attribute("audit.actor.id", actor),
        text_attribute("audit.action", action),
        text_attribute("audit.outcome", draw.choice(("success", "success", "success", "failure"))),
        text_attribute("audit.record.id", f"{draw.getrandbits(64):016x}"),
        text_attribute("audit.actor.type", "user"),
        text_attribute("audit.target.id", str(number)),
        text_attribute("audit.target.type", target),
        text_attribute("audit.source.id", f"10.1.{draw.randrange(8)}.{draw.randrange(256)}"),
    ]


def resource_attributes(count: int, service: str, instance: int) -> Iterator[KeyValue]:
    """Make the attributes of a resource."""
    return first_of(
        [
            text_attribute("service.name", service),
            text_attribute("service.version", "2.14.1"),
            text_attribute("deployment.environment.name", "production"),
            text_attribute("k8s.namespace.name", "shop"),
            text_attribute("k8s.pod.name", f"{service}-7c9d8b6f5-{instance:05x}"),
        ],
        count,
    )


def first_of(attributes: list[KeyValue], count: int) -> Iterator[KeyValue]:
    """Make as many attributes as asked for: the first ones of those given, and others behind them."""
    yield from attributes[:count]
    for number in range(len(attributes), count):
        yield text_attribute(f"extra.{number}", f"value {number}")


def text_attribute(key: str, value: str) -> KeyValue:
    """Make an attribute that is a string."""
    return KeyValue(key=key, value=AnyValue(string_value=value))

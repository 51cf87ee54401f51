"""Records of the realistic load, with slots of fixed width in place of what differs from request to request."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

__all__ = [
    "DIGIT",
    "HEX",
    "SPAN_ID",
    "TIME",
    "TRACE_ID",
    "ZIPF",
    "Pod",
    "Value",
    "build_attributes",
    "build_record",
    "call_attributes",
    "pods",
]

# Fillers of slots: control characters that neither contents nor Protobuf have three times in a row.
DIGIT, HEX, ZIPF = b"\x7f", b"\x1f", b"\x1b"
TRACE_ID, SPAN_ID, TIME = b"\x1e", b"\x1d", b"\x1c"
_TIME = int.from_bytes(TIME * 8, "little")

Value = str | int | float | bool
"""Value of an attribute."""

_SERVICES = 40
_PODS_OF_A_SERVICE = (1, 2, 2, 3, 4, 8)
_ROUTES = tuple(
    f"/api/v{version}/{noun}{tail}"
    for version in (1, 2)
    for noun in ("orders", "carts", "users", "products", "invoices", "sessions", "search", "payments", "shipments")
    for tail in ("", "/{id}", "/{id}/items", "/{id}/history")
)
_NOUNS = ("order", "cart", "user", "product", "invoice", "session", "payment", "shipment", "coupon", "refund")
_VERBS = ("created", "updated", "loaded", "validated", "expired", "deleted", "published", "indexed", "cached", "sent")
_PLACES = ("database", "cache", "queue", "search index", "object store", "payment provider", "mail gateway")
_ACTIONS = tuple(f"{noun}.{verb}" for noun in ("order", "role", "user", "key", "file", "report") for verb in
                 ("create", "read", "update", "delete", "grant", "export"))  # fmt: skip
_CLASSES = ("Order", "Cart", "User", "Invoice", "Payment", "Session", "Catalog", "Shipment")
_METHODS = ("load", "save", "validate", "apply", "submit", "resolve", "render", "authorize", "retry", "invoke")


@dataclass(frozen=True, slots=True)
class Pod:
    """A sender of records: an instance of a service.

    Attributes:
        resource: its resource.
        scope: the scope of its records.
        weight: its share among all, by Zipf's law of the services.
    """

    resource: Resource
    scope: InstrumentationScope
    weight: float


def pods(draw: random.Random) -> list[Pod]:
    """Draw the instances of all services."""
    found = []
    for number in range(_SERVICES):
        service = f"{_NOUNS[number % len(_NOUNS)]}-{('api', 'worker', 'gateway', 'batch')[number // len(_NOUNS)]}"
        version, replicas = (
            f"{draw.randrange(9)}.{draw.randrange(40)}.{draw.randrange(20)}",
            f"{draw.getrandbits(36):09x}",
        )
        for _ in range(count := draw.choice(_PODS_OF_A_SERVICE)):
            attributes: dict[str, Value] = {
                "service.name": service,
                "service.version": version,
                "service.namespace": "shop",
                "service.instance.id": f"{draw.getrandbits(128):032x}",
                "deployment.environment.name": "production",
                "k8s.cluster.name": "eu-1",
                "k8s.namespace.name": ("shop", "backoffice", "data")[number % 3],
                "k8s.deployment.name": service,
                "k8s.pod.name": f"{service}-{replicas}-{draw.getrandbits(20):05x}",
                "k8s.pod.uid": f"{draw.getrandbits(128):032x}",
                "k8s.node.name": f"ip-10-0-{draw.randrange(4)}-{draw.randrange(64)}.eu-west-1.compute.internal",
                "k8s.container.name": "app",
                "host.arch": "amd64",
                "telemetry.sdk.language": ("java", "go", "python", "nodejs")[number % 4],
                "telemetry.sdk.version": "1.58.0",
            }
            scope = InstrumentationScope(name=f"com.shop.{service.replace('-', '.')}", version=version)
            found.append(Pod(Resource(attributes=build_attributes(attributes)), scope, 1 / (number + 1) / count))
    return found


def build_record(draw: random.Random, *, audit: bool) -> LogRecord:
    """Draw a record, with slots in place of its times, IDs and numbers."""
    severity, text = (9, "INFO") if audit else draw.choice(_SEVERITIES)
    kind = _audit_event if audit else draw.choices(_KINDS, _WEIGHTS)[0]
    body, attributes = kind(draw)
    return LogRecord(
        time_unix_nano=_TIME,
        observed_time_unix_nano=_TIME,
        severity_number=severity,  # type: ignore[arg-type] # the stubs want the enumeration's own type
        severity_text=text,
        body=AnyValue(string_value=body),
        trace_id=TRACE_ID * 16,
        span_id=SPAN_ID * 8,
        flags=1,
        attributes=build_attributes(attributes),
    )


def call_attributes(draw: random.Random) -> dict[str, Value]:
    """Draw the attributes of a call over HTTP, with slots in place of numbers."""
    method, route = draw.choice(("GET", "GET", "GET", "POST", "PUT", "DELETE")), _skewed(draw, _ROUTES)
    return {
        "http.request.method": method,
        "http.route": route,
        "url.path": route.replace("{id}", _digits(8)),
        "http.response.status_code": draw.choice((200, 200, 200, 200, 201, 204, 304, 400, 401, 404, 500, 503)),
        "client.address": f"2001:db8::{_hex(4)}",
        "user_agent.original": draw.choice(_AGENTS),
        "user.id": f"u-{_zipf()}",
        "network.protocol.version": draw.choice(("1.1", "2")),
    }


def _access_line(draw: random.Random) -> tuple[str, dict[str, Value]]:
    call = call_attributes(draw)
    what = f"{call['http.request.method']} {call['url.path']} {call['http.response.status_code']}"
    taken = f"{_digits(4)}B in {_digits(3)}.{_digits(3)} ms"
    return f"{what} {taken}", {**call, "duration_ms": draw.choice((1.25, 3.5, 12.75, 80.5))}


def _message(draw: random.Random) -> tuple[str, dict[str, Value]]:
    noun, verb, place = _skewed(draw, _NOUNS), draw.choice(_VERBS), draw.choice(_PLACES)
    body = draw.choice(_TEMPLATES).format(
        noun=noun, verb=verb, place=place, number=_digits(8), small=_digits(3), key=_hex(16), user=f"u-{_zipf()}"
    )
    return body, {
        "code.function.name": f"{noun}.{verb}",
        "thread.name": f"worker-{draw.randrange(32)}",
        f"{noun}.id": _digits(8),
        "cache.hit": draw.random() < 0.5,
        "attempt": draw.choice((1, 1, 1, 2, 3)),
    }


def _query(draw: random.Random) -> tuple[str, dict[str, Value]]:
    noun = _skewed(draw, _NOUNS)
    statement = (
        f"SELECT id, state, total, updated_at FROM {noun}s WHERE id = {_digits(8)} AND tenant = {_digits(4)} LIMIT 50"  # noqa: S608 - nobody runs it
    )
    return f"slow query ({_digits(4)} ms): {statement}", {
        "db.system.name": "postgresql",
        "db.namespace": "shop",
        "db.query.text": statement,
        "db.response.returned_rows": draw.randrange(50),
        "server.address": f"db-{draw.randrange(6)}.internal",
    }


def _json_body(draw: random.Random) -> tuple[str, dict[str, Value]]:
    event = f"{_skewed(draw, _NOUNS)}.{draw.choice(_VERBS)}"
    fields = {
        "event": event,
        "id": _hex(32),
        "user": f"u-{_zipf()}",
        "amount": _digits(5),
        "items": [{"sku": f"S-{_digits(6)}", "quantity": draw.randrange(1, 9)} for _ in range(draw.randrange(1, 5))],
    }
    return _json(fields), {"event.domain": "shop", "message.id": _hex(24), "messaging.system": "kafka"}


def _large_json(draw: random.Random) -> tuple[str, dict[str, Value]]:
    rows = [
        {
            "sku": f"S-{_digits(6)}",
            "name": draw.choice(_PLACES),
            "price": _digits(4),
            "key": _hex(16),
            "stock": _digits(3),
        }
        for _ in range(draw.randrange(30, 60))
    ]
    return _json({"event": "catalog.import", "rows": rows}), {"event.domain": "catalog", "rows": len(rows)}


def _stack_trace(draw: random.Random) -> tuple[str, dict[str, Value]]:
    noun = draw.choice(_CLASSES)
    frames = "".join(
        f"\n\tat com.shop.{draw.choice(_CLASSES).lower()}.{draw.choice(_CLASSES)}Service.{draw.choice(_METHODS)}"
        f"({draw.choice(_CLASSES)}Service.java:{draw.randrange(20, 900)})"
        for _ in range(draw.randrange(30, 50))
    )
    text = f"java.lang.IllegalStateException: {noun} {_digits(8)} is locked by u-{_zipf()}{frames}"
    return f"{noun} {_digits(8)} failed\n{text}", {
        "exception.type": "java.lang.IllegalStateException",
        "exception.message": f"{noun} is locked",
        "thread.name": f"worker-{draw.randrange(32)}",
    }


def _audit_event(draw: random.Random) -> tuple[str, dict[str, Value]]:
    action, actor, target = _skewed(draw, _ACTIONS), f"u-{_zipf()}", _digits(7)
    kind = action.partition(".")[0]
    return f"{actor}: {action} on {kind} {target}", {
        "audit.record.id": _hex(32),
        "audit.actor.id": actor,
        "audit.actor.type": "user",
        "audit.action": action,
        "audit.outcome": draw.choice(("success", "success", "success", "failure")),
        "audit.target.id": target,
        "audit.target.type": kind,
        "audit.source.id": f"10.1.{draw.randrange(8)}.{draw.randrange(256)}",
        "session.id": _hex(16),
    }


_SEVERITIES = ((9, "INFO"), (9, "INFO"), (9, "INFO"), (9, "INFO"), (5, "DEBUG"), (13, "WARN"), (17, "ERROR"))
_KINDS: tuple[Callable[[random.Random], tuple[str, dict[str, Value]]], ...] = (
    _access_line,
    _message,
    _query,
    _json_body,
    _large_json,
    _stack_trace,
)
_WEIGHTS = (36, 38, 8, 12, 2.5, 3.5)  # the last two have bodies above 2 kB
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148",
    "okhttp/5.1.0",
    "Go-http-client/2.0",
    "python-requests/2.33.0",
)
_TEMPLATES = (
    "{noun} {number} {verb} in {small} ms",
    "{noun} {number} {verb} by {user}",
    "connection to {place} established, {small} open",
    "{place} did not answer within {small} ms, attempt with key {key}",
    "cache miss for {noun}:{number} ({key})",
    "received message {key} from {place}: {noun} {number} {verb}",
    "{user} {verb} {noun} {number}, {small} items, checksum {key}",
    "starting job {noun}-{verb} with batch {number}, {small} tasks",
    "finished job {noun}-{verb}: {number} rows from {place}, {small} skipped",
    "feature flag {noun}.{verb} is on for {user}",
    "rate limit of {place} reached, waiting {small} ms before {noun} {number}",
    "lock {key} on {noun} {number} acquired after {small} ms",
    "retrying {noun} {number}: {place} answered with status 503 after {small} ms",
    "schema version {small} of {noun}s loaded from {place}",
    "token {key} of {user} refreshed",
    "{noun} {number} moved from {place} to archive {key}",
)


def _skewed(draw: random.Random, words: tuple[str, ...]) -> str:
    """Draw a word by Zipf's law of their order."""
    return draw.choices(words, [1 / (rank + 1) for rank in range(len(words))])[0]


def _digits(count: int) -> str:
    return DIGIT.decode() * count


def _hex(count: int) -> str:
    return HEX.decode() * count


def _zipf() -> str:
    return ZIPF.decode() * 5


def _json(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"))
    for filler in (DIGIT, HEX, ZIPF):  # which JSON escapes
        text = text.replace(json.dumps(filler.decode())[1:-1], filler.decode())
    return text


def build_attributes(values: Mapping[str, Value]) -> list[KeyValue]:
    """Return attributes with these values."""
    return [KeyValue(key=key, value=_any_value(value)) for key, value in values.items()]


def _any_value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)

"""A day of a shop, as OTLP/JSON: logs, audit events and spans of five services, the same for the same seed.

The explorer's tests, screenshots and benchmarks show it. Times are given, so it can be today or any other day.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpx

__all__ = ["HOSTILE_TEXTS", "Day", "hostile_requests", "long_trace", "send_all", "shop_day"]

Request = tuple[str, dict[str, Any]]
"""Path of the OTLP/HTTP receiver, and the request."""

HOSTILE_TEXTS = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "\u202egnp.exe\u202c reads from the right",
    "\x1b[31mred\x1b[0m \x07 bell",
    "'; DROP TABLE audit_logs; --",
    "javascript:alert(1)",
    "invisible \u200b\ufeff and a line of its own \u2028 here",
    "{{constructor.constructor('alert(1)')()}}",
    "x" * 1_500_000,
)
"""Texts that senders send to harm whoever looks at them; the last one has 1.5 MB."""

_HOUR = 3600 * 10**9  # nanoseconds
_SERVICES = ("frontend", "accounts", "cart", "payment", "shipping")
_ACTORS = ("alice", "bob", "carol", "dave", "erin", "ci-bot", "system:serviceaccount:kube-system:deployer")
_WORDS = (
    "order",
    "cart",
    "paid",
    "refused",
    "timeout",
    "connection",
    "retry",
    "cache",
    "user",
    "token",
    "slow",
    "query",
)
_SPAN_NAMES = ("GET /orders", "charge card", "SELECT orders", "publish event", "render page")
_SEVERITIES = {5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR"}
_PER_REQUEST = 2000  # records


@dataclass(frozen=True, slots=True)
class Day:
    """A day's requests, and what they have.

    Attributes:
        requests: the requests, in no order of time.
        refund: ID of the trace in which Bob gives himself a role to approve a refund.
    """

    requests: tuple[Request, ...]
    refund: str


def shop_day(end: int, *, hours: int = 6, logs: int = 3000, events: int = 600, traces: int = 60, seed: int = 7) -> Day:
    """Return the requests of a day.

    Args:
        end: its end, in nanoseconds since 1970.
        hours: its length.
        logs: number of logs outside traces.
        events: number of audit events outside traces.
        traces: number of traces.
        seed: seed of everything that is drawn.
    """
    draw = random.Random(seed)  # noqa: S311 - test data
    made = _Requests()

    def sometime() -> int:
        return end - draw.randrange(hours * _HOUR)

    for number in range(logs):
        body = " ".join(draw.choices(_WORDS, k=draw.randrange(3, 12)))
        severity = draw.choices([5, 9, 13, 17], [2, 10, 2, 1])[0]
        attributes: dict[str, str | int] = {"http.status_code": draw.choice([200, 404, 500])}
        attributes["http.method"] = draw.choice(["GET", "POST"])
        made.log(_SERVICES[number % len(_SERVICES)], _log(draw, sometime(), body, severity, attributes=attributes))
    for _ in range(events):
        made.log("accounts", _any_audit_event(draw, sometime(), end))
    for _ in range(traces):
        _trace(draw, made, sometime(), spans=draw.randrange(3, 25))
    refund = _trace(draw, made, end - _HOUR // 6, spans=12)
    return Day(tuple(made), refund)


def long_trace(start: int, entries: int, seed: int = 11) -> Day:
    """Return the requests of one trace.

    Args:
        start: its beginning, in nanoseconds since 1970.
        entries: number of its spans and logs.
        seed: seed of everything that is drawn.
    """
    draw, made = random.Random(seed), _Requests()  # noqa: S311 - test data
    refund = _trace(draw, made, start, spans=entries // 2, each_logs=True)
    return Day(tuple(made), refund)


def hostile_requests(end: int) -> tuple[Request, ...]:
    """Return requests with texts that must be shown as text, and nothing else."""
    draw, made = random.Random(13), _Requests()  # noqa: S311 - test data
    for number, text in enumerate(HOSTILE_TEXTS):
        made.log("<b>hostile</b>", _log(draw, end - number, text, 17, attributes={"key<script>": text[:5000]}))
    actor = '"><img src=x onerror=alert(1)>'
    target = ("user", "../../etc/passwd?x=1#y")
    made.log("<b>hostile</b>", _audit_event(draw, end, actor, "auth.login", target, "failure"))
    return tuple(made)


def send_all(otlp_http: str, requests: Sequence[Request]) -> None:
    """Send requests to a receiver, given its URL; returns once all are acknowledged."""
    with httpx.Client(timeout=120.0, headers={"Content-Type": "application/json"}) as client:
        for path, body in requests:
            client.post(f"{otlp_http}{path}", content=json.dumps(body).encode()).raise_for_status()


class _Requests:
    """Records and spans by service, cut into requests when they are iterated over."""

    def __init__(self) -> None:
        self._logs: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._spans: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    def log(self, service: str, record: dict[str, Any]) -> None:
        self._logs[service].append(record)

    def span(self, service: str, span: dict[str, Any]) -> None:
        self._spans[service].append(span)

    def __iter__(self) -> Iterator[Request]:
        for kept, path, names in (
            (self._logs, "/v1/logs", ("resourceLogs", "scopeLogs", "logRecords")),
            (self._spans, "/v1/traces", ("resourceSpans", "scopeSpans", "spans")),
        ):
            resources, scopes, entries = names
            for service, records in kept.items():
                resource = {"attributes": _pairs({"service.name": service, "host.name": "node-1"})}
                for first in range(0, len(records), _PER_REQUEST):
                    scope = {"scope": {"name": "shop"}, entries: records[first : first + _PER_REQUEST]}
                    yield path, {resources: [{"resource": resource, scopes: [scope]}]}


def _pairs(attributes: Mapping[str, str | int]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in attributes.items()
    ]


def _log(
    draw: random.Random,
    time: int,
    body: str,
    severity: int,
    trace: str = "",
    span: str = "",
    attributes: Mapping[str, str | int] = MappingProxyType({}),
) -> dict[str, Any]:
    ids = {"traceId": trace, "spanId": span or f"{draw.getrandbits(64):016x}"} if trace else {}
    return {
        "timeUnixNano": str(time),
        "severityNumber": severity,
        "severityText": _SEVERITIES[severity],
        "body": {"stringValue": body},
        "attributes": _pairs(attributes),
        **ids,
    }


def _audit_event(
    draw: random.Random,
    time: int,
    actor: str,
    action: str,
    target: tuple[str, str],
    outcome: str = "success",
    trace: str = "",
    span: str = "",
    attributes: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    kind, name = target
    audit = {
        "audit.record.id": f"{draw.getrandbits(128):032x}",
        "audit.actor.id": actor,
        "audit.actor.type": "user",
        "audit.action": action,
        "audit.outcome": outcome,
        "audit.target.id": name,
        "audit.target.type": kind,
        "audit.source.id": f"203.0.113.{draw.randrange(1, 9)}",
        "session.id": f"session-{actor}-{time // (2 * _HOUR) % 9}",
    }
    severity = 9 if outcome == "success" else 13
    return _log(
        draw, time, f"{actor}: {action} on {kind} {name}", severity, trace, span, attributes={**audit, **attributes}
    )


def _any_audit_event(draw: random.Random, time: int, end: int) -> dict[str, Any]:
    actor = draw.choice(_ACTORS)
    action = draw.choice(["auth.login", "auth.logout", "role.grant", "order.read", "order.refund", "config.change"])
    attributes: dict[str, str] = {}
    if action == "config.change":
        before, after = {"limit": 100, "mode": "strict"}, {"limit": 250, "mode": "strict", "by": actor}
        attributes = {"change.before": json.dumps(before), "change.after": json.dumps(after)}
    elif action == "role.grant":
        attributes = {"role.old": "support", "role.new": "manager"}
    order = str(draw.randrange(1000, 1020))
    target = draw.choice([("user", "bob"), ("order", order), ("config", "limits"), ("role", "manager")])
    outcome = draw.choices(["success", "failure"], [9, 1])[0]
    return _audit_event(draw, min(time, end), actor, action, target, outcome, attributes=attributes)


def _trace(draw: random.Random, made: _Requests, start: int, *, spans: int, each_logs: bool = False) -> str:
    """Add a trace whose root is a refund, and return its ID."""
    trace, root = f"{draw.getrandbits(128):032x}", f"{draw.getrandbits(64):016x}"
    second = 10**9
    parents, end = [(root, start, second)], start + second
    for _ in range(spans):
        parent, parent_start, parent_length = draw.choice(parents[-6:])
        span, service = f"{draw.getrandbits(64):016x}", draw.choice(_SERVICES)
        begin = parent_start + draw.randrange(max(parent_length // 2, 1))
        length = max(draw.randrange(max(parent_length // 2, 2)), 1000)
        parents.append((span, begin, length))
        end = max(end, begin + length)
        made.span(service, _span(draw, trace, span, parent, draw.choice(_SPAN_NAMES), begin, begin + length))
        if each_logs or draw.random() < 0.6:
            body = " ".join(draw.choices(_WORDS, k=5))
            made.log(service, _log(draw, begin + length // 3, body, draw.choice([9, 9, 13, 17]), trace, span))
    made.span("frontend", _span(draw, trace, root, "", "POST /refund", start, end))
    for milliseconds, service, action, target, outcome in (
        (4, "payment", "refund.approve", ("order", "1047"), "failure"),
        (7, "accounts", "role.grant", ("user", "bob"), "success"),
        (9, "payment", "refund.approve", ("order", "1047"), "success"),
    ):
        time = start + milliseconds * 10**6
        made.log(service, _audit_event(draw, time, "bob", action, target, outcome, trace, root))
    return trace


def _span(draw: random.Random, trace: str, span: str, parent: str, name: str, begin: int, end: int) -> dict[str, Any]:
    failed = draw.random() < 0.05
    return {
        "traceId": trace,
        "spanId": span,
        "parentSpanId": parent,
        "name": name,
        "kind": draw.randrange(1, 6),
        "startTimeUnixNano": str(begin),
        "endTimeUnixNano": str(end),
        "attributes": _pairs({"db.system": "postgresql"}),
        "status": {"code": 2, "message": "deadline exceeded"} if failed else {},
    }

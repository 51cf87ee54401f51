"""A small shop of four services that log and audit through the OpenTelemetry SDK.

They share only the process: each has its own providers, resource and exporter, as it
would have on a machine of its own.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

__all__ = ["Service", "Shop"]

_FLUSH_MILLISECONDS = 30_000
_NO_PROXY: Any = (("grpc.enable_http_proxy", 0),)  # the SDK declares text values; gRPC wants a number here


class Service:
    """One service: its logs, audit events and spans."""

    def __init__(self, name: str, otlp_grpc: str) -> None:
        """Set the OpenTelemetry SDK up.

        Args:
            name: the service's name.
            otlp_grpc: ``host:port`` to export to.
        """
        self.name = name
        self.sent = 0
        resource = Resource.create({"service.name": name, "service.version": "1.4.0"})
        exporter = OTLPLogExporter(endpoint=otlp_grpc, insecure=True, channel_options=_NO_PROXY)
        self._logs = LoggerProvider(resource, shutdown_on_exit=False)
        self._logs.add_log_record_processor(BatchLogRecordProcessor(exporter))
        self._logger = self._logs.get_logger(f"shop.{name}")
        self._spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        spans = OTLPSpanExporter(endpoint=otlp_grpc, insecure=True, channel_options=_NO_PROXY)
        self._spans.add_span_processor(BatchSpanProcessor(spans))
        self._tracer = self._spans.get_tracer(f"shop.{name}")

    @contextlib.contextmanager
    def span(self, name: str) -> Iterator[str]:
        """Run the block in a span, a child of the current span; yields the trace ID."""
        self.sent += 1
        with self._tracer.start_as_current_span(name) as span:
            yield f"{span.get_span_context().trace_id:032x}"
            time.sleep(0.002)

    def log(self, text: str, severity: SeverityNumber = SeverityNumber.INFO) -> None:
        """Log a line."""
        self._logger.emit(timestamp=time.time_ns(), severity_number=severity, severity_text=severity.name, body=text)
        self.sent += 1

    def audit(self, actor: str, action: str, target_type: str, target: str, *, outcome: str = "success") -> None:
        """Emit an audit event with the attributes of the draft OpenTelemetry audit signal."""
        self._logger.emit(
            timestamp=time.time_ns(),
            event_name="shop.audit",
            body=f"{actor}: {action} on {target_type} {target}",
            attributes={
                "audit.record.id": str(uuid.uuid4()),
                "audit.actor.id": actor,
                "audit.actor.type": "user",
                "audit.action": action,
                "audit.target.type": target_type,
                "audit.target.id": target,
                "audit.source.id": "203.0.113.7",
                "audit.source.type": "address",
                "audit.outcome": outcome,
            },
        )
        self.sent += 1

    def flush(self) -> None:
        """Wait until the server has acknowledged every record."""
        self._logs.force_flush(_FLUSH_MILLISECONDS)
        self._spans.force_flush(_FLUSH_MILLISECONDS)

    def close(self) -> None:
        """Stop the SDK's threads."""
        self._logs.shutdown()
        self._spans.shutdown()


class Shop:
    """The shop's services, and its business transactions."""

    def __init__(self, otlp_grpc: str) -> None:
        """Open the shop; its services export to ``otlp_grpc``."""
        self.frontend = Service("frontend", otlp_grpc)
        self.accounts = Service("accounts", otlp_grpc)
        self.cart = Service("cart", otlp_grpc)
        self.payment = Service("payment", otlp_grpc)
        self.services = (self.frontend, self.accounts, self.cart, self.payment)

    def __enter__(self) -> Shop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for service in self.services:
            service.close()

    @property
    def sent(self) -> int:
        """Number of records emitted by the services: logs, audit events and spans."""
        return sum(service.sent for service in self.services)

    def flush(self) -> None:
        """Wait until the server has acknowledged every record of every service."""
        for service in self.services:
            service.flush()

    def sell(self, order: int, customer: str) -> None:
        """Process a customer's order."""
        with self.frontend.span("POST /orders"):
            self.frontend.log(f"order {order} received")
            with self.accounts.span("authenticate"):
                self.accounts.audit(customer, "auth.login", "user", customer)
            with self.cart.span("reserve"):
                self.cart.log(f"order {order}: {1 + order % 4} items reserved")
            with self.payment.span("charge"):
                self.payment.log(f"order {order}: card is charged", SeverityNumber.DEBUG)
                self.payment.audit(customer, "payment.charge", "order", str(order))
            self.frontend.log(f"order {order} confirmed")

    def refund_by_bob(self, order: int) -> str:
        """Let Bob from support approve a refund above his limit.

        Returns:
            The trace ID.
        """
        with self.frontend.span("POST /refunds") as trace_id:
            self.frontend.log(f"refund of order {order} requested")
            with self.accounts.span("authenticate"):
                self.accounts.audit("bob", "auth.login", "user", "bob")
                self.accounts.log("bob has the role support")
            with self.cart.span("look up"):
                self.cart.log(f"order {order}: 3 items, 249.00 EUR")
            with self.payment.span("refund"):
                self.payment.log("249.00 EUR is above the limit of the role support", SeverityNumber.WARN)
                self.payment.audit("bob", "refund.approve", "order", str(order), outcome="failure")
            with self.accounts.span("grant"):
                self.accounts.audit("bob", "role.grant", "user", "bob")
                self.accounts.log("bob has the roles support, manager")
            with self.payment.span("refund"):
                self.payment.audit("bob", "refund.approve", "order", str(order))
                self.payment.log("249.00 EUR paid back")
            self.frontend.log("refund confirmed")
        return trace_id

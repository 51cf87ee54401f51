"""Refusals of what is not served: other signals and unknown paths and services."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import grpc
import grpc.aio

from server.codec.signals import Signal
from server.otlp.clients import peer_address
from server.otlp.errors import NotServedError
from server.otlp.outcomes import Measuring
from server.otlp.refusal_log import RefusalLog
from server.otlp.status import grpc_trailers, refusal_of
from server.pipeline.measures import MeasureRequest

__all__ = [
    "AUDIT",
    "AUDIT_PATH",
    "PATHS",
    "SERVICES",
    "Explain",
    "not_served",
    "not_served_by_api",
    "service_of",
    "unserved_handler",
]

PATHS = {Signal.LOGS: "/v1/logs", Signal.TRACES: "/v1/traces"}
"""Paths over HTTP of the signals that are received."""

_SIGNALS = {"trace": "traces", "metrics": "metrics", "profiles": "profiles", "logs": "logs"}  # package -> path

AUDIT = "audit"
"""Label of requests to ``AUDIT_PATH``."""

AUDIT_PATH = "/v1/audit"
"""Path over HTTP of audit records."""

SERVICES = (*_SIGNALS.values(), AUDIT, "other")
"""Labels of what requests are for."""

_ONLY = "Lognotary takes logs and traces only"
_SERVED = (*(signal.value for signal in PATHS), AUDIT)


def service_of(path: str) -> str:
    """Return the label of a path or of a gRPC method: the signal it belongs to, or "other".

    Args:
        path: such as ``/v1/traces`` or ``/opentelemetry.proto.collector.trace.v1.TraceService/Export``.
    """
    if path.startswith("/opentelemetry.proto.collector."):
        return _SIGNALS.get(path.split(".")[3], "other")
    signal = path.removeprefix("/v1/").rstrip("/")
    return signal if path.startswith("/v1/") and signal in SERVICES else "other"


def not_served(path: str, expected: str) -> NotServedError:
    """Return the error for a path or a gRPC method that is not served.

    Args:
        path: as for ``service_of``.
        expected: description of what is served there.
    """
    service = service_of(path)
    if service in _SERVED:
        return NotServedError(expected)
    if service == "other":
        return NotServedError(f"{expected}. {_ONLY}")
    return NotServedError(
        f"{service} are not served here. {_ONLY}: set OTEL_{service.upper()}_EXPORTER to none, or "
        f"OTEL_EXPORTER_OTLP_{service.upper()}_ENDPOINT to another backend"
    )


def not_served_by_api(path: str, otlp_grpc: str, otlp_http: str) -> NotServedError:
    """Return the error for a path or a gRPC method that the ports of the API do not serve.

    Args:
        path: as for ``service_of``.
        otlp_grpc: address of the OTLP receiver over gRPC.
        otlp_http: address of the OTLP receiver over HTTP.
    """
    service = service_of(path)
    paths = " or ".join(PATHS.values())
    there = f"logs and traces go to {otlp_grpc} (OTLP over gRPC) or {otlp_http} (OTLP over HTTP, POST {paths})"
    if service in _SERVED:
        what = "audit records" if service == AUDIT else service
        return NotServedError(f"this port serves the API and takes no {what}: {there}")
    if service == "other":
        return NotServedError(f"this port serves the API, which has no such call: docs/api.md lists its calls; {there}")
    return NotServedError(f"this port serves the API, and {_ONLY}: send {service} to another backend; {there}")


Explain = Callable[[str], NotServedError]
"""Function that returns the error for a path or a gRPC method that a port does not serve."""


class _Unserved(grpc.GenericRpcHandler):
    def __init__(self, measure: MeasureRequest, log: RefusalLog, explain: Explain) -> None:
        self._measure = measure
        self._log = log
        self._explain = explain

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Return a handler that refuses the call, whatever its method is."""
        method = handler_call_details.method

        async def refuse(_: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            error = self._explain(method)
            with (
                contextlib.suppress(NotServedError),
                Measuring(self._measure, self._log, peer_address(context.peer()), service_of(method)),
            ):
                raise error
            refusal = refusal_of(error)
            await context.abort(refusal.code, refusal.message, grpc_trailers(refusal))
            return b""

        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_unary_rpc_method_handler(refuse)
        return handler


def unserved_handler(measure: MeasureRequest, log: RefusalLog, explain: Explain) -> grpc.GenericRpcHandler:
    """Return a handler that refuses all calls that no handler before it serves.

    Args:
        measure: function that is called for each of them.
        log: log of refused requests.
        explain: function that returns the error for a method.
    """
    return _Unserved(measure, log, explain)

"""Audit records of the server's own, sent to its own OTLP port like any sender's records.

So they take the path of every audit record: they are signed, and refused under overload. And a server with workers,
which has no pipeline of its own, needs no special case. A token proves whose they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from server.errors.base import LognotaryError
from server.notary.origin import ACCESS
from server.own_records.proof import LOG_KEY, TENANT_KEY, TOKEN_KEY
from server.settings.values import Address

__all__ = ["NotRecordedError", "OwnRecords", "attribute_pairs", "own_request"]

_EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_TIMEOUT = 30.0  # seconds
_DETAILS = "grpc-status-details-bin"
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to reach who listens everywhere


class NotRecordedError(LognotaryError):
    """Audit records were not acknowledged; the message says why.

    Attributes:
        is_final: True if the same records will never be acknowledged.
    """

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        """Say why they were not acknowledged, and whether they ever can be."""
        super().__init__(message)
        self.is_final = is_final


class OwnRecords:
    """Client that sends audit records over OTLP/gRPC."""

    def __init__(self, address: Address, token: str, sockets: Sequence[str] = ()) -> None:
        """Create a client.

        Args:
            address: address of the server's own OTLP port.
            token: token of the server's processes.
            sockets: Unix sockets to use instead of a port with TLS, one of each process that receives records.
        """
        self._metadata = ((TOKEN_KEY, token),)
        host = _ANYWHERE.get(address.host, address.host)
        self._targets = [f"unix:{path}" for path in sockets] or [str(Address(host, address.port))]
        self._kept: dict[str, grpc.Channel] = {}
        self._is_closed = False

    def send(self, scope: str, records: Sequence[LogRecord]) -> None:
        """Send records, and return once all are acknowledged.

        Args:
            scope: name of the instrumentation scope: the part of the server that they come from.
            records: the records.

        Raises:
            NotRecordedError: not all were acknowledged; some may be stored nevertheless.
        """
        self._send(own_request(scope, records), self._metadata)

    def send_access(self, tenant: str, scope: str, records: Sequence[LogRecord]) -> None:
        """Send records of who looked to the access log of a tenant, empty for the default one; as ``send``.

        The connection is kept until the client is closed, as there may be many such records; one thread at a time.
        """
        marks = ((LOG_KEY, ACCESS), *([(TENANT_KEY, tenant)] if tenant else []))
        self._send(own_request(scope, records), (*self._metadata, *marks), keep=True)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._is_closed = True
        while self._kept:
            self._kept.popitem()[1].close()

    def _send(
        self, request: ExportLogsServiceRequest, metadata: tuple[tuple[str, str], ...], *, keep: bool = False
    ) -> None:
        # What was kept may have been closed by the server meanwhile, which is no reason to give up.
        targets = [*self._kept, *self._targets] if keep else self._targets
        for number, target in enumerate(targets, 1):
            try:
                self._export(target, request, metadata, keep=keep)
            except grpc.RpcError as error:
                # A worker may have ended, and be about to be restarted.
                if error.code() is not grpc.StatusCode.UNAVAILABLE or number == len(targets):
                    reason = f"{error.code().name}: {error.details()}"
                    raise NotRecordedError(reason, is_final=_is_final(error)) from error
            else:
                return

    def _export(
        self, target: str, request: ExportLogsServiceRequest, metadata: tuple[tuple[str, str], ...], *, keep: bool
    ) -> None:
        channel = (self._kept.pop(target, None) if keep else None) or _connected(target)
        with ExitStack() as stack:
            stack.callback(channel.close)
            export = channel.unary_unary(
                _EXPORT, ExportLogsServiceRequest.SerializeToString, ExportLogsServiceResponse.FromString
            )
            export(request, timeout=_TIMEOUT, metadata=metadata)
            if keep and not self._is_closed:
                self._kept[target] = channel
                stack.pop_all()


def _connected(target: str) -> grpc.Channel:
    # It is the own port, so no proxy is in between.
    return grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)])


def _is_final(error: grpc.RpcError) -> bool:
    """Return whether OTLP forbids to send the same request again."""
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
        found = (datum.value for datum in error.trailing_metadata() or () if datum.key == _DETAILS)
        details = (detail for value in found for detail in Status.FromString(bytes(value)).details)
        return not any(detail.Is(RetryInfo.DESCRIPTOR) for detail in details)
    return error.code() is grpc.StatusCode.INVALID_ARGUMENT


def own_request(scope: str, records: Sequence[LogRecord]) -> ExportLogsServiceRequest:
    """Return an OTLP request with records of the service ``lognotary``."""
    logs = ScopeLogs(scope=InstrumentationScope(name=scope), log_records=records)
    resource = Resource(attributes=attribute_pairs({"service.name": "lognotary"}))
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=resource, scope_logs=[logs])])


def attribute_pairs(attributes: Mapping[str, str | int]) -> list[KeyValue]:
    """Return attributes as pairs; those whose value is an empty text are left out."""
    return [_pair(key, value) for key, value in attributes.items() if value != ""]


def _pair(key: str, value: str | int) -> KeyValue:
    known = AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
    return KeyValue(key=key, value=known)

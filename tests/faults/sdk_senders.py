"""The OpenTelemetry SDK's own exporters as senders, with a note of each attempt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import requests
from opentelemetry._logs import LogRecord as ApiLogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from requests.adapters import HTTPAdapter

from harness.otlp_load import ID
from tests.faults.ledger import Ledger, Outcome, SentRequest
from tests.faults.senders import export_outcome

__all__ = ["SdkSender", "grpc_exporter", "http_exporter"]

_EXPORT_SECONDS = 5.0  # seconds after which the SDK gives up a request, with all its attempts
_EMIT_PAUSE = 0.1  # seconds between groups of records

Attempted = Callable[[Outcome, str], None]


def http_exporter(url: str, attempted: Attempted) -> LogRecordExporter:
    """Return the exporter over HTTP, with gzip."""
    session = requests.Session()
    session.mount("http://", _Adapter(attempted))
    return HttpExporter(f"{url}/v1/logs", compression=Compression.Gzip, timeout=_EXPORT_SECONDS, session=session)


def grpc_exporter(address: str, attempted: Attempted) -> LogRecordExporter:
    """Return the exporter over gRPC."""
    return _GrpcExporter(address, attempted)


class SdkSender:
    """An application that logs through the SDK; records that a full queue drops were never sent."""

    def __init__(self, name: str, ledger: Ledger, exporter: Callable[[Attempted], LogRecordExporter]) -> None:
        self._name = name
        self._finishing = threading.Event()
        noting = _NotingExporter(name, ledger, exporter)
        self._provider = LoggerProvider(Resource.create({"service.name": name}), shutdown_on_exit=False)
        self._provider.add_log_record_processor(
            BatchLogRecordProcessor(noting, schedule_delay_millis=100, max_export_batch_size=64)
        )
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self, deadline: float) -> list[str]:
        self._finishing.set()
        self._thread.join()
        # The SDK gives up what it cannot send in time: it does not promise that anything arrives.
        self._provider.force_flush(round(1000 * max(0.0, deadline - time.monotonic())))
        self._provider.shutdown()
        return []

    def _run(self) -> None:
        logger = self._provider.get_logger("faults")
        count = 0
        while not self._finishing.is_set():
            for _ in range(4):
                audit = {"audit.actor.id": "eve", "audit.action": "pay"} if count % 4 == 0 else {}
                name = f"{self._name}-{count}"
                logger.emit(ApiLogRecord(timestamp=time.time_ns(), body="a line", attributes={ID: name, **audit}))
                count += 1
            self._finishing.wait(_EMIT_PAUSE)


class _NotingExporter(LogRecordExporter):
    """An exporter that notes each batch, and the outcome of each attempt to send it."""

    def __init__(self, name: str, ledger: Ledger, exporter: Callable[[Attempted], LogRecordExporter]) -> None:
        self._name = name
        self._ledger = ledger
        self._sent: SentRequest | None = None
        self._exporter = exporter(self._attempted)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        ids = tuple(str((readable.log_record.attributes or {})[ID]) for readable in batch)
        self._sent = self._ledger.add(SentRequest(self._name, ids))
        result = self._exporter.export(batch)
        assert (result is LogRecordExportResult.SUCCESS) == self._sent.acknowledged
        return result

    def _attempted(self, outcome: Outcome, why: str) -> None:
        assert self._sent is not None
        self._sent.note(outcome, why)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


class _Adapter(HTTPAdapter):
    def __init__(self, attempted: Attempted) -> None:
        super().__init__()
        self._attempted = attempted

    def send(self, *arguments: Any, **settings: Any) -> requests.Response:
        try:
            response = super().send(*arguments, **settings)
        except requests.ConnectionError as error:
            self._attempted(Outcome.NOT_SENT if "NewConnectionError" in repr(error) else Outcome.UNKNOWN, repr(error))
            raise
        except requests.RequestException as error:
            self._attempted(Outcome.UNKNOWN, repr(error))
            raise
        if response.ok:
            self._attempted(Outcome.ACKNOWLEDGED, "")
        else:
            refused = "Retry-After" in response.headers or response.status_code < 500
            self._attempted(Outcome.REFUSED if refused else Outcome.UNKNOWN, str(response.status_code))
        return response


class _GrpcExporter(GrpcExporter):
    _client: Any  # its base sets it to None first

    def __init__(self, address: str, attempted: Attempted) -> None:
        self._attempted = attempted
        super().__init__(endpoint=f"http://{address}", insecure=True, timeout=_EXPORT_SECONDS)

    def _initialize_channel_and_stub(self) -> None:
        # The one place where it makes its stub, also anew after UNAVAILABLE.
        super()._initialize_channel_and_stub()  # type: ignore[no-untyped-call]
        self._client = _NotingStub(self._client, self._attempted)


class _NotingStub:
    def __init__(self, stub: Any, attempted: Attempted) -> None:
        self._stub = stub
        self._attempted = attempted

    def Export(self, *arguments: Any, **settings: Any) -> object:  # noqa: N802 - the stub's name
        try:
            answer: object = self._stub.Export(*arguments, **settings)
        except grpc.RpcError as error:
            self._attempted(*export_outcome(error))
            raise
        self._attempted(Outcome.ACKNOWLEDGED, "")
        return answer

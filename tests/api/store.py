"""Writing records for the API's tests, and its services over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import correlation_pb2_grpc
from server.api.backend import Backend
from server.api.grpc_services import add_services
from server.api.messages import from_nanos
from server.codec.audit.built_in import built_in_rules
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.reference import ReferenceCodec
from server.codec.rows import Rows
from server.log.journal import Journal
from server.log.log_writer import LogWriter
from server.notary.batch import Batch, LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.trust import TrustedKeys
from server.process.pools import Pool
from storage.engine import Engine
from tests.log.writers import begin_log, log_writer, open_log

__all__ = [
    "LOGS",
    "OTHER_TRACE",
    "START",
    "TRACE",
    "Writer",
    "audit_event",
    "log_record",
    "moment",
    "search",
    "serving",
    "span",
    "write_events",
]

LOGS = {stream: LogName("shop", stream, "node-1") for stream in Stream}
START = 1_750_000_000 * 10**9
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER_TRACE = "0af7651916cd43dd8448eb211c80319c"


def moment(nanos: int) -> Timestamp:
    """Return the time that is so many nanoseconds after START."""
    return from_nanos(START + nanos)


def log_record(body: str, *, at: int = 0, trace: str = TRACE, **attributes: str) -> LogRecord:
    """Return a record; ``at`` is in nanoseconds after START."""
    return LogRecord(
        time_unix_nano=START + at,
        body=AnyValue(string_value=body),
        trace_id=bytes.fromhex(trace),
        span_id=b"\x01" * 8,
        attributes=[_text(key, value) for key, value in attributes.items()],
    )


def audit_event(action: str, *, actor: str = "alice", at: int = 0, trace: str = TRACE, **fields: str) -> LogRecord:
    """Return an audit record of the native dialect; ``fields`` such as target_id become attributes."""
    record = log_record(f"{actor} did {action}", at=at, trace=trace)
    names = {"log.type": "audit", "audit.record.id": f"{action}-{at}", "audit.actor.id": actor, "audit.action": action}
    names |= {"audit." + name.replace("_", "."): value for name, value in fields.items()}
    record.attributes.extend(_text(key, value) for key, value in {"audit.outcome": "success", **names}.items())
    return record


def span(name: str, *, at: int = 0, trace: str = TRACE, failed: bool = False) -> Span:
    """Return a span of 5 ns; ``at`` is in nanoseconds after START."""
    return Span(
        trace_id=bytes.fromhex(trace),
        span_id=b"\x01" * 8,
        name=name,
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=START + at,
        end_time_unix_nano=START + at + 5,
        status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_OK),
    )


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


class Writer:
    """Writes records and spans to the logs of a storage."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        logs: Mapping[Stream, LogName] = LOGS,
        provenance: Provenance = NO_PROVENANCE,
    ) -> None:
        self._logs = logs
        self._provenance = provenance
        self.engine = engine
        self.journal = journal
        self.signer = Signer.generate()
        self._begun: set[Stream] = set()
        self._running: dict[Stream, LogWriter] | None = None
        self.keys = TrustedKeys(named=tuple(self.signer.verifier_key(name.origin) for name in logs.values()))

    def keep_running(self) -> None:
        """Write the logs from their start, as a running server does, without reading what is stored."""
        self._running = {}

    def write(
        self,
        records: Sequence[LogRecord],
        *,
        service: str = "shop",
        state: LogState | None = None,
        received: int = START,
    ) -> dict[Stream, Batch]:
        """Commit the records of one request, received at a time in nanoseconds since the epoch."""
        resource = Resource(attributes=[_text("service.name", service)])
        logs = ResourceLogs(resource=resource, scope_logs=[ScopeLogs(log_records=records)])
        request = ExportLogsServiceRequest(resource_logs=[logs]).SerializeToString()
        return self.commit(
            ReferenceCodec(built_in_rules()).encode(request, received, provenance=self._provenance), state
        )

    def write_spans(self, spans: Sequence[Span], *, service: str = "shop", received: int = START) -> None:
        """Commit the spans of one request, as ``write`` does."""
        resource = Resource(attributes=[_text("service.name", service)])
        sent = ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=spans)])
        request = ExportTraceServiceRequest(resource_spans=[sent]).SerializeToString()
        self.commit(ReferenceCodec(built_in_rules()).encode_spans(request, received, self._provenance), None)

    def write_spans_of_a_collector(self, *spans: tuple[int, str, str]) -> None:
        """Insert spans as a Collector's own exporter does: nanoseconds after START, trace and name."""
        rows = ", ".join(
            f"(fromUnixTimestamp64Nano({START + at}), '{trace}', '{name}', 'Server', 'Error')"
            for at, trace, name in spans
        )
        self.engine.execute(
            f"INSERT INTO otel_traces (Timestamp, TraceId, SpanName, SpanKind, StatusCode) VALUES {rows}"
        )

    def commit(self, requests: Sequence[Rows], state: LogState | None = None) -> dict[Stream, Batch]:
        """Commit the rows of one request."""
        batches = {}
        for rows in requests:
            name = self._logs[rows.stream]
            if rows.stream not in self._begun:
                self._begun.add(rows.stream)
                begin_log(self.engine, self.journal, name, self.signer, START // 10**9)
            if self._running is not None:
                if rows.stream not in self._running:
                    self._running[rows.stream] = log_writer(self.engine, self.journal, LogState(name), self.signer)
                batches[rows.stream] = self._running[rows.stream].commit([rows])
                continue
            at = state or open_log(self.engine, name, [self.signer.verifier_key(name.origin)], None, self.journal)[0]
            batches[rows.stream] = log_writer(self.engine, self.journal, at, self.signer).commit([rows])
        return batches


def write_events(writer: Writer) -> None:
    """Write six events of two actors."""
    writer.write(
        [
            audit_event("user.create", at=0, target_id="u1", target_type="user", source_id="10.0.0.1"),
            audit_event("user.delete", at=1, target_id="u1", target_type="user"),
            audit_event("login", at=2, actor="bob", outcome="failure", trace=OTHER_TRACE),
        ]
    )
    writer.write([audit_event("user.create", at=3, actor="bob", target_id="u2", target_type="user")], service="crm")
    writer.write([audit_event("export", at=4), audit_event("export", at=4)])


@asynccontextmanager
async def serving(engine: Engine, keys: TrustedKeys) -> AsyncIterator[grpc.aio.Channel]:
    """Serve the API on a free port; yields a channel to it."""
    server = grpc.aio.server()
    add_services(server, Backend(engine, keys), Pool("api", 2))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)


async def search(writer: Writer, **request: Any) -> pb.SearchAuditEventsResponse:
    """Search audit events over gRPC."""
    async with serving(writer.engine, writer.keys) as channel:
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
        response: pb.SearchAuditEventsResponse = await stub.SearchAuditEvents(pb.SearchAuditEventsRequest(**request))
        return response

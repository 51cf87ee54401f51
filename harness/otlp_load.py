"""OTLP/gRPC senders: single requests, and load in which every record can be identified."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from harness.waiting import PATIENCE, wait_for
from storage.clickhouse import connect
from storage.rowbinary import read_rows, text, uint8, uint64
from storage.url import parse_storage_url

ID = "test.id"
"""The attribute that tells one record of a load from all others."""

_PAUSE = 0.05  # seconds after a refusal, so that a server that is away is not asked without pause


def log_record(
    body: str = "",
    *,
    trace_id: str = "",
    timestamp: int | None = None,
    **attributes: str,
) -> LogRecord:
    """Return a record; underscores in attribute names stand for dots."""
    return LogRecord(
        time_unix_nano=time.time_ns() if timestamp is None else timestamp,
        trace_id=bytes.fromhex(trace_id),
        severity_number=SEVERITY_NUMBER_INFO,
        severity_text="INFO",
        body=AnyValue(string_value=body),
        attributes=_pairs({name.replace("_", "."): value for name, value in attributes.items()}),
    )


def request_of(records: Sequence[LogRecord], service: str = "shop") -> ExportLogsServiceRequest:
    """Return a request of one service."""
    return ExportLogsServiceRequest(
        resource_logs=[
            ResourceLogs(
                resource=Resource(attributes=_pairs({"service.name": service})),
                scope_logs=[ScopeLogs(scope=InstrumentationScope(name="test"), log_records=records)],
            )
        ]
    )


def _pairs(attributes: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in attributes.items()]


def own_connection(address: str) -> grpc.Channel:
    """Return a channel with its own connection; by default, channels to one address share a connection."""
    return grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])


def send(
    address: str,
    *records: LogRecord,
    service: str = "shop",
    connect: Callable[[str], grpc.Channel] = grpc.insecure_channel,
) -> None:
    """Send records and return once they are acknowledged."""
    with connect(address) as channel:
        LogsServiceStub(channel).Export(request_of(records, service), timeout=PATIENCE)


@dataclass(frozen=True)
class Refusal:
    """A request that was not acknowledged; ``retry`` is None if the server gave no RetryInfo."""

    code: grpc.StatusCode
    details: str
    retry: float | None

    @property
    def sheds_load(self) -> bool:
        """True if the server shed load, which any server on a busy machine may do."""
        return self.retry is not None and self.details.startswith("too many requests are in flight")


class Load:
    """Sender with several threads that runs until stopped. Nothing is ever sent twice.

    Every request has an audit record and some operational records under its own trace ID, each with an ID.
    """

    def __init__(
        self,
        address: str,
        *,
        threads: int = 8,
        records: int = 4,
        connect: Callable[[str], grpc.Channel] = grpc.insecure_channel,
    ) -> None:
        self._address = address
        self._connect = connect
        self._records = records
        self._name = uuid.uuid4().hex[:8]
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._acknowledged: list[str] = []
        self._sent = 0
        self._refusals: list[Refusal] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]

    @property
    def acknowledged(self) -> list[str]:
        """IDs of all acknowledged records."""
        with self._lock:
            return list(self._acknowledged)

    @property
    def refusals(self) -> list[Refusal]:
        with self._lock:
            return list(self._refusals)

    @property
    def failures(self) -> list[Refusal]:
        """The refusals for other reasons than load."""
        return [refusal for refusal in self.refusals if not refusal.sheds_load]

    def wait_for_acknowledged(self, more: int, within: float = PATIENCE) -> None:
        """Wait until a number of further records are acknowledged."""
        goal = len(self.acknowledged) + more
        wait_for(lambda: len(self.acknowledged) >= goal, within)

    def stop(self) -> None:
        """Stop after requests in flight have been answered."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, thread: int) -> None:
        with self._connect(self._address) as channel:
            stub = LogsServiceStub(channel)
            count = 0
            while not self._stopped.is_set():
                trace_id = uuid.uuid4().hex
                ids = [f"{self._name}-{thread}-{count}-{place}" for place in range(self._records)]
                count += 1
                audit = log_record("paid", trace_id=trace_id, audit_actor_id="eve", audit_action="pay")
                records = [audit, *(log_record("a line", trace_id=trace_id) for _ in ids[1:])]
                for record, name in zip(records, ids, strict=True):
                    record.attributes.extend(_pairs({ID: name}))
                try:
                    stub.Export(request_of(records), timeout=PATIENCE)
                except grpc.RpcError as error:
                    with self._lock:
                        self._refusals.append(refusal_of(error))
                    self._stopped.wait(_PAUSE)
                else:
                    with self._lock:
                        self._acknowledged += ids

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def refusal_of(error: grpc.RpcError) -> Refusal:
    """Return the refusal in a failed call, with RetryInfo read as the Collector does."""
    retry = None
    trailers: Any = error.trailing_metadata()  # grpc-stubs does not know that they are pairs
    for key, value in trailers or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    retry = info.retry_delay.ToNanoseconds() / 1e9
    return Refusal(error.code(), error.details() or "", retry)


@dataclass(frozen=True)
class Stored:
    """Stored records of loads: the number of copies of each, in committed batches and outside."""

    committed: Counter[str]
    uncommitted: Counter[str]
    traces_of_uncommitted: set[str]

    def check(self, acknowledged: Sequence[str]) -> None:
        """Check that each acknowledged record is stored once and signed, and no record is stored twice."""
        assert acknowledged, "nothing was acknowledged, so nothing was tested"
        assert len(set(acknowledged)) == len(acknowledged)
        wanted = set(acknowledged)
        assert sorted(wanted - self.committed.keys()) == [], "acknowledged, and not there"
        assert sorted(wanted & self.uncommitted.keys()) == [], "acknowledged, and there outside committed batches"
        assert {name: n for name, n in self.committed.items() if n > 1} == {}, "sent once, and there several times"


def read_stored(storage_url: str) -> Stored:
    """Read all stored records of loads. Embedded storage must not be in use."""
    engine = connect(parse_storage_url(storage_url))
    try:
        rows = list(
            read_rows(
                engine.query(
                    f"SELECT LogAttributes['{ID}'] AS Id, TraceId, BatchId IN (SELECT BatchId FROM log_batches), "
                    "count() FROM (SELECT LogAttributes, TraceId, BatchId FROM otel_logs "
                    "UNION ALL SELECT LogAttributes, TraceId, BatchId FROM audit_logs) WHERE Id != '' GROUP BY ALL"
                ),
                (text, text, uint8, uint64),
            )
        )
    finally:
        engine.close()
    committed, uncommitted, traces = Counter[str](), Counter[str](), set[str]()
    for name, trace_id, is_committed, count in rows:
        if is_committed:
            committed[name] += count
        else:
            uncommitted[name] += count
            traces.add(trace_id)
    return Stored(committed, uncommitted, traces)

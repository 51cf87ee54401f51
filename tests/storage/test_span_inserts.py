"""Inserts of spans: the view of traces' times never stands in the way of one, whatever times senders claim."""

from __future__ import annotations

import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.codec.audit.built_in import built_in_rules
from server.codec.reference import ReferenceCodec
from server.log.journal import Journal
from server.notary.batch import LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.engine import Engine
from storage.rowbinary import read_one, read_rows, text, uint64
from tests.log.writers import log_writer

DAY = 86_400 * 10**9


def store(engine: Engine, journal: Journal, *starts: int) -> None:
    """Store a batch of spans, each in a trace of its own, that begin at these times in nanoseconds since the epoch."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add(
        spans=[
            Span(trace_id=number.to_bytes(16, "big"), start_time_unix_nano=start)
            for number, start in enumerate(starts, start=1)
        ]
    )
    rows = ReferenceCodec(built_in_rules()).encode_spans(request.SerializeToString(), time.time_ns())
    log_writer(engine, journal, LogState(LogName("shop", Stream.SPANS, "node-1")), Signer.generate()).commit(rows)


def count(engine: Engine, table: str) -> int:
    return int(read_one(engine.query(f"SELECT count() FROM {table}"), uint64))


def test_spans_of_any_days_are_one_part_and_times_of_recent_ones_are_noted(engine: Engine, journal: Journal) -> None:
    now = time.time_ns()
    around = [now + day * DAY + DAY // 2 for day in range(-30, 30)]
    store(engine, journal, 0, 2**63 - 1, 2**64 - 1, *around)
    assert count(engine, "otel_traces") == len(around) + 3
    parts = "system.parts WHERE database = currentDatabase() AND table = 'otel_traces' AND active"
    assert count(engine, parts) == 1
    rows = engine.query("SELECT TraceId FROM otel_traces_trace_id_ts ORDER BY Start")
    noted = [around[int(trace_id, 16) - 4] for (trace_id,) in read_rows(rows, (text,))]
    assert noted == [start for start in around if now - 7 * DAY <= start < now + DAY]


def test_spans_are_stored_also_if_their_times_cannot_be_noted(engine: Engine, journal: Journal) -> None:
    engine.execute("DROP TABLE otel_traces_trace_id_ts SYNC")
    store(engine, journal, time.time_ns())
    assert count(engine, "otel_traces") == 1

"""Spans in a trace: with evidence if Lognotary received them, without if a Collector wrote them, in either table."""

from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1.evidence_pb2 import TAMPERED, VERIFIED
from server.api.correlation import get_trace
from server.codec.audit.built_in import built_in_rules
from server.codec.reference import ReferenceCodec
from server.log.journal import Journal
from server.notary.batch import LogState
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.trust import TrustedKeys
from server.query.side_by_side import SideBySide
from storage.engine import Engine
from tests.log.writers import log_writer

START = 1_790_000_000 * 10**9
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NAME = LogName("shop", Stream.SPANS, "node-1")


def receive(engine: Engine, journal: Journal, *names: str) -> TrustedKeys:
    """Store spans of the trace as a server does; return the key of their log."""
    request, signer = ExportTraceServiceRequest(), Signer.generate()
    request.resource_spans.add().scope_spans.add(
        spans=[
            Span(
                trace_id=bytes.fromhex(TRACE),
                name=name,
                start_time_unix_nano=START + number,
                end_time_unix_nano=START + 1000,
                flags=1,
                links=[Span.Link(trace_id=b"\1" * 16, span_id=b"\2" * 8, flags=256)],
            )
            for number, name in enumerate(names)
        ]
    )
    rows = ReferenceCodec(built_in_rules()).encode_spans(request.SerializeToString(), START)
    log_writer(engine, journal, LogState(NAME), signer).commit(rows)
    return TrustedKeys(named=(signer.verifier_key(NAME.origin),))


def spans(response: pb.GetTraceResponse) -> list[pb.Span]:
    return [entry.span for entry in response.entries]


def test_spans_that_were_received_have_evidence_and_all_that_was_sent(engine: Engine, journal: Journal) -> None:
    keys = receive(engine, journal, "one", "two")
    response = get_trace(engine, keys, SideBySide(4), pb.GetTraceRequest(trace_id=TRACE))
    assert response.span_count == 2
    for number, span in enumerate(spans(response)):
        assert (span.evidence.state, span.evidence.origin, span.evidence.leaf_index) == (VERIFIED, NAME.origin, number)
        assert (span.trace_id, span.flags, span.otlp_details) == (TRACE, 1, '{"links":{"0":{"flags":256}}}')
        assert [(link.trace_id, link.span_id) for link in span.links] == [("01" * 16, "02" * 8)]
    engine.execute(
        "ALTER TABLE otel_traces UPDATE `Links.SpanId` = ['03'] WHERE SpanName = 'two' SETTINGS mutations_sync = 2"
    )
    one, two = spans(get_trace(engine, keys, SideBySide(4), pb.GetTraceRequest(trace_id=TRACE)))
    assert (one.evidence.state, two.evidence.state) == (VERIFIED, TAMPERED)


def test_spans_of_both_tables_are_paged_side_by_side(engine: Engine, journal: Journal) -> None:
    keys = receive(engine, journal, "received 0", "received 1", "received 2")
    engine.execute("CREATE TABLE otel_traces_before AS otel_traces")
    for table in ("otel_traces", "otel_traces_before"):
        engine.execute(
            f"INSERT INTO {table} (Timestamp, TraceId, SpanName) SELECT toDateTime64({START // 10**9 + 1}, 9), "
            f"'{TRACE}', concat('{table} ', toString(number)) FROM numbers(3)"
        )
    engine.execute(
        f"INSERT INTO otel_traces_trace_id_ts SELECT '{TRACE}', {START // 10**9}, {START // 10**9 + 2} FROM numbers(1)"
    )
    request, found, counted = pb.GetTraceRequest(trace_id=TRACE, limit=2), [], 0
    while True:
        response = get_trace(engine, keys, SideBySide(4), request)
        counted = counted or response.span_count
        found += spans(response)
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
    expected = [f"{kind} {number}" for kind in ("received", "otel_traces", "otel_traces_before") for number in range(3)]
    assert sorted(span.name for span in found) == sorted(expected)
    assert counted == len(expected)
    assert {span.name.startswith("received") for span in found if span.HasField("evidence")} == {True}
    assert sum(span.HasField("evidence") for span in found) == 3

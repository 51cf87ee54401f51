"""Attributes that were sent more than once: the last value counts, and every answer has all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1.evidence_pb2 import TAMPERED, VERIFIED
from server.api.correlation import get_trace, search_audit, search_records
from server.api.neighbours import find_neighbours
from server.api.timelines import actor_timeline
from server.codec.audit.built_in import built_in_rules
from server.codec.reference import ReferenceCodec
from server.codec.rows import Rows
from server.log.journal import Journal
from server.notary.batch import LogState
from server.notary.signers import Signer
from server.notary.trust import TrustedKeys
from server.query.side_by_side import SideBySide
from storage.engine import Engine
from storage.rowbinary import read_rows, text
from tests.api.store import LOGS, START, TRACE
from tests.log.writers import log_writer


def attributes(key: str, *values: str) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for value in values]


RESOURCE = Resource(attributes=[*attributes("service.name", "shop", "crm"), *attributes("host", "b", "c", "a")])
SCOPE = InstrumentationScope(name="lib", attributes=attributes("kind", "y", "x"))


def store(engine: Engine, journal: Journal, requests: Sequence[Rows]) -> TrustedKeys:
    signer = Signer.generate()
    for rows in requests:
        log_writer(engine, journal, LogState(LOGS[rows.stream]), signer).commit([rows])
    return TrustedKeys(named=tuple(signer.verifier_key(name.origin) for name in LOGS.values()))


@pytest.fixture
def keys(engine: Engine, journal: Journal) -> TrustedKeys:
    """The key of logs with an audit event and a log, each with repeated attributes."""
    request, sender = ExportLogsServiceRequest(), attributes("user.name", "zoe", "alice", "zoe", "bob")
    native = {"log.type": "audit", "audit.record.id": "r-1", "audit.action": "login"}
    audit = [attribute for key, value in native.items() for attribute in attributes(key, value)]
    request.resource_logs.add(resource=RESOURCE).scope_logs.add(
        scope=SCOPE,
        log_records=[
            LogRecord(
                time_unix_nano=START + number,
                trace_id=bytes.fromhex(TRACE),
                body=AnyValue(string_value="done"),
                attributes=[*sender, *others],
            )
            for number, others in enumerate(([*audit, *attributes("audit.actor.id", "mallory", "bob")], []))
        ],
    )
    return store(engine, journal, ReferenceCodec(built_in_rules()).encode(request.SerializeToString(), START))


def repeated(found: pb.Record | pb.Span | pb.SpanEvent | pb.SpanLink) -> list[tuple[str, str, list[str]]]:
    return [(one.place, one.key, list(one.values)) for one in found.repeated_attributes]


OF_LOG = [("log", "user.name", ["zoe", "alice", "zoe", "bob"])]
OF_SOURCE = [
    ("scope", "kind", ["y", "x"]),
    ("resource", "host", ["b", "c", "a"]),
    ("resource", "service.name", ["shop", "crm"]),
]


def test_every_answer_shows_the_value_sent_last_and_all_values_as_they_were_sent(
    engine: Engine, keys: TrustedKeys
) -> None:
    trace = get_trace(engine, keys, SideBySide(4), pb.GetTraceRequest(trace_id=TRACE)).entries
    audit = [
        *(entry.audit_event for entry in trace[:1]),
        *search_audit(engine, keys, pb.SearchAuditEventsRequest()).events,
        *(entry.audit_event for entry in search_records(engine, keys, pb.SearchRequest(streams=["audit"])).entries),
        *(one.audit_event for one in actor_timeline(engine, keys, pb.ActorTimelineRequest(actor_id="bob")).entries),
        find_neighbours(engine, keys, pb.NeighboursRequest(record_id="r-1")).record.audit_event,
    ]
    logs = [
        *(entry.log for entry in trace[1:]),
        *(entry.log for entry in search_records(engine, keys, pb.SearchRequest(streams=["operational"])).entries),
        *(one.log for one in find_neighbours(engine, keys, pb.NeighboursRequest(record_id="r-1")).after),
    ]
    assert (len(audit), len(logs)) == (5, 3)
    for record in (*audit, *logs):
        assert record.evidence.state == VERIFIED
        assert record.log_attributes["user.name"] == "bob"
        assert dict(record.scope_attributes) == {"kind": "x"}
        assert dict(record.resource_attributes) == {"service.name": "crm", "host": "a"}
        assert record.service_name == "shop"
    for record in audit:
        assert record.audit.actor_id == record.log_attributes["audit.actor.id"] == "bob"
        assert repeated(record) == [("log", "audit.actor.id", ["mallory", "bob"]), *OF_LOG, *OF_SOURCE]
    for record in logs:
        assert repeated(record) == [*OF_LOG, *OF_SOURCE]


@pytest.mark.parametrize("details", ['{"log_order":{"user.name":[3,2,1,9]}}', "no JSON", ""])
def test_an_order_that_somebody_altered_hides_no_value(engine: Engine, keys: TrustedKeys, details: str) -> None:
    engine.execute(
        f"ALTER TABLE otel_logs UPDATE OtlpDetails = '{details}' WHERE Body = 'done' SETTINGS mutations_sync = 2"
    )
    (entry,) = search_records(engine, keys, pb.SearchRequest(streams=["operational"])).entries
    assert entry.log.evidence.state == TAMPERED
    assert repeated(entry.log)[0] == ("log", "user.name", ["alice", "bob", "zoe", "zoe"])
    assert entry.log.log_attributes["user.name"] == "zoe"


@pytest.mark.usefixtures("keys")
def test_the_query_on_the_page_about_storage_returns_values_as_they_were_sent(engine: Engine) -> None:
    page = (Path(__file__).parents[2] / "docs" / "storage.md").read_text(encoding="utf-8")
    statement = page.partition("**Repeated attributes.**")[2].partition("```sql\n")[2].partition("```")[0]
    for key, sent in (("user.name", "['zoe','alice','zoe','bob']"), ("audit.action", "['login']"), ("none", "[]")):
        select = f"SELECT toString(*) FROM ({statement.replace('user.name', key)})"
        assert list(read_rows(engine.query(select), (text,))) == [(sent,)]


def test_spans_events_and_links_show_repeated_attributes_too(engine: Engine, journal: Journal) -> None:
    request, twice = ExportTraceServiceRequest(), attributes("k", "b", "a")
    request.resource_spans.add(resource=RESOURCE).scope_spans.add(
        scope=SCOPE,
        spans=[
            Span(
                trace_id=bytes.fromhex(TRACE),
                start_time_unix_nano=START,
                end_time_unix_nano=START,
                attributes=twice,
                events=[Span.Event(attributes=attributes("k", "a", "b")), Span.Event(attributes=twice)],
                links=[Span.Link(), Span.Link(attributes=twice)],
            )
        ],
    )
    keys = store(engine, journal, ReferenceCodec(built_in_rules()).encode_spans(request.SerializeToString(), START))

    (entry,) = get_trace(engine, keys, SideBySide(4), pb.GetTraceRequest(trace_id=TRACE)).entries

    assert entry.span.evidence.state == VERIFIED
    assert dict(entry.span.attributes) == {"k": "a"}
    assert repeated(entry.span) == [("span", "k", ["b", "a"]), *OF_SOURCE]
    assert [repeated(event) for event in entry.span.events] == [
        [("event", "k", ["a", "b"])],
        [("event", "k", ["b", "a"])],
    ]
    assert [event.attributes["k"] for event in entry.span.events] == ["b", "a"]
    assert [repeated(link) for link in entry.span.links] == [[], [("link", "k", ["b", "a"])]]
    assert entry.span.links[1].attributes["k"] == "a"


def test_spans_of_the_earlier_table_show_repeated_attributes_as_they_are_stored(
    engine: Engine, keys: TrustedKeys
) -> None:
    engine.execute("CREATE TABLE otel_traces_before AS otel_traces")
    engine.execute(
        "INSERT INTO otel_traces_before (Timestamp, TraceId, SpanName, SpanAttributes) SELECT "
        f"toDateTime64({START // 10**9}, 9), '{TRACE}', 'before', "
        "CAST((['k', 'k'], ['b', 'a']), 'Map(LowCardinality(String), String)')"
    )
    engine.execute(f"INSERT INTO otel_traces_trace_id_ts SELECT '{TRACE}', {START // 10**9}, {START // 10**9}")
    entries = get_trace(engine, keys, SideBySide(4), pb.GetTraceRequest(trace_id=TRACE)).entries
    (span,) = (entry.span for entry in entries if entry.HasField("span"))
    assert (span.attributes["k"], repeated(span)) == ("a", [("span", "k", ["b", "a"])])

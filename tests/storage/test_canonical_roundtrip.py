"""ClickHouse prints the bytes that were hashed: all evidence rests on this.

For generated requests, the codec's leaf hashes are compared with the hashes of the canonical records
that each engine returns. Many requests share one INSERT, so examples are collected first.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.codec.audit.built_in import built_in_rules
from server.codec.reference import ReferenceCodec
from server.codec.rows import Rows
from server.log.journal import Journal
from server.notary.batch import Batch, LogState
from server.notary.canonical import CANONICAL_VERSION, decode_record, leaf_of
from server.notary.leaf_rows import row_kinds
from server.notary.merkle import CompactRange, split_hashes
from server.notary.origin import LogName, Stream
from server.notary.row_blocks import rows_of_blocks
from server.notary.signers import Signer
from storage.engine import Engine
from storage.rowbinary import read_rows, string
from storage.schema import RECORD_TABLES, canonical_expressions
from storage.stored_records import read_records, scan_query
from tests.codec.strategies import any_values, requests, trace_requests
from tests.effort import effort
from tests.log.writers import log_writer

_EXAMPLES = effort(250)
_NOW = 1_790_000_000 * 10**9
_AUDIT_KEYS = (
    "audit.record.id",
    "audit.actor.id",
    "audit.actor.type",
    "audit.action",
    "audit.outcome",
    "audit.target.id",
    "audit.target.type",
    "audit.source.id",
    "audit.source.type",
    "audit.category",
    "log.type",
    "user.id",
)
_audit_values = st.one_of(
    st.sampled_from(["audit", "success", "FAILURE", "admin", "login", "403", ""]).map(
        lambda value: AnyValue(string_value=value)
    ),
    any_values,
)
_audit_attributes = st.lists(st.builds(KeyValue, key=st.sampled_from(_AUDIT_KEYS), value=_audit_values), max_size=8)


@st.composite
def audit_requests(draw: st.DrawFn) -> ExportLogsServiceRequest:
    request = draw(requests(max_records=4))
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                record.attributes.extend(draw(_audit_attributes))
    return request


Request = ExportLogsServiceRequest | ExportTraceServiceRequest


def examples(count: int) -> list[Request]:
    """Generated requests; other ones in every run. Whatever differs is shown whole by the test itself."""
    collected: list[Request] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(requests(), audit_requests(), trace_requests()))
    def collect(request: Request) -> None:
        collected.append(request)

    collect()
    return collected


def commit(
    engine: Engine, journal: Journal, all_rows: Sequence[Sequence[Rows]], per_batch: int
) -> dict[Stream, list[Batch]]:
    """Store rows, ``per_batch`` requests at a time, as a server does."""
    committed: dict[Stream, list[Batch]] = {}
    for stream in Stream:
        parts = [rows for request_rows in all_rows for rows in request_rows if rows.stream is stream]
        name = LogName("example.org", stream, "node-1")
        writer = log_writer(engine, journal, LogState(name), Signer.generate())
        committed[stream] = [
            writer.commit(parts[start : start + per_batch]) for start in range(0, len(parts), per_batch)
        ]
    return committed


def check_stored(engine: Engine, all_rows: Sequence[Sequence[Rows]], committed: dict[Stream, list[Batch]]) -> None:
    for stream, batches in committed.items():
        hashed = [
            leaf
            for request_rows in all_rows
            for rows in request_rows
            if rows.stream is stream
            for leaf in split_hashes(rows.leaf_hashes)
        ]
        if not hashed:
            continue
        last = batches[-1]
        stored = list(read_records(engine, stream, last.log_id, 0, last.tree_size))
        assert [record.leaf_index for record in stored] == list(range(len(hashed)))
        for record, leaf in zip(stored, hashed, strict=True):
            assert leaf_of(record.canonical) == leaf, decode_record(stream, record.canonical)
            assert record.order_ok
        for batch in batches:
            assert {record.batch_id for record in stored[batch.first_leaf : batch.tree_size]} == {batch.batch_id}
            after, _ = CompactRange().extend(
                b"".join(leaf_of(record.canonical) for record in stored[: batch.tree_size])
            )
            assert after.root() == batch.root_hash

        # The same bytes come out of a plain SELECT, as an auditor with clickhouse-client would run it,
        # and out of formatRowNoNewline, one record a row.
        source = f"FROM {RECORD_TABLES[stream]} WHERE LogId = '{last.log_id}' ORDER BY LeafIndex"
        plain = engine.query(f"SELECT {canonical_expressions(stream)} {source}")
        assert plain == b"".join(record.canonical for record in stored)
        formatted = engine.query(f"SELECT formatRowNoNewline('RowBinary', {canonical_expressions(stream)}) {source}")
        assert [record for (record,) in read_rows(formatted, (string,))] == [r.canonical for r in stored]

        # Blocks have the rows that RowBinary has.
        scan = f"{scan_query(stream)} WHERE LogId = '{last.log_id}' ORDER BY LeafIndex"
        blocks = engine.query_in_pieces(scan)
        assert b"".join(rows_of_blocks(blocks, row_kinds(stream, CANONICAL_VERSION))) == engine.query(scan)


def encoded(codec: ReferenceCodec, request: Request, now: int) -> Sequence[Rows]:
    encode = codec.encode if isinstance(request, ExportLogsServiceRequest) else codec.encode_spans
    return encode(request.SerializeToString(), now)


@pytest.fixture(scope="module")
def generated() -> list[Sequence[Rows]]:
    """The rows of generated requests, for both engines, as generating them takes longer than storing them."""
    codec = ReferenceCodec(built_in_rules())
    requests_ = enumerate(examples(_EXAMPLES))
    return [encoded(codec, request, _NOW + number) for number, request in requests_]


def test_what_was_hashed_of_generated_requests_is_what_storage_prints(
    engine: Engine, journal: Journal, generated: list[Sequence[Rows]]
) -> None:
    assert {rows.stream for request_rows in generated for rows in request_rows} == set(Stream)
    committed = commit(engine, journal, generated, per_batch=60)
    check_stored(engine, generated, committed)


def _attributes(**values: str) -> list[KeyValue]:
    return [KeyValue(key=key.replace("__", "."), value=AnyValue(string_value=value)) for key, value in values.items()]


_EXTREMES = [
    LogRecord(),
    LogRecord(time_unix_nano=1),
    LogRecord(time_unix_nano=2**63 - 1, observed_time_unix_nano=2**63 - 1),
    LogRecord(time_unix_nano=2**64 - 1, observed_time_unix_nano=2**64 - 1, flags=2**32 - 1),
    LogRecord(time_unix_nano=_NOW, dropped_attributes_count=2**32 - 1, severity_number=-1),  # type: ignore[arg-type]
    LogRecord(body=AnyValue(string_value="x" * 127)),
    LogRecord(body=AnyValue(string_value="x" * 128)),
    LogRecord(body=AnyValue(string_value="x" * 20_000)),
    LogRecord(body=AnyValue(string_value="\0'\\\n\t\u2028\U0010ffff")),
    LogRecord(attributes=[*_attributes(a="2"), *_attributes(a="1"), *_attributes(a="2")]),
    LogRecord(attributes=_attributes(**{"\U00010000": "4", "\uffff": "3", "b": "2", "B": "1", "": "0"})),
    LogRecord(attributes=[KeyValue(key="k" * 200, value=AnyValue(string_value="v" * 40_000))]),
    LogRecord(attributes=_attributes(**{f"k{n}": "v" for n in range(300)})),
    LogRecord(attributes=_attributes(audit__action="login", audit__actor__id="é", audit__outcome="ok")),
    LogRecord(event_name="audit.user.create", trace_id=bytes(15) + b"\1", span_id=b"\xff" * 8),
]


_EXTREME_SPANS = [
    Span(),
    Span(start_time_unix_nano=2**64 - 1, end_time_unix_nano=1, flags=2**32 - 1),
    Span(end_time_unix_nano=2**64 - 1, dropped_events_count=2**32 - 1, dropped_links_count=2**32 - 1),
    *(Span(trace_id=b"\1" * 16, start_time_unix_nano=day * 86_400 * 10**9) for day in range(0, 50_000, 250)),
    Span(events=[Span.Event()] * 300, links=[Span.Link()] * 300),
    Span(events=[Span.Event(time_unix_nano=2**63, attributes=_attributes(**{f"k{n}": "v" for n in range(300)}))] * 3),
    Span(links=[Span.Link(attributes=[*_attributes(a="2"), *_attributes(a="1"), *_attributes(a="2")])]),
    Span(name="x" * 20_000, trace_state="\0'\\\n\t\u2028\U0010ffff", attributes=_attributes(**{"": "0", "B": "1"})),
]


@pytest.mark.parametrize("split", [20, len(_EXTREME_SPANS)])
def test_what_was_hashed_of_extreme_spans_is_what_storage_prints(engine: Engine, journal: Journal, split: int) -> None:
    codec = ReferenceCodec(built_in_rules())
    all_rows = []
    for span in _EXTREME_SPANS:
        request = ExportTraceServiceRequest()
        request.resource_spans.add(resource=Resource(attributes=_attributes(service__name="shop"))).scope_spans.add(
            spans=[span]
        )
        all_rows.append(codec.encode_spans(request.SerializeToString(), _NOW))
    committed = commit(engine, journal, all_rows, per_batch=split)
    check_stored(engine, all_rows, committed)


@pytest.mark.parametrize("split", [1, len(_EXTREMES)])
def test_what_was_hashed_of_extreme_records_is_what_storage_prints(
    engine: Engine, journal: Journal, split: int
) -> None:
    codec = ReferenceCodec(built_in_rules())
    resource = Resource(attributes=_attributes(service__name="shop", k8s__pod__name="pod-1", k8s__pod__uid="7"))
    all_rows = []
    for record in _EXTREMES:
        request = ExportLogsServiceRequest()
        request.resource_logs.add(resource=resource).scope_logs.add(log_records=[record])
        all_rows.append(codec.encode(request.SerializeToString(), _NOW))
    committed = commit(engine, journal, all_rows, per_batch=split)
    check_stored(engine, all_rows, committed)


def test_a_record_changed_by_its_owner_no_longer_has_its_leaf_hash(engine: Engine, journal: Journal) -> None:
    """The comparison above can fail: a column changed in place is another record."""
    codec = ReferenceCodec(built_in_rules())
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add(log_records=[LogRecord(body=AnyValue(string_value="paid"))])
    all_rows = [codec.encode(request.SerializeToString(), _NOW)]
    committed = commit(engine, journal, all_rows, per_batch=1)
    engine.execute("ALTER TABLE otel_logs UPDATE Body = 'unpaid' WHERE 1 SETTINGS mutations_sync = 2")
    with pytest.raises(AssertionError):
        check_stored(engine, all_rows, committed)

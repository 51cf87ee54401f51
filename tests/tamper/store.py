"""A small store, written once per engine, that tests tamper with and get back unharmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from server.codec.audit.built_in import built_in_rules
from server.codec.reference import ReferenceCodec
from server.log.journal import Journal
from server.notary.batch import Batch, LogState
from server.notary.findings import Finding, FindingKind
from server.notary.merkle import split_hashes
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import StatementRow
from server.notary.trust import TrustedKeys, check_checkpoint
from server.verification.expiry import Expired
from server.verification.read_limits import READ_LIMITS, ReadLimits
from server.verification.scope import Progress, Scope, Summary
from server.verification.verification import verify
from storage.engine import Engine
from storage.evidence import read_fragments
from tests.log.writers import begin_log, log_writer, open_log

__all__ = [
    "AUDIT",
    "NEXT_DAY",
    "OPERATIONAL",
    "SECOND",
    "SPANS",
    "START",
    "TABLES",
    "Store",
    "Tables",
    "batch_row",
    "named",
    "request",
    "row",
    "statement_row",
    "write_store",
]

OPERATIONAL = LogName("shop", Stream.OPERATIONAL, "node-1")
AUDIT = LogName("shop", Stream.AUDIT, "node-1")
SPANS = LogName("shop", Stream.SPANS, "node-1")
START = 1_750_000_000 * 10**9
SECOND = 10**9
NEXT_DAY = START + 86_400 * SECOND
# Sizes of batches: some of one record, one over the border of a tile of 256 hashes.
_SIZES = {OPERATIONAL: (1, 200, 100, 1, 6, 60, 7), AUDIT: (3, 1, 30, 5)}
TABLES = ("otel_logs", "audit_logs", "otel_traces", "log_batches", "log_tiles", "log_statements")


def request(stream: Stream, first: int, count: int) -> bytes:
    """Return an OTLP request; its records or spans are numbered, the content of each is its own."""
    if stream is Stream.SPANS:
        return _traces_request(first, count)
    resources = []
    for number in range(first, first + count):
        if number == first or number % 40 == 0:  # several resources, each with some records
            resource = Resource(
                attributes=[
                    _text("service.name", f"service-{number % 3}"),
                    _text("k8s.pod.name", f"pod-{number}"),
                    _text("deployment.environment.name", "test"),
                ]
            )
            scope = InstrumentationScope(name="lib", version="1.2", attributes=[_text("scope.key", "s")])
            resources.append(
                ResourceLogs(
                    resource=resource,
                    schema_url="https://schema/1",
                    scope_logs=[ScopeLogs(scope=scope, schema_url="https://schema/2")],
                )
            )
        resources[-1].scope_logs[0].log_records.append(_record(stream, number))
    return ExportLogsServiceRequest(resource_logs=resources).SerializeToString()


def _traces_request(first: int, count: int) -> bytes:
    resource = Resource(attributes=[_text("service.name", "service-1"), _text("k8s.pod.name", "pod-1")])
    scope = InstrumentationScope(name="lib", version="1.2", attributes=[_text("scope.key", "s")])
    request = ExportTraceServiceRequest()
    request.resource_spans.add(resource=resource, schema_url="https://schema/1").scope_spans.add(
        scope=scope, schema_url="https://schema/2", spans=map(_span, range(first, first + count))
    )
    return request.SerializeToString()


def _span(number: int) -> Span:
    start = START + number * 1_000_003
    pairs = [_text("a", f"first {number}"), _text("b", "second")]
    return Span(
        trace_id=(number + 1).to_bytes(16, "big"),
        span_id=(number + 1).to_bytes(8, "big"),
        parent_span_id=b"\xab" * 8,
        trace_state="vendor=1",
        flags=0x101,
        name=f"span {number}",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=start,
        end_time_unix_nano=start + 250_000_000,
        attributes=[*pairs, KeyValue(key="count", value=AnyValue(int_value=number))],
        dropped_attributes_count=1,
        events=[Span.Event(time_unix_nano=start + n, name=f"event {n}", attributes=pairs) for n in range(2)],
        dropped_events_count=2,
        links=[Span.Link(trace_id=b"\1" * 16, span_id=b"\2" * 8, trace_state="a=b", attributes=pairs)] * 2,
        dropped_links_count=3,
        status=Status(message="out of stock", code=Status.STATUS_CODE_ERROR),
    )


def _record(stream: Stream, number: int) -> LogRecord:
    attributes = [
        _text("a", f"first {number}"),
        _text("b", "second"),
        KeyValue(key="count", value=AnyValue(int_value=number)),  # its type goes to OtlpDetails
    ]
    if stream is Stream.AUDIT:
        attributes += [
            _text("log.type", "audit"),
            _text("audit.record.id", f"record-{number}"),
            _text("audit.actor.id", "alice"),
            _text("audit.actor.type", "user"),
            _text("audit.action", "user.delete"),
            _text("audit.target.id", f"user-{number}"),
            _text("audit.target.type", "user"),
            _text("audit.source.id", "10.0.0.1"),
            _text("audit.source.type", "ip"),
            _text("audit.outcome", "success"),
        ]
    return LogRecord(
        time_unix_nano=START + number * 1_000_003,
        observed_time_unix_nano=START + number * 1_000_003 + 17,
        severity_number=9,  # type: ignore[arg-type]
        severity_text="INFO",
        body=AnyValue(string_value=f"{stream.value} record {number}"),
        attributes=attributes,
        dropped_attributes_count=number % 2,
        flags=0x101,
        trace_id=(number + 1).to_bytes(16, "big"),
        span_id=(number + 1).to_bytes(8, "big"),
        event_name="user.deleted",
    )


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


@dataclass
class Tables:
    """The tables of a storage, which hold one store at a time: chDB opens one storage per process.

    Attributes:
        engine: the storage.
        journal: what those who write to it keep until it is stored.
        auditor: the storage as an auditor reads it, whose user has no right but those of the role; None for the owner.
        shown: the store that they hold, by the prefix of the copies that are kept of it.
        touched: tables of which that may no longer be true.
    """

    engine: Engine
    journal: Journal
    auditor: Engine | None = None
    shown: str = ""
    touched: set[str] = field(default_factory=set)

    def keep(self, prefix: str) -> None:
        """Remember the tables as they are now."""
        for table in TABLES:
            self.engine.execute(f"OPTIMIZE TABLE {table} FINAL")  # few parts make for quick mutations
            self.engine.execute(f"CREATE TABLE {prefix}_{table} CLONE AS {table}")
        self.shown = ""  # the tables still know the tokens of what was inserted, copies of them do not

    def show(self, prefix: str) -> None:
        """Have the tables as they were kept."""
        if self.shown != prefix:
            self.touched |= set(TABLES)
        for table in self.touched:
            self.engine.execute(f"CREATE OR REPLACE TABLE {table} CLONE AS {prefix}_{table}")
        self.shown = prefix
        self.touched.clear()


@dataclass
class Store:
    """A storage with known batches; what tests do to its tables is undone by ``restore``.

    Attributes:
        tables: its tables.
        signers: the keys of its logs, one after the other.
        prefix: of the copies that are kept of its tables.
        batches: the batches of each log, in order.
        statements: the statements of each log, in order.
    """

    tables: Tables
    signers: tuple[Signer, ...]
    prefix: str = "pristine"
    batches: dict[LogName, list[Batch]] = field(default_factory=dict)
    statements: dict[LogName, list[StatementRow]] = field(default_factory=dict)

    @property
    def engine(self) -> Engine:
        """The storage."""
        return self.tables.engine

    @property
    def reader(self) -> Engine:
        """The storage, for those who verify it."""
        return self.tables.auditor or self.tables.engine

    @property
    def keys(self) -> TrustedKeys:
        """The first key of each log: all that a verifier needs."""
        return self.keys_of(self.signers[0])

    def keys_of(self, *signers: Signer) -> TrustedKeys:
        """Believe some keys, in all logs."""
        return TrustedKeys(named=tuple(signer.verifier_key(name.origin) for name in self.batches for signer in signers))

    def batch_of(self, name: LogName, leaf_index: int) -> Batch:
        """Return the batch that holds a leaf."""
        return next(batch for batch in self.batches[name] if leaf_index < batch.tree_size)

    def write(
        self,
        name: LogName,
        count: int,
        *,
        ingested_at: int,
        state: LogState | None = None,
        signer: Signer | None = None,
    ) -> Batch:
        """Append a batch of records, whose numbers are their leaves, where the log ends or to another state.

        Its key is the last, unless another is given.
        """
        if state is None:
            known = [known.verifier_key(name.origin) for known in (*self.signers, *([signer] if signer else []))]
            state, *_ = open_log(self.engine, name, known, None, self.tables.journal)
        codec = ReferenceCodec(built_in_rules())
        encode = codec.encode_spans if name.stream is Stream.SPANS else codec.encode
        parts = encode(request(name.stream, state.range.size, count), ingested_at)
        assert [part.stream for part in parts] == [name.stream]
        key = signer or self.signers[-1]
        return log_writer(self.engine, self.tables.journal, state, key).commit(parts)

    def leaf_hashes(self, name: LogName, batch: Batch) -> list[bytes]:
        """Return the leaf hashes that a batch brought."""
        fragments = read_fragments(self.engine, name.log_id, batch.first_leaf, batch.tree_size)
        mine = [fragment for fragment, batch_id in fragments if batch_id == batch.batch_id and fragment.level == 0]
        return split_hashes(b"".join(fragment.hashes for fragment in mine))

    def tamper(self, *statements: str) -> None:
        """Run SQL; every table whose name is in it is restored after the test."""
        for statement in statements:
            self.tables.touched |= {table for table in TABLES if table in statement}
            mutation = statement.startswith("ALTER") and (" UPDATE " in statement or " DELETE " in statement)
            self.engine.execute(statement + (" SETTINGS mutations_sync = 2" if mutation else ""))

    def touch(self, *tables: str) -> None:
        """Have tables restored that a test changes otherwise."""
        self.tables.touched |= set(tables)

    def restore(self) -> None:
        """Undo what tests did."""
        self.tables.show(self.prefix)

    def steps(
        self, scope: Scope, keys: TrustedKeys | None = None, limits: ReadLimits = READ_LIMITS
    ) -> list[Progress | Finding | Expired]:
        """Verify; checks on the way that the summary is right."""
        *steps, summary = verify(self.reader, keys or self.keys, scope, limits)
        assert isinstance(summary, Summary)
        told = [step for step in steps if not isinstance(step, Summary)]
        assert len(told) == len(steps)
        assert summary.findings == sum(isinstance(step, Finding) for step in told)
        assert summary.expired_records == sum(step.records for step in told if isinstance(step, Expired))
        return told

    def findings(
        self,
        *checkpoints: str,
        since: int | None = None,
        until: int | None = None,
        keys: TrustedKeys | None = None,
        limits: ReadLimits = READ_LIMITS,
    ) -> list[Finding]:
        """Verify, and return what was found; ``checkpoints`` are such as somebody kept."""
        keys = keys or self.keys
        scope = Scope(since, until, tuple(check_checkpoint(note, keys) for note in checkpoints))
        return [step for step in self.steps(scope, keys, limits) if isinstance(step, Finding)]

    def only(
        self, *checkpoints: str, since: int | None = None, until: int | None = None, keys: TrustedKeys | None = None
    ) -> Finding:
        """Verify, and return the only finding."""
        found = self.findings(*checkpoints, since=since, until=until, keys=keys)
        assert len(found) == 1, found
        return found[0]


def write_store(tables: Tables) -> Store:
    """Write the store: two logs, over two days, a second between batches; with one statement, before the batches."""
    store = Store(tables, (Signer.generate(),))
    for name, sizes in _SIZES.items():
        begin_log(tables.engine, tables.journal, name, store.signers[0], START / SECOND)
        store.batches[name] = [
            store.write(name, size, ingested_at=(NEXT_DAY if number >= 4 else START) + number * SECOND)
            for number, size in enumerate(sizes)
        ]
    tables.keep(store.prefix)
    return store


def row(name: LogName, leaf_index: int) -> str:
    """Return the SQL condition for one record."""
    return f"LogId = '{name.log_id}' AND LeafIndex = {leaf_index}"


def batch_row(batch: Batch) -> str:
    """Return the SQL condition for a batch's row."""
    return f"LogId = '{batch.log_id}' AND Sequence = {batch.sequence}"


def statement_row(name: LogName, number: int) -> str:
    """Return the SQL condition for a statement's row."""
    return f"LogId = '{name.log_id}' AND Number = {number}"


def named(findings: Sequence[Finding]) -> list[tuple[FindingKind, UUID | None, int | None]]:
    """Return what findings name: kind, batch and leaf, in order of leaf."""
    return sorted(
        ((finding.kind, finding.batch_id, finding.leaf_index) for finding in findings),
        key=lambda named: (named[2] if named[2] is not None else -1, named[0].value, str(named[1])),
    )

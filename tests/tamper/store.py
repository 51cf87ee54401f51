"""A small store, written once per engine, that tests tamper with and get back unharmed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from server.api.verification import Scope, Summary, verify
from server.notary.batch import Batch, LogState
from server.notary.findings import Finding, FindingKind
from server.notary.merkle import split_hashes
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.trust import TrustedKeys, check_checkpoint
from server.otlp.reference import ReferenceCodec
from server.pipeline.log_writer import LogWriter
from server.pipeline.recovery import open_log
from server.pipeline.rules import BUILT_IN_RULES
from storage.engine import Engine
from storage.evidence import read_fragments

__all__ = [
    "AUDIT",
    "NEXT_DAY",
    "OPERATIONAL",
    "SECOND",
    "START",
    "TABLES",
    "Store",
    "batch_row",
    "named",
    "request",
    "row",
    "write_store",
]

OPERATIONAL = LogName("shop", Stream.OPERATIONAL, "node-1")
AUDIT = LogName("shop", Stream.AUDIT, "node-1")
START = 1_750_000_000 * 10**9
SECOND = 10**9
NEXT_DAY = START + 86_400 * SECOND
# Sizes of batches: some of one record, one over the border of a tile of 256 hashes.
_SIZES = {OPERATIONAL: (1, 200, 100, 1, 6, 60, 7), AUDIT: (3, 1, 30, 5)}
TABLES = ("otel_logs", "audit_logs", "log_batches", "log_tiles")


def request(stream: Stream, first: int, count: int) -> bytes:
    """Return an OTLP request; its records are numbered, the content of each is its own."""
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
class Store:
    """A storage with known batches; what tests do to its tables is undone by ``restore``.

    Attributes:
        engine: the storage.
        signer: the key of its logs.
        batches: the batches of each log, in order.
    """

    engine: Engine
    signer: Signer
    batches: dict[LogName, list[Batch]] = field(default_factory=dict)
    _touched: set[str] = field(default_factory=set)

    @property
    def keys(self) -> TrustedKeys:
        return TrustedKeys(named=tuple(self.signer.verifier_key(name.origin) for name in self.batches))

    def batch_of(self, name: LogName, leaf_index: int) -> Batch:
        """Return the batch that holds a leaf."""
        return next(batch for batch in self.batches[name] if leaf_index < batch.tree_size)

    def write(self, name: LogName, count: int, *, ingested_at: int, state: LogState | None = None) -> Batch:
        """Append a batch of records, whose numbers are their leaves, where the log ends or to another state."""
        if state is None:
            state = open_log(self.engine, name, [self.signer.verifier_key(name.origin)], None)
        parts = ReferenceCodec(BUILT_IN_RULES).encode(request(name.stream, state.range.size, count), ingested_at)
        assert [part.stream for part in parts] == [name.stream]
        writer = LogWriter(self.engine, state, self.signer, lambda _: None, threading.Event())
        return writer.commit(parts)

    def leaf_hashes(self, name: LogName, batch: Batch) -> list[bytes]:
        """Return the leaf hashes that a batch brought."""
        fragments = read_fragments(self.engine, name.log_id, batch.first_leaf, batch.tree_size)
        mine = [fragment for fragment, batch_id in fragments if batch_id == batch.batch_id and fragment.level == 0]
        return split_hashes(b"".join(fragment.hashes for fragment in mine))

    def tamper(self, *statements: str) -> None:
        """Run SQL; every table whose name is in it is restored after the test."""
        for statement in statements:
            self._touched |= {table for table in TABLES if table in statement}
            mutation = statement.startswith("ALTER") and (" UPDATE " in statement or " DELETE " in statement)
            self.engine.execute(statement + (" SETTINGS mutations_sync = 2" if mutation else ""))

    def touch(self, *tables: str) -> None:
        """Have tables restored that a test changes otherwise."""
        self._touched |= set(tables)

    def keep(self) -> None:
        """Remember the tables as they are now."""
        for table in TABLES:
            self.engine.execute(f"OPTIMIZE TABLE {table} FINAL")  # few parts make for quick mutations
            self.engine.execute(f"CREATE TABLE pristine_{table} CLONE AS {table}")

    def restore(self) -> None:
        """Undo what tests did."""
        for table in self._touched:
            self.engine.execute(f"CREATE OR REPLACE TABLE {table} CLONE AS pristine_{table}")
        self._touched.clear()

    def findings(
        self, *checkpoints: str, since: int | None = None, until: int | None = None, keys: TrustedKeys | None = None
    ) -> list[Finding]:
        """Verify; checks on the way that the summary is right."""
        keys = keys or self.keys
        scope = Scope(since, until, tuple(check_checkpoint(note, keys) for note in checkpoints))
        steps = list(verify(self.engine, keys, scope))
        found = [step for step in steps if isinstance(step, Finding)]
        assert isinstance(steps[-1], Summary)
        assert steps[-1].findings == len(found)
        return found

    def only(self, *checkpoints: str, since: int | None = None, until: int | None = None) -> Finding:
        """Verify, and return the only finding."""
        found = self.findings(*checkpoints, since=since, until=until)
        assert len(found) == 1, found
        return found[0]


def write_store(engine: Engine) -> Store:
    """Write the store: two logs, over two days, a second between batches."""
    store = Store(engine, Signer.generate())
    for name, sizes in _SIZES.items():
        store.batches[name] = [
            store.write(name, size, ingested_at=(NEXT_DAY if number >= 4 else START) + number * SECOND)
            for number, size in enumerate(sizes)
        ]
    store.keep()
    return store


def row(name: LogName, leaf_index: int) -> str:
    """Return the SQL condition for one record."""
    return f"LogId = '{name.log_id}' AND LeafIndex = {leaf_index}"


def batch_row(batch: Batch) -> str:
    """Return the SQL condition for a batch's row."""
    return f"LogId = '{batch.log_id}' AND Sequence = {batch.sequence}"


def named(findings: Sequence[Finding]) -> list[tuple[FindingKind, UUID | None, int | None]]:
    """Return what findings name: kind, batch and leaf, in order of leaf."""
    return sorted(
        ((finding.kind, finding.batch_id, finding.leaf_index) for finding in findings),
        key=lambda named: (named[2] if named[2] is not None else -1, named[0].value, str(named[1])),
    )

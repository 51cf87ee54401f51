"""Making records, rows and pretended engines for tests of the pipeline."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.codec.audit.classify import AuditFields
from server.codec.commitments import NO_COMMITMENTS
from server.codec.decode_spans import decode_spans
from server.codec.encode import encode_records
from server.codec.encode_spans import encode_spans
from server.codec.provenance import Provenance
from server.codec.records import RecordColumns
from server.codec.rows import Rows
from server.notary.batch import Batch
from server.notary.merkle import CompactRange
from server.notary.origin import Stream
from storage.engine import EngineInfo, Pieces
from storage.errors import NotAppliedError
from storage.interrupt import Interrupt
from storage.rowbinary import uuid_bytes

NOW = 1_790_000_000 * 10**9
DAY = 86_400 * 10**9
EMPTY_AUDIT = AuditFields(*(b"" for _ in range(16)))


def records(count: int = 1, **columns: Any) -> RecordColumns:
    """Records that are empty but for some columns, each given as one value for all or as a list."""
    made = RecordColumns()
    for name in RecordColumns.__dataclass_fields__:
        if name in ("timestamp", "observed_timestamp", "flags", "trace_flags", "severity_number"):
            empty: object = 0
        elif name == "commitments":
            empty = NO_COMMITMENTS
        elif name == "dropped_attributes_count":
            empty = 0
        else:
            empty = () if name.endswith(("attributes", "repeated")) else b""
        value = columns.get("body" if name == "body_text" else name, empty)
        setattr(made, name, value if isinstance(value, list) else [value] * count)
    return made


def attributes(**values: str) -> tuple[tuple[bytes, bytes], ...]:
    """Sorted attributes; two underscores stand for a dot."""
    return tuple(sorted((key.replace("__", ".").encode(), value.encode()) for key, value in values.items()))


def rows(stream: Stream, *bodies: str, ingested_at: int = NOW, tenant: str = "") -> Rows:
    """Rows of a tenant's records that differ in their bodies, or of spans that differ in their names."""
    provenance = Provenance(tenant)
    if stream is Stream.SPANS:
        request = ExportTraceServiceRequest()
        spans = [Span(name=body, start_time_unix_nano=number) for number, body in enumerate(bodies)]
        request.resource_spans.add().scope_spans.add(spans=spans)
        return encode_spans(decode_spans(request.SerializeToString()), ingested_at, provenance=provenance)[0]
    made = records(len(bodies), body=[body.encode() for body in bodies], timestamp=list(range(len(bodies))))
    audit = [EMPTY_AUDIT if stream is Stream.AUDIT else None] * len(bodies)
    return encode_records(made, audit, ingested_at, provenance=provenance)[0]


def follows(batch: Batch, before: Batch | None) -> bool:
    """Return whether a batch extends the previous one, by number, size and root hash."""
    if before is None:
        return (batch.sequence, batch.first_leaf, batch.frontier) == (1, 0, b"")
    root = CompactRange.from_bytes(batch.first_leaf, batch.frontier).root()
    return (batch.sequence, batch.first_leaf, root) == (before.sequence + 1, before.tree_size, before.root_hash)


@dataclass
class PretendedEngine:
    """Keeps inserts in memory, once for each token, and fails as told.

    Attributes:
        failures: what the next inserts do: None succeeds, an error is raised; with ``applied`` the
            insert takes effect all the same.
        tables: table -> token -> block.
        refusing: tables that refuse every insert.
        attempts: (table, token) of every insert that was tried.
        lost: (table, token) whose rows are not stored, though the token is known.
        before_insert: called before each insert.
    """

    failures: list[tuple[Exception, bool] | None] = field(default_factory=list)
    tables: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refusing: set[str] = field(default_factory=set)
    attempts: list[tuple[str, str]] = field(default_factory=list)
    lost: set[tuple[str, str]] = field(default_factory=set)
    before_insert: Callable[[], object] = lambda: None
    info: EngineInfo = field(default_factory=lambda: EngineInfo("pretended", (26, 9), exclusive=True))

    def execute(self, statement: str, /) -> None:
        raise AssertionError(f"not expected: {statement}")

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        assert columns
        self.before_insert()
        self.attempts.append((table, token))
        if table in self.refusing:
            raise NotAppliedError("refused")
        failure = self.failures.pop(0) if self.failures else None
        if (failure is None or failure[1]) and (table, token) not in self.lost:
            self.tables.setdefault(table, {}).setdefault(token, block)
        if failure is not None:
            raise failure[0]

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        table = re.match(r"SELECT DISTINCT BatchId FROM (\w+) ", select)
        assert table is not None, f"not expected: {select}"
        assert parameters is not None
        stored = b"".join(self.tables.get(table[1], {}).values())
        packed = (uuid_bytes(UUID(batch)) for batch in parameters["batches"])
        return b"".join(batch for batch in packed if batch in stored)

    def query_in_pieces(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> Pieces:
        raise AssertionError(f"not expected: {select}")

    def interrupted_by(self, interrupt: Interrupt, /) -> AbstractContextManager[None]:
        return nullcontext()  # nothing takes long

    def close(self) -> None:
        """Nothing is held."""

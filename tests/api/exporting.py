"""Exports of a store, their rows, and what ``check.py`` says of them; and the records that tests export."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from lognotary.v1.export_pb2 import ExportRequest, ExportSummary
from server import check
from server.api.correlation import search_records
from server.api.export import EXPORT_LIMITS, export_records
from server.query.limits import QueryLimits
from storage.interrupt import Interrupt
from tests.api.store import START, Writer, audit_event, log_record, span

DAY = 86_400 * 10**9
HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "'=1", 'a "b", c\r\nd', "\x00 zero", "✓ Ünï")  # noqa: RUF001


def write_records(writer: Writer) -> None:
    """Write records of both streams in several batches, one without a time, and texts that formats have to escape."""
    writer.write([audit_event("user.create"), log_record("Order 17 paid", at=1, **{"http.status_code": "200"})])
    writer.write([log_record(text, at=2, key=text, **{"": "empty key"}) for text in HOSTILE])
    writer.write([audit_event("login", actor="=bob", at=DAY, outcome="failure"), log_record("late", at=DAY)])
    without_time = log_record("no time")
    without_time.time_unix_nano = 0
    writer.write_spans([span("GET /orders", at=5), _rich_span(), span("late", at=DAY, failed=True)])
    writer.write([without_time, *(log_record(f"many {number}", at=3 * DAY + number % 7) for number in range(300))])


def _rich_span() -> Span:
    """Return a span with events and links, one of them without attributes, and texts that formats have to escape."""
    found = span("=SUM(A1)", at=7)
    found.trace_state = "vendor=1"
    event = Span.Event(time_unix_nano=START + 8, name='a "b", c', attributes=[_text("=key", "ä"), _text("=key", "=2")])
    found.events.extend([event, Span.Event(time_unix_nano=START + 9, name="-1")])
    found.links.extend([Span.Link(trace_id=b"\x02" * 16, span_id=b"\x03" * 8, attributes=[_text("a", "b")])])
    return found


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def export(
    writer: Writer, query: str = "", *, limits: QueryLimits = EXPORT_LIMITS, **request: Any
) -> tuple[bytes, ExportSummary]:
    """Export, and return the file and the end."""
    steps = list(
        export_records(
            writer.engine,
            writer.keys,
            ExportRequest(query=query, **request),
            Interrupt(),
            lambda: writer.signer.ed25519,
            limits,
        )
    )
    assert [step.WhichOneof("step") for step in steps].count("summary") == 1
    return b"".join(step.content for step in steps), steps[-1].summary


def rows_of(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def checked(writer: Writer, content: bytes, manifest: str, directory: Path) -> Mapping[str, tuple[bool, str]]:
    """Check an export as ``check.py`` does; step -> result."""
    (directory / "file").write_bytes(content)
    (directory / "manifest").write_text(manifest, encoding="utf-8")
    keys = [check.Key("", check.ED25519, writer.signer.ed25519.public_key)]
    report = check.check_export(directory / "file", directory / "manifest", keys)
    return {step.name: (step.holds, step.says) for step in report.steps}


def searched(writer: Writer, query: str, **request: Any) -> set[tuple[str, int, str]]:
    """Return log, leaf and entry of the verified records of all pages of a search."""
    found = set()
    wanted = pb.SearchRequest(query=query, page_size=50, **request)
    while True:
        page = search_records(writer.engine, writer.keys, wanted)
        for entry in page.entries:
            evidence = getattr(entry, entry.WhichOneof("entry")).evidence
            if evidence.state == evidence_pb2.VERIFIED:
                found.add((evidence.origin, evidence.leaf_index, evidence.record_hash))
        wanted.page_token = page.next_page_token
        if not page.next_page_token:
            return found

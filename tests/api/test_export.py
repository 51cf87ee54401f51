"""Exports, with both engines: the rows of a search, in every format, with a manifest that can be checked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from lognotary.v1.export_pb2 import ExportRequest, ExportSummary
from server import check
from server.api.correlation import search_records
from server.api.errors import InvalidArgumentError
from server.api.export import EXPORT_LIMITS, export_records
from server.log.journal import Journal
from server.notary.export_manifest import open_manifest
from server.notary.origin import Stream
from server.notary.signers import Signer
from server.query import export as export_module
from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from storage.engine import Engine
from storage.interrupt import Interrupt, InterruptedQueryError
from tests.api.growing import GrowingLog, insert_copy
from tests.api.store import LOGS, START, Writer, audit_event, log_record, moment, span
from tests.query.ocsf_schema import problems

DAY = 86_400 * 10**9
HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "'=1", 'a "b", c\r\nd', "\x00 zero", "✓ Ünï")  # noqa: RUF001


@pytest.fixture(scope="module")
def records(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """Records of both streams in several batches, one without a time, and texts that formats have to escape."""
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        writer = Writer(module_engine, journal)
        writer.write([audit_event("user.create"), log_record("Order 17 paid", at=1, **{"http.status_code": "200"})])
        writer.write([log_record(text, at=2, key=text, **{"": "empty key"}) for text in HOSTILE])
        writer.write([audit_event("login", actor="=bob", at=DAY, outcome="failure"), log_record("late", at=DAY)])
        without_time = log_record("no time")
        without_time.time_unix_nano = 0
        writer.write_spans([span("GET /orders", at=5), _rich_span(), span("late", at=DAY, failed=True)])
        writer.write([without_time, *(log_record(f"many {number}", at=3 * DAY + number % 7) for number in range(300))])
        yield writer


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


@pytest.mark.parametrize(
    ("query", "request_"),
    [
        ("", {}),
        ("many", {}),
        ("actor:alice", {}),
        ("-actor:alice", {}),
        ("late", {"streams": ["operational"]}),
        ("", {"since": moment(2), "until": moment(DAY)}),
        ("evidence:verified paid", {}),
        ("trace:ffffffffffffffffffffffffffffffff", {}),
        ("", {"streams": ["spans"]}),
        ("late", {"streams": ["spans", "operational"]}),
        ("status:Error", {"streams": ["spans"]}),
    ],
)
def test_an_export_has_the_records_of_all_pages_of_a_search(
    records: Writer, query: str, request_: dict[str, Any], tmp_path: Path
) -> None:
    content, end = export(records, query, **request_)
    rows = rows_of(content)
    assert {(row["Origin"], row["LeafIndex"], row["Entry"]) for row in rows} == searched(records, query, **request_)
    assert [(row["Origin"], row["LeafIndex"]) for row in rows] == sorted((r["Origin"], r["LeafIndex"]) for r in rows)
    assert (end.records, end.size, end.tampered, end.unsigned, end.later) == (len(rows), len(content), 0, 0, 0)
    assert export(records, query, **request_)[0] == content
    steps = checked(records, content, end.manifest, tmp_path)
    assert all(holds for holds, _ in steps.values()), steps
    assert f"the SHA-256 of {len(rows)} was computed" in steps["rows"][1]


WORDS = ("many", "late", "paid", "alice", "1", "7", "order")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    operator=st.sampled_from((" ", " OR ", " -")),
    most=st.integers(3, 40),
)
def test_parts_of_any_size_give_each_record_once(
    records: Writer, monkeypatch: pytest.MonkeyPatch, words: list[str], operator: str, most: int
) -> None:
    query = operator.join(words)
    monkeypatch.setattr(export_module, "_FIRST_ROWS", most)
    monkeypatch.setattr(export_module, "_MOST_ROWS", most)
    content, _ = export(records, query)
    found = [(row["Origin"], row["LeafIndex"], row["Entry"]) for row in rows_of(content)]
    assert len(found) == len(set(found))
    assert set(found) == searched(records, query)


def test_csv_has_all_columns_and_no_formula(records: Writer, tmp_path: Path) -> None:
    content, end = export(records, format="csv")
    [header, *rows] = csv.reader(io.StringIO(content.decode(), newline=""))
    assert header[:5] == ["Origin", "LeafIndex", "Entry", "BatchId", "CanonicalVersion"]
    assert len(rows) == end.records == len(rows_of(export(records)[0]))
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "＝")]  # noqa: RUF001
    bodies = {row[header.index("Body")] for row in rows}
    assert {text if text[0] in "a\x00✓" else f"'{text}" for text in HOSTILE} <= bodies
    assert "'=bob" in {row[header.index("ActorId")] for row in rows}
    holds, says = checked(records, content, end.manifest, tmp_path)["rows"]
    assert holds, says
    assert f"the SHA-256 of {end.records} was computed" in says


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_parquet_and_arrow_have_the_values_of_ndjson(records: Writer, kind: str, tmp_path: Path) -> None:
    content, end = export(records, format=kind)
    table = pq.read_table(io.BytesIO(content)) if kind == "parquet" else pa.ipc.open_stream(content).read_all()
    rows = rows_of(export(records)[0])
    assert table.num_rows == len(rows) == end.records
    for name in ("Origin", "LeafIndex", "Entry", "BatchId", "Body", "SeverityNumber"):
        assert table.column(name).to_pylist() == [row[name] for row in rows]
    attributes = [dict(pairs) for pairs in table.column("LogAttributes").to_pylist()]
    assert attributes == [row["LogAttributes"] for row in rows]
    assert table.column("ActorId").to_pylist() == [row.get("ActorId") for row in rows]
    assert str(table.schema.field("Timestamp").type) == "timestamp[ns, tz=UTC]"
    assert all(holds for holds, _ in checked(records, content, end.manifest, tmp_path).values())


def test_spans_have_their_events_and_links_in_every_format(records: Writer, tmp_path: Path) -> None:
    content, _ = export(records, 'name:"=SUM(A1)"', streams=["spans"])
    [row] = rows_of(content)
    assert row["Events.Timestamp"] == ["2025-06-15T15:06:40.000000008Z", "2025-06-15T15:06:40.000000009Z"]
    assert row["Events.Name"] == ['a "b", c', "-1"]
    assert row["Events.Attributes"] == [[["=key", "=2"], ["=key", "ä"]], {}]
    assert (row["Links.TraceId"], row["Links.Attributes"]) == (["02" * 16], [{"a": "b"}])
    assert (row["Duration"], row["StatusCode"]) == (5, "Ok")
    for kind in ("parquet", "arrow", "csv"):
        content, end = export(records, streams=["spans"], format=kind)
        assert end.records == 3
        steps = checked(records, content, end.manifest, tmp_path)
        assert all(holds for holds, _ in steps.values()), steps
        if kind == "csv":
            assert "the SHA-256 of 3 was computed" in steps["rows"][1]
            continue
        table = pq.read_table(io.BytesIO(content)) if kind == "parquet" else pa.ipc.open_stream(content).read_all()
        assert table.column("Events.Name").to_pylist()[1] == row["Events.Name"]
        assert table.column("Links.Attributes").to_pylist()[1] == [[("a", "b")]]
        assert str(table.schema.field("Events.Timestamp").type) == "list<item: timestamp[ns, tz=UTC]>".replace(
            "item", table.schema.field("Events.Timestamp").type.value_field.name
        )


def test_ocsf_has_the_audit_records_as_events(records: Writer, tmp_path: Path) -> None:
    content, end = export(records, format="ocsf")
    events = rows_of(content)
    assert [(event["class_name"], event["activity_name"], event["status"]) for event in events] == [
        ("User Management", "Create", "Success"),
        ("Authentication", "Logon", "Failure"),
    ]
    assert [problem for event in events for problem in problems(event)] == []
    rows = rows_of(export(records, streams=["audit"])[0])
    assert [event["unmapped"]["lognotary"] for event in events] == rows
    said = open_manifest(end.manifest, [records.signer.ed25519.public_key])
    assert (said["Format"], said["Streams"], said["Records"]) == ("ocsf", ["audit"], 2)
    steps = checked(records, content, end.manifest, tmp_path)
    assert all(holds for holds, _ in steps.values()), steps
    assert "the SHA-256 of 2 was computed" in steps["rows"][1]
    assert export(records, format="ocsf", streams=["audit"])[0] == content


def test_a_format_may_have_another_name(records: Writer) -> None:
    content, end = export(records, "late", format="jsonl")
    assert content == export(records, "late", format="ndjson")[0]
    assert open_manifest(end.manifest, [records.signer.ed25519.public_key])["Format"] == "ndjson"


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet", "arrow", "ocsf"])
def test_an_export_of_nothing_is_a_valid_file(records: Writer, kind: str, tmp_path: Path) -> None:
    content, end = export(records, "nothinglikethis", format=kind)
    assert end.records == 0
    assert all(holds for holds, _ in checked(records, content, end.manifest, tmp_path).values())


def test_columns_can_be_selected(records: Writer, tmp_path: Path) -> None:
    content, end = export(records, "late", columns=["Body", "ActorId"])
    assert [list(row) for row in rows_of(content)] == [
        ["Origin", "LeafIndex", "Entry", "BatchId", "CanonicalVersion", "Body"]
    ]
    steps = checked(records, content, end.manifest, tmp_path)
    assert steps["rows"][0]
    assert "the SHA-256 of 0 was computed" in steps["rows"][1]


def test_a_manifest_says_what_was_exported(records: Writer) -> None:
    _, end = export(records, "actor:alice", since=moment(0), streams=["audit"], format="csv")
    said = open_manifest(end.manifest, [records.signer.ed25519.public_key])
    assert (said["Query"], said["Streams"], said["Format"], said["Records"]) == ("actor:alice", ["audit"], "csv", 1)
    assert (said["Since"], said["Until"]) == ("2025-06-15T15:06:40.000000000Z", None)
    assert said["SHA256"] == end.sha256.hex()
    [log] = said["Logs"]
    assert (log["Origin"], log["Records"], log["FirstLeaf"], log["EndLeaf"]) == ("shop/audit/node-1", 1, 0, 1)


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda content, note: (content.replace(b"late", b"Late"), note), "file rows"),
        (lambda content, note: (content + content, note), "file rows"),
        (lambda content, note: (content, note.replace('"Query": "late"', '"Query": "lace"')), "signature"),
        (lambda content, note: (content, note.replace("lognotary/export/v1", "lognotary/export/v2")), "manifest"),
    ],
)
def test_what_was_changed_is_told(
    records: Writer, change: Callable[[bytes, str], tuple[bytes, str]], step: str, tmp_path: Path
) -> None:
    content, end = export(records, "late")
    changed, manifest = change(content, end.manifest)
    steps = checked(records, changed, manifest, tmp_path)
    assert " ".join(name for name, (holds, _) in steps.items() if not holds) == step


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(("ndjson", "csv", "ocsf")), in_file=st.booleans(), data=st.data())
def test_no_change_is_accepted_and_none_breaks_the_check(
    records: Writer, kind: str, in_file: bool, data: st.DataObject, tmp_path: Path
) -> None:
    content, end = export(records, "action:login" if kind == "ocsf" else "late", format=kind)
    parts = [content, end.manifest.encode()]
    whole = parts[not in_file]
    place = data.draw(st.integers(0, len(whole) - 1))
    end_at = data.draw(st.integers(place, min(len(whole), place + 8)))
    changed = whole[:place] + data.draw(st.binary(max_size=8)) + whole[end_at:]
    assume(changed != whole)
    parts[not in_file] = changed
    (tmp_path / "file").write_bytes(parts[0])
    (tmp_path / "manifest").write_bytes(parts[1])
    keys = [check.Key("", check.ED25519, records.signer.ed25519.public_key)]
    assert not check.check_export(tmp_path / "file", tmp_path / "manifest", keys).holds


def test_a_checkpoint_by_an_unknown_key_is_told(records: Writer, tmp_path: Path) -> None:
    """The manifest of a server whose key signs none of the logs, as after a rotation."""
    other = Signer.generate()
    request = ExportRequest(query="late")
    steps = list(export_records(records.engine, records.keys, request, Interrupt(), lambda: other.ed25519))
    (tmp_path / "file").write_bytes(b"".join(step.content for step in steps))
    (tmp_path / "manifest").write_text(steps[-1].summary.manifest, encoding="utf-8")
    keys = [check.Key("", check.ED25519, other.ed25519.public_key)]
    report = check.check_export(tmp_path / "file", tmp_path / "manifest", keys)
    assert report.holds
    assert [text.partition(",")[0] for text in report.not_checked] == [
        "the checkpoint of shop/audit/node-1",
        "the checkpoint of shop/operational/node-1",
    ]


def test_a_manifest_is_no_checkpoint_and_a_checkpoint_no_manifest(records: Writer, tmp_path: Path) -> None:
    content, end = export(records, "late")
    with pytest.raises(check.RefusedError, match="not a signed checkpoint"):
        check._parse_checkpoint(end.manifest, "it")
    said = open_manifest(end.manifest, [records.signer.ed25519.public_key])
    steps = checked(records, content, said["Logs"][0]["Checkpoint"], tmp_path)
    why = "the manifest is not a signed note lognotary/export/v1: the file comes first, then its manifest"
    assert steps == {"manifest": (False, why)}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"query": "evidence:tampered"}, "query: an export has verified records only"),
        ({"format": "cvs"}, "format: 'cvs' is not ndjson, csv, parquet, arrow or ocsf; did you mean 'csv'?"),
        ({"format": "ocsf", "streams": ["operational"]}, "streams: OCSF is for audit events: ask for the stream audit"),
        ({"format": "ocsf", "streams": ["audit", "spans"]}, "streams: OCSF is for audit events"),
        ({"format": "ocsf", "streams": ["audits"]}, "streams: 'audits' is not audit, operational or spans"),
        ({"format": "ocsf", "columns": ["Body"]}, "columns: an OCSF event has the whole record"),
        ({"columns": ["ActorId"], "streams": ["operational"]}, "columns: there is no column 'ActorId' in these"),
        ({"columns": ["Bodi"]}, "did you mean 'Body'?"),
        ({"query": "x AND"}, "query: column 6"),
    ],
)
def test_a_wrong_export_is_refused(records: Writer, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        export(records, **request_)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("limits", "message"), [(QueryLimits(rows=2), "more than 2 rows"), (QueryLimits(seconds=0), "longer than 0 s")]
)
def test_an_export_that_reaches_a_limit_says_which(records: Writer, limits: QueryLimits, message: str) -> None:
    with pytest.raises(QueryTooExpensiveError, match=message):
        export(records, limits=limits)


def test_an_interrupted_export_ends(records: Writer) -> None:
    interrupt = Interrupt()
    steps = export_records(records.engine, records.keys, ExportRequest(), interrupt)
    next(steps)
    interrupt.set()
    with pytest.raises(InterruptedQueryError):
        next(steps)


def test_rows_that_are_not_what_was_signed_are_counted_and_left_out(writer: Writer, tmp_path: Path) -> None:
    writer.write([log_record(f"line {number}", at=number) for number in range(5)])
    log_id = LOGS[next(stream for stream in LOGS if stream.value == "operational")].log_id
    altered = "SELECT * REPLACE ({} AS {}) FROM (SELECT * FROM otel_logs WHERE Body = '{}' LIMIT 1)"
    for value, column, body in (
        ("'line 9'", "Body", "line 1"),  # another content, beside the true one
        ("''", "LogId", "line 2"),  # in no log
        ("toUInt64(70)", "LeafIndex", "line 3"),  # beyond the checkpoint
        ("Body", "Body", "line 4"),  # a copy
    ):
        writer.engine.execute(f"INSERT INTO otel_logs {altered.format(value, column, body)}")
    writer.engine.execute(f"INSERT INTO otel_logs {altered.format(repr('line 8'), 'Body', 'line 4')}")
    content, end = export(writer)
    rows = rows_of(content)
    assert [(row["LeafIndex"], row["Body"]) for row in rows] == [(number, f"line {number}") for number in range(5)]
    assert (end.tampered, end.unsigned, end.later) == (3, 1, 1)
    said = open_manifest(end.manifest, [writer.signer.ed25519.public_key])
    assert said["LeftOut"] == {"Tampered": 3, "Unsigned": 1, "Later": 1}
    assert log_id not in content.decode()
    assert all(holds for holds, _ in checked(writer, content, end.manifest, tmp_path).values())


def test_records_that_arrive_meanwhile_are_not_in_an_export(writer: Writer) -> None:
    writer.write([log_record("before", at=START % 7)])
    steps = export_records(writer.engine, writer.keys, ExportRequest(), Interrupt())
    first = next(steps)
    writer.write([log_record("after")])
    assert [row["Body"] for row in rows_of(b"".join(step.content for step in steps))] == ["before"]
    assert first.progress.total_records == 1


@pytest.mark.parametrize("is_signed", [True, False])
def test_inserted_batches_cut_no_export_short(writer: Writer, is_signed: bool) -> None:
    writer.keep_running()
    (old,) = writer.write([log_record("one")]).values()
    writer.write([log_record("two")])
    if is_signed:
        insert_copy(writer.engine, old, sequence=1 << 60)
    else:
        GrowingLog(writer.engine, name=LOGS[Stream.OPERATIONAL]).grow(50, 50, 50)
    content, end = export(writer)
    assert [row["Body"] for row in rows_of(content)] == ["one", "two"]
    assert (end.tampered, end.unsigned, end.later) == (0, 0, 0)

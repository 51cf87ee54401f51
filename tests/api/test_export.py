"""Exports, with both engines: the rows of a search, in every format, with a manifest that can be checked."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lognotary.v1.export_pb2 import ExportRequest
from server.api.errors import InvalidArgumentError
from server.api.export import export_records
from server.notary.export_manifest import open_manifest
from server.notary.origin import Stream
from server.query import export as export_module
from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from storage.interrupt import Interrupt, InterruptedQueryError
from tests.api.growing import GrowingLog, insert_copy
from tests.api.store import LOGS, START, Writer, log_record, moment
from tests.query.ocsf_schema import problems

from .exporting import DAY, HOSTILE, checked, export, rows_of, searched


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
    expected = {text if text[0] in "a\x00✓" else f"'{text}" for text in HOSTILE} - {"'\t=1"}
    assert expected | {"'\t'=1"} <= bodies
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

"""Answers as CSV."""

from __future__ import annotations

import csv
import io
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import counts_pb2 as counts
from lognotary.v1 import evidence_pb2
from server.commands.output import say_csv
from server.commands.tables import (
    Table,
    entries_of_events,
    entries_table,
    facets_table,
    histogram_table,
    names_table,
    traces_table,
)
from server.query.csv_cells import csv_text, safe_cell

SECOND = 1_795_824_000  # 2026-11-28T00:00:00Z
VERIFIED = evidence_pb2.Evidence(state=evidence_pb2.VERIFIED, log_id="0f" * 8, origin="shop/audit/a", leaf_index=7)


def event(**fields: str) -> pb.Record:
    return pb.Record(
        timestamp={"seconds": SECOND, "nanos": 5},
        body="done",
        service_name="shop",
        log_attributes={"b": "2", "a": "1"},
        audit=pb.AuditEvent(actor_id="alice", action="login", outcome="success", **fields),
        evidence=VERIFIED,
    )


def rows(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(table.lines()), newline="")))


def test_records_and_spans_are_rows_of_one_table() -> None:
    span = pb.Span(span_id="ab", name="GET /", status_code="Error", duration_nanos=17, attributes={"k": "v"})
    entries = [
        pb.TimelineEntry(timestamp={"seconds": SECOND}, log=pb.Record(body="paid", severity_number=17)),
        pb.TimelineEntry(timestamp={"seconds": SECOND + 1}, span=span),
    ]
    first, log, second = rows(entries_table([*entries_of_events([event()]), *entries]))
    assert list(first) == list(log) == list(second)
    assert {name: value for name, value in first.items() if value} == {
        "timestamp": "2026-11-28T00:00:00.000000005Z",
        "stream": "audit",
        "service": "shop",
        "body": "done",
        "actor": "alice",
        "action": "login",
        "outcome": "success",
        "evidence": "verified",
        "log": "shop/audit/a",
        "leaf": "7",
        "attributes": '{"a":"1","b":"2"}',
    }
    assert (log["stream"], log["severity"], log["body"]) == ("operational", "ERROR", "paid")
    assert (second["stream"], second["name"], second["status"], second["duration"]) == ("spans", "GET /", "Error", "17")
    assert (second["evidence"], second["leaf"], second["attributes"]) == ("", "", '{"k":"v"}')


def test_a_record_that_was_sent_without_a_time_has_the_time_of_receipt() -> None:
    record = event()
    record.ClearField("timestamp")
    record.ingested_at.seconds = SECOND
    (row,) = rows(entries_table(entries_of_events([record])))
    assert row["timestamp"] == "2026-11-28T00:00:00.000000000Z"


def test_traces_histograms_and_facets_are_tables() -> None:
    trace = pb.TraceSummary(trace_id="ab", services=["a", "b"], error_count=2)
    trace.match.audit_event.CopyFrom(event())
    (row,) = rows(traces_table([trace]))
    assert (row["trace"], row["services"], row["errors"], row["log"], row["leaf"]) == (
        "ab",
        "a, b",
        "2",
        "shop/audit/a",
        "7",
    )
    buckets = [{"start": {"seconds": 60 * n}, "end": {"seconds": 60 * n + 60}, "count": 3} for n in range(2)]
    found = counts.HistogramResponse(buckets=buckets)
    assert rows(histogram_table(found, ""))[1] == {
        "start": "1970-01-01T00:01:00.000000000Z",
        "end": "1970-01-01T00:02:00.000000000Z",
        "count": "3",
    }
    found.groups.extend([counts.HistogramGroup(value="shop"), counts.HistogramGroup(is_other=True)])
    for bucket in found.buckets:
        bucket.group_counts.extend([2, 1])
    split = [(row["group"], row["is_other"], row["count"]) for row in rows(histogram_table(found, "service"))]
    assert split == [("shop", "false", "2"), ("", "true", "1")] * 2
    facet = counts.Facet(field="actor", values=[{"value": "bob", "count": 5}], other_values=2, other_count=3)
    facet.missing_count = 4
    listed = rows(facets_table(counts.FacetsResponse(facets=[facet])))
    assert [tuple(row.values()) for row in listed] == [
        ("actor", "bob", "false", "5"),
        ("actor", "", "true", "3"),
        ("actor", "", "false", "4"),
    ]
    names = counts.FieldNamesResponse(fields=["host"], attributes=[counts.AttributeName(name="k.v", count=2)])
    assert [tuple(row.values()) for row in rows(names_table(names))] == [("host", ""), ("k.v", "2")]


def test_no_cell_is_a_formula_and_lines_end_as_the_standard_says(capsys: pytest.CaptureFixture[str]) -> None:
    say_csv([["=1+1", "-2", -2], ['a "b"', "two\nlines", 7], ["@x", "x=1", 0]])
    expected = '\'=1+1,\'-2,-2\r\n"a ""b""","two\nlines",7\r\n\'@x,x=1,0\r\n'
    assert capsys.readouterr().out == expected


def test_texts_on_a_terminal_are_visible(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    say_csv([["a\x1b[2Jb", 1]])
    assert capsys.readouterr().out == "a\\x1b[2Jb,1\r\n"


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), min_size=1))
def test_what_is_read_back_is_what_was_written(table: list[list[str]]) -> None:
    written = csv_text([safe_cell(cell) for cell in row] for row in table)
    read = list(csv.reader(io.StringIO(written, newline="")))
    assert [[re.sub(r"(\A|[;\t\r\n])'", r"\1", cell) for cell in row] for row in read] == table
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for row in read for cell in row)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("x;=1+1", "x;'=1+1"),
        ("x\t-1;@a", "x\t'-1;'@a"),
        ("x\r\n ＝1", "x\r'\n' ＝1"),  # noqa: RUF001
        ("\ufeff=1", "'\ufeff=1"),
        ("x;\u200b\u00a0 +1", "x;'\u200b\u00a0 +1"),
        ("\ufeff\u200b\u00a0 \u2066@a", "'\ufeff\u200b\u00a0 \u2066@a"),
        ("\x00=1", "'\x00=1"),
        ("; ;=1", ";' ;'=1"),
        (";'", ";''"),
        ("'", "''"),
        ("; '", "; '"),
        (" a; b-c=d\n e, =f", " a; b-c=d\n e, =f"),
    ],
)
def test_a_formula_has_an_apostrophe_before_it_wherever_a_spreadsheet_may_begin_a_cell(text: str, cell: str) -> None:
    assert safe_cell(text) == cell
    assert re.sub(r"(\A|[;\t\r\n])'", r"\1", cell) == text


@given(st.text(st.sampled_from("=-@'; \t\r\n\ufeff\u200b\u00a0ax,\""), max_size=12))
def test_apostrophes_can_be_removed_again(text: str) -> None:
    cell = safe_cell(text)
    assert re.sub(r"(\A|[;\t\r\n])'", r"\1", cell) == text
    assert not re.search(r"(\A|[;\t\r\n])[\s\ufeff\u200b]*[=@-]", cell)


@pytest.mark.parametrize("text", ["\t" * 200_000, "; " * 100_000 + "x", "'" * 200_000])
def test_long_runs_of_blanks_are_read_once(text: str) -> None:
    assert len(safe_cell(text)) <= len(text) + 1  # quadratic time would take minutes


def test_all_that_says_who_did_what_has_a_column_and_repeated_attributes_are_lists() -> None:
    found = event(
        actor_name="Alice", effective_actor_id="root", session_id="s", source_host="web-1", description="a login"
    )
    found.audit.MergeFrom(
        pb.AuditEvent(actor_type="user", target_type="host", source_type="ip", rule="sshd", record_id="r")
    )
    found.resource_attributes["host"] = "b"
    for place, key, values in (("log", "a", ["2", "1"]), ("resource", "host", ["a", "b"])):
        found.repeated_attributes.add(place=place, key=key, values=values)
    (row,) = rows(entries_table(entries_of_events([found])))
    columns = ("actor_name", "effective_actor", "session", "host", "description")
    assert [row[name] for name in columns] == ["Alice", "root", "s", "web-1", "a login"]
    others = ("actor_type", "target_type", "source_type", "rule", "record")
    assert [row[name] for name in others] == ["user", "host", "ip", "sshd", "r"]
    assert (row["attributes"], row["resource_attributes"]) == ('{"a":["2","1"],"b":"2"}', '{"host":["a","b"]}')
    span = pb.Span(attributes={"k": "1"}, repeated_attributes=[{"place": "span", "key": "k", "values": ["2", "1"]}])
    (row,) = rows(entries_table([pb.TimelineEntry(span=span)]))
    assert row["attributes"] == '{"k":["2","1"]}'

"""Traces in which matching records happened, with both engines."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api.correlation import get_trace, search_records
from server.api.errors import InvalidArgumentError
from server.api.trace_search import search_traces
from server.log.journal import Journal
from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from server.query.side_by_side import SideBySide
from storage.engine import Engine
from tests.api.store import START, Writer, audit_event, log_record, span

DAY = 86_400 * 10**9
PAID, REFUSED, LATE, ALONE = (f"{number:032x}" for number in (1, 2, 3, 4))


@pytest.fixture(scope="module")
def records(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """Four traces, and a record of none."""
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        writer = Writer(module_engine, journal)
        writer.write(
            [
                audit_event("order.place", at=0, trace=PAID),
                log_record("order 17 paid", at=5, trace=PAID),
                audit_event("order.place", at=10, trace=REFUSED),
                severe("card refused", 13, at=20, trace=REFUSED),
                severe("payment failed", 17, at=2_000, trace=REFUSED),
                audit_event("order.cancel", at=DAY, trace=LATE, outcome="failure"),
                log_record("order 18 cancelled", at=DAY + 1, trace=LATE),
                audit_event("login", at=2 * DAY, trace=ALONE, actor="bob"),
                log_record("order of nobody", at=3 * DAY, trace=""),
            ]
        )
        writer.write([log_record("order 17 delivered", at=7, trace=PAID)], service="crm")
        yield writer


def severe(body: str, severity: int, *, at: int, trace: str) -> LogRecord:
    record = log_record(body, at=at, trace=trace)
    record.severity_number = severity  # type: ignore[assignment]
    return record


def find(writer: Writer, query: str = "", **request: Any) -> pb.FindTracesResponse:
    return search_traces(writer.engine, writer.keys, SideBySide(2), pb.FindTracesRequest(query=query, **request))


def ids(response: pb.FindTracesResponse) -> list[str]:
    return [trace.trace_id for trace in response.traces]


def test_a_trace_is_found_by_any_of_its_records_with_a_summary_of_the_whole(records: Writer) -> None:
    (found,) = find(records, "paid").traces
    assert (found.trace_id, list(found.services), list(found.actors)) == (PAID, ["crm", "shop"], ["alice"])
    assert (found.first.ToNanoseconds() - START, found.duration_nanos) == (0, 7)
    assert (found.last.ToNanoseconds() - START) == 7
    assert (found.audit_event_count, found.log_count, found.span_count, found.error_count) == (1, 2, 0, 0)
    assert found.match.log.body == "order 17 paid"
    assert found.match.log.evidence.state == evidence_pb2.VERIFIED


@pytest.mark.parametrize(
    ("query", "request_", "expected"),
    [
        ("", {}, [ALONE, LATE, REFUSED, PAID]),
        ("actor:alice", {}, [LATE, REFUSED, PAID]),
        ("order -action:*", {}, [LATE, PAID]),
        ("actor:alice", {"with_errors": True}, [LATE, REFUSED]),
        ("refused", {"with_errors": True}, [REFUSED]),
        ("", {"min_duration_nanos": 7}, [REFUSED, PAID]),
        ("", {"min_duration_nanos": 8}, [REFUSED]),
        ("paid", {"streams": ["audit"]}, []),
        ("paid OR actor:bob", {"streams": ["audit"]}, [ALONE]),
        (f"trace:{PAID}", {}, [PAID]),
        (f"trace:{PAID} nothing", {}, []),
        ("", {"since": Timestamp(seconds=START // 10**9 + 1)}, [ALONE, LATE]),
        ("", {"until": Timestamp(seconds=START // 10**9 + 1)}, [REFUSED, PAID]),
    ],
    ids=str,
)
def test_traces_come_by_their_latest_matching_record(
    records: Writer, query: str, request_: dict[str, Any], expected: list[str]
) -> None:
    whole = find(records, query, **request_)
    assert ids(whole) == expected
    assert not whole.next_page_token
    paged: list[str] = []
    token = ""
    while True:
        page = find(records, query, page_size=1, page_token=token, **request_)
        paged += ids(page)
        token = page.next_page_token
        if not token:
            break
    assert paged == expected


def test_a_summary_agrees_with_the_trace_itself(records: Writer) -> None:
    for found in find(records).traces:
        trace = get_trace(records.engine, records.keys, SideBySide(4), pb.GetTraceRequest(trace_id=found.trace_id))
        times = [entry.timestamp.ToNanoseconds() for entry in trace.entries]
        assert (found.first.ToNanoseconds(), found.last.ToNanoseconds()) == (min(times), max(times))
        assert (found.audit_event_count, found.log_count) == (trace.audit_event_count, trace.log_count)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"query": "actr:x"}, "query: column 1: there is no field 'actr'"),
        ({"query": "evidence:verified"}, "query: traces are not found by evidence"),
        ({"page_token": "x"}, "page token"),
        (
            {"query": "status:Error"},
            r"query: only spans have the fields of this query: name spans in streams \(--stream spans\)",
        ),
        (
            {"query": "severity:error", "streams": ["spans"]},
            "query: only audit events and logs have the fields of this query: name audit or operational in streams",
        ),
        ({"streams": ["x"]}, "streams: 'x' is not"),
    ],
    ids=str,
)
def test_a_search_that_cannot_be_made_is_refused(records: Writer, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        find(records, **request_)


def test_a_page_token_of_another_search_is_refused(records: Writer) -> None:
    token = find(records, page_size=1).next_page_token
    for other in ({"query": "order"}, {"with_errors": True}, {"streams": ["audit"]}, {"min_duration_nanos": 1}):
        with pytest.raises(InvalidArgumentError, match="belongs to another search"):
            find(records, page_token=token, **other)


def test_a_limit_that_is_reached_is_named(records: Writer) -> None:
    with pytest.raises(QueryTooExpensiveError, match="the query reads more than 1 rows"):
        search_traces(records.engine, records.keys, SideBySide(2), pb.FindTracesRequest(), QueryLimits(rows=1))


def test_pages_have_each_trace_once_and_in_its_place_while_records_arrive(engine: Engine, journal: Journal) -> None:
    """Traces are what the pages of a search have, each at its first record there."""
    chosen = random.Random(11)
    writer = Writer(engine, journal)
    numbers = count()

    def write(records: int, received: int) -> None:
        made = []
        for number in (next(numbers) for _ in range(records)):
            at = chosen.choice([0, 1, 2, 5, 60 * 10**9, DAY, 90 * DAY])
            trace = f"{chosen.randrange(1, 16):032x}" if number % 5 else ""
            word = chosen.choice(["red", "blue"])
            made.append(log_record(word, at=at, trace=trace) if number % 3 else audit_event(word, at=at, trace=trace))
        writer.write(made, received=received)

    write(60, START)
    expected: list[str] = []
    for entry in search_records(writer.engine, writer.keys, pb.SearchRequest(query="red", page_size=1000)).entries:
        trace = getattr(entry, entry.WhichOneof("entry")).trace_id
        if trace and trace not in expected:
            expected.append(trace)
    found: list[str] = []
    token = ""
    while True:
        page = find(writer, "red", page_size=2, page_token=token)
        found += ids(page)
        token = page.next_page_token
        if not token:
            break
        # A record received after the first page was made; the page's time is from this process's clock.
        write(6, 4_000_000_000 * 10**9)
    assert len(found) > 4
    assert found == expected


def test_rows_that_nobody_signed_push_no_trace_away(engine: Engine, journal: Journal) -> None:
    writer = Writer(engine, journal)
    writer.write(
        [audit_event("a", at=number, trace=trace) for number, trace in enumerate((PAID, REFUSED))]
        + [log_record("o", at=2, trace=LATE)]
    )
    engine.execute(
        "INSERT INTO audit_logs (Timestamp, TraceId, ActorId, IngestedAt) SELECT Timestamp + number + 1, "
        f"if(number = 0, '{PAID}', leftPad(toString(number + 100), 32, '0')), 'alice', IngestedAt "
        "FROM audit_logs CROSS JOIN numbers(5) AS forged LIMIT 5"
    )
    found: list[str] = []
    token = ""
    while True:
        page = find(writer, page_size=1, page_token=token)
        assert page.unproved_omitted
        for trace in page.traces:
            record = getattr(trace.match, trace.match.WhichOneof("entry"))
            assert record.evidence.state == evidence_pb2.VERIFIED
        found += ids(page)
        token = page.next_page_token
        if not token:
            break
    assert found == [LATE, REFUSED, PAID]


def test_spans_that_a_collector_wrote_lead_to_traces_without_evidence(engine: Engine, journal: Journal) -> None:
    """They claim nothing, so they are no sign that somebody inserted rows, and are found beside rows that are one."""
    writer = Writer(engine, journal)
    writer.write_spans([span("signed", at=0, trace=PAID, failed=True), span("fine", at=9, trace=LATE)])
    writer.write_spans_of_a_collector((1, REFUSED, "collected"))

    def found() -> tuple[list[tuple[str, bool]], bool]:
        page = find(writer, "status:Error kind:Server", streams=["spans"])
        entries = [trace.match.span for trace in page.traces]
        return [(entry.name, entry.HasField("evidence")) for entry in entries], page.unproved_omitted

    assert found() == ([("collected", False), ("signed", True)], False)
    searched = search_records(writer.engine, writer.keys, pb.SearchRequest(streams=["spans"], oldest_first=True))
    assert [entry.span.HasField("evidence") for entry in searched.entries] == [True, False, True]
    engine.execute(
        "INSERT INTO otel_traces (Timestamp, TraceId, SpanName, SpanKind, StatusCode, LogId, IngestedAt) SELECT "
        f"Timestamp + 1, '{ALONE}', 'forged', SpanKind, StatusCode, LogId, IngestedAt FROM otel_traces "
        "WHERE SpanName = 'signed'"
    )
    assert found() == ([("collected", False), ("signed", True)], True)

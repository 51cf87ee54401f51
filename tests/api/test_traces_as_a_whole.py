"""Traces as a whole: the order of their entries, the overview, and a range of time within a trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api.correlation import get_trace
from server.api.errors import InvalidArgumentError
from server.api.timeline import in_order
from server.api.trace_overview import overview_of
from server.log.journal import Journal
from server.query.side_by_side import SideBySide
from server.settings.trace_links import link_to_trace
from storage.engine import Engine
from tests.api.store import START, TRACE, Writer, audit_event, log_record, moment, span


def _child(name: str, number: int, parent: int, *, at: int, failed: bool = False) -> Span:
    found = span(name, at=at, failed=failed)
    found.span_id = bytes([number] * 8)
    found.parent_span_id = bytes([parent] * 8) if parent else b""
    return found


@pytest.fixture(scope="module")
def records(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """A trace with child spans first, from a clock that is behind, and a span whose parent is missing."""
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        writer = Writer(module_engine, journal)
        writer.write_spans([_child("query", 3, 2, at=4), _child("charge", 2, 1, at=2, failed=True)], service="pay")
        writer.write_spans([_child("order", 1, 0, at=10), _child("orphan", 5, 4, at=30)])
        failed = audit_event("order.pay", at=12, outcome="failure")
        broken = log_record("it broke", at=14)
        broken.severity_number = 17  # type: ignore[assignment] # the stubs want the enumeration's own type
        writer.write([log_record("before", at=1), failed, broken])
        writer.write_spans_of_a_collector((20, TRACE, "unsigned"))
        yield writer


def _trace(writer: Writer, **request: Any) -> pb.GetTraceResponse:
    return get_trace(writer.engine, writer.keys, SideBySide(2), pb.GetTraceRequest(trace_id=TRACE, **request))


def _names(response: pb.GetTraceResponse) -> list[str]:
    return [entry.span.name or entry.log.body or entry.audit_event.body for entry in response.entries]


def test_the_first_page_of_a_trace_has_its_links_with_the_id_in_every_place(records: Writer) -> None:
    links = [
        (name, partial(link_to_trace, url))
        for name, url in (
            ("Tempo", "https://tempo.example/{trace_id}"),
            ("Twice", "http://a/{trace_id}?b={trace_id}&c={x}"),
        )
    ]
    request = pb.GetTraceRequest(trace_id=f"00-{TRACE.upper()}-00f067aa0ba902b7-01", limit=1)
    first = get_trace(records.engine, records.keys, SideBySide(2), request, links=links)
    assert [(link.name, link.url) for link in first.links] == [
        ("Tempo", f"https://tempo.example/{TRACE}"),
        ("Twice", f"http://a/{TRACE}?b={TRACE}&c={{x}}"),
    ]
    request.page_token = first.next_page_token
    assert not get_trace(records.engine, records.keys, SideBySide(2), request, links=links).links
    assert not _trace(records).links


def test_parents_come_before_their_children_whatever_clocks_say(records: Writer) -> None:
    names = _names(_trace(records))
    assert names == [
        "before",
        "order",
        "charge",
        "query",
        "alice did order.pay",
        "it broke",
        "unsigned",
        "orphan",
    ]


def test_an_answer_says_what_its_entries_have_in_all(records: Writer) -> None:
    found = _trace(records).overview
    assert (found.first.ToNanoseconds(), found.last.ToNanoseconds()) == (START + 1, START + 35)
    assert found.duration_nanos == 34
    assert (list(found.services), list(found.actors)) == (["pay", "shop"], ["alice"])
    assert found.error_count == 4
    assert list(found.missing_span_ids) == ["04" * 8]
    assert dict(found.evidence) == {"VERIFIED": 7, "UNSIGNED": 1}
    assert overview_of([]) == pb.TraceOverview()


def test_a_part_of_the_time_can_be_asked_for(records: Writer) -> None:
    part = _trace(records, since=moment(10), until=moment(20))
    assert _names(part) == ["order", "alice did order.pay", "it broke"]
    assert (part.audit_event_count, part.log_count, part.span_count) == (1, 1, 1)
    page = _trace(records, since=moment(0), until=moment(30), limit=1)
    assert (page.span_count, page.log_count, page.truncated) == (4, 2, True)
    names = _names(page)
    while page.next_page_token:
        page = _trace(records, since=moment(0), until=moment(30), limit=1, page_token=page.next_page_token)
        names += _names(page)
    assert sorted(names) == sorted(set(_names(_trace(records))) - {"orphan"})


def test_a_page_token_belongs_to_its_range_of_time(records: Writer) -> None:
    token = _trace(records, limit=1).next_page_token
    with pytest.raises(InvalidArgumentError, match="the page token belongs to another trace"):
        _trace(records, since=moment(10), limit=1, page_token=token)


def test_a_span_without_a_time_stands_at_its_receipt(records: Writer) -> None:
    untimed = span("untimed", trace="0f" * 16)
    untimed.start_time_unix_nano = untimed.end_time_unix_nano = 0
    records.write_spans([untimed, span("timed", at=3, trace="0f" * 16)], received=START + 10)
    found = get_trace(records.engine, records.keys, SideBySide(2), pb.GetTraceRequest(trace_id="0f" * 16))
    assert _names(found) == ["timed", "untimed"]
    assert found.entries[1].timestamp.ToNanoseconds() == found.overview.last.ToNanoseconds() == START + 10


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 9)), max_size=8))
def test_any_spans_have_an_order_and_no_parent_is_behind_its_child(drawn: list[tuple[int, int, int]]) -> None:
    entries = [
        pb.TimelineEntry(
            timestamp=Timestamp(nanos=time),
            span=pb.Span(
                span_id=str(own),
                parent_span_id=str(parent) if parent else "",
                evidence=evidence_pb2.Evidence(leaf_index=own),
            ),
        )
        for own, parent, time in {own: (own, parent, time) for own, parent, time in drawn}.values()
    ]
    ordered = in_order(entries)
    assert sorted(map(str, ordered)) == sorted(map(str, entries))
    assert in_order(reversed(ordered)) == ordered
    parents = {entry.span.span_id: entry.span.parent_span_id for entry in entries}
    places = {entry.span.span_id: place for place, entry in enumerate(ordered)}
    for own, parent in parents.items():
        way, up = {own}, parent
        while up in parents and up not in way:
            way.add(up)
            up = parents[up]
        if up not in way and parent in parents:  # not within a cycle
            assert places[parent] < places[own]

"""Records of clocks that are years behind or ahead: they are counted, but spoil neither searches nor summaries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import counts_pb2 as counts
from server.api.correlation import get_trace, search_audit, search_records
from server.api.counting import count_histogram
from server.api.messages import from_nanos
from server.api.timelines import actor_timeline, target_history
from server.api.trace_search import search_traces
from server.log.journal import Journal
from server.query.plausible_times import FIRST_YEAR, MOST_AHEAD, default_end, plausible_times
from server.query.side_by_side import SideBySide
from storage.engine import Engine
from tests.api.store import START, Writer, audit_event, span

SECOND, DAY = 10**9, 86_400 * 10**9
LAST = (1 << 63) - 1
IN_2200 = 7_258_118_400 * SECOND
AHEAD = 30  # records of the last time that there is
SOON: dict[str, Any] = {"actor_id": "alice", "since": from_nanos(START)}


@pytest.fixture(scope="module")
def records(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """Three events at plausible times, one a minute ahead, many at the last time, one in 2200, and one in 1970."""
    with closing(Journal(tmp_path_factory.mktemp("journal"), 1 << 20)) as journal:
        writer = Writer(module_engine, journal)
        now = time.time_ns()
        ats = [0, 1, 2, now + 60 * SECOND - START, *[LAST - START] * AHEAD, IN_2200 - START, DAY - START]
        writer.write([audit_event(f"a{number}", at=at, target_id="u1") for number, at in enumerate(ats)])
        writer.write_spans([span("in time", at=5), span("late", at=IN_2200 - START)])
        yield writer


def test_a_search_ends_at_a_full_hour_after_now_and_says_how_many_records_are_later(records: Writer) -> None:
    before = time.time_ns()
    for ascending in (False, True):
        found = search(records, oldest_first=ascending, page_size=2, count_up_to=100)
        assert (found.later_count, found.count) == (AHEAD + 1, 5)
        assert before + MOST_AHEAD <= found.until.ToNanoseconds() <= time.time_ns() + 2 * MOST_AHEAD
        pages = [found]
        while pages[-1].next_page_token:
            pages.append(search(records, oldest_first=ascending, page_size=2, page_token=pages[-1].next_page_token))
        assert [page.HasField("until") or page.later_count > 0 for page in pages] == [True] + [False] * (len(pages) - 1)
        times = [entry.timestamp.ToNanoseconds() for page in pages for entry in page.entries]
        assert sorted(times, reverse=not ascending) == times
        assert sorted(times)[:4] == [DAY, START, START + 1, START + 2]
        assert len(times) == 5
    rest = search(records, since=found.until)
    assert len(rest.entries) == AHEAD + 1
    assert not rest.HasField("until")
    assert search(records, until=from_nanos(LAST)).entries[0].timestamp.ToNanoseconds() == IN_2200
    assert len(search(records, since=from_nanos(IN_2200)).entries) == AHEAD + 1


def search(writer: Writer, **request: Any) -> pb.SearchResponse:
    return search_records(writer.engine, writer.keys, pb.SearchRequest(**request))


def test_listings_of_audit_events_end_there_too(records: Writer) -> None:
    engine, keys = records.engine, records.keys
    listed = search_audit(engine, keys, pb.SearchAuditEventsRequest(page_size=2, **SOON))
    assert (len(listed.events), listed.later_count) == (2, AHEAD + 1)
    request = pb.SearchAuditEventsRequest(page_size=9, page_token=listed.next_page_token, **SOON)
    following = search_audit(engine, keys, request)
    assert (len(following.events), following.HasField("until"), following.later_count) == (2, False, 0)
    later = pb.SearchAuditEventsRequest(since=listed.until)
    assert len(search_audit(engine, keys, later).events) == AHEAD + 1
    for found in (
        actor_timeline(engine, keys, pb.ActorTimelineRequest(**SOON)),
        target_history(engine, keys, pb.TargetHistoryRequest(target_id="u1", since=from_nanos(START))),
    ):
        assert (len(found.entries), found.later_count, found.overview.event_count) == (4, AHEAD + 1, 4)
        assert found.until.ToNanoseconds() >= time.time_ns()
    only_later = actor_timeline(engine, keys, pb.ActorTimelineRequest(actor_id="alice", query="action:a5"))
    assert (len(only_later.entries), only_later.later_count, only_later.overview.event_count) == (0, 1, 0)
    page = actor_timeline(engine, keys, pb.ActorTimelineRequest(actor_id="alice", page_size=2))
    page = actor_timeline(
        engine, keys, pb.ActorTimelineRequest(actor_id="alice", page_size=9, page_token=page.next_page_token)
    )
    assert (len(page.entries), page.HasField("until"), page.later_count) == (3, False, 0)


def test_the_overview_of_an_actor_is_of_plausible_times_if_there_are_any(records: Writer) -> None:
    def overview(**request: Any) -> pb.AuditOverview:
        asked = pb.ActorTimelineRequest(actor_id="alice", **request)
        return actor_timeline(records.engine, records.keys, asked).overview

    whole = overview(until=from_nanos(LAST))
    assert (whole.event_count, whole.implausible_time_count) == (6, 2)
    assert whole.first_seen.ToNanoseconds() == START
    assert START < whole.last_seen.ToNanoseconds() < IN_2200
    (target,) = [value for field in whole.fields for value in field.values if field.field == "target"]
    assert (target.count, target.first_seen.ToNanoseconds()) == (6, START)
    early = overview(until=from_nanos(FIRST_YEAR))
    assert (early.event_count, early.implausible_time_count, early.last_seen.ToNanoseconds()) == (1, 1, DAY)


def test_a_trace_lasts_from_its_first_to_its_last_plausible_time(records: Writer) -> None:
    engine, keys = records.engine, records.keys
    (found,) = search_traces(engine, keys, SideBySide(2), pb.FindTracesRequest()).traces
    assert found.first.ToNanoseconds() == START
    assert found.duration_nanos == found.last.ToNanoseconds() - START
    assert found.last.ToNanoseconds() < IN_2200
    assert (found.implausible_time_count, found.audit_event_count) == (AHEAD + 3, AHEAD + 6)
    listed = search_traces(engine, keys, SideBySide(2), pb.FindTracesRequest(streams=["audit", "spans"]))
    assert listed.later_count == AHEAD + 2
    year = 366 * DAY
    long = pb.FindTracesRequest(min_duration_nanos=year * 100)
    assert not search_traces(engine, keys, SideBySide(2), long).traces
    whole = get_trace(engine, keys, SideBySide(2), pb.GetTraceRequest(trace_id=found.trace_id)).overview
    assert (whole.first, whole.last) == (found.first, found.last)
    assert whole.implausible_time_count == AHEAD + 3
    part = pb.GetTraceRequest(trace_id=found.trace_id, until=from_nanos(FIRST_YEAR))
    assert get_trace(engine, keys, SideBySide(2), part).overview.first.ToNanoseconds() == DAY


def test_a_histogram_has_the_records_of_a_search_and_counts_the_others(records: Writer) -> None:
    def histogram(**request: Any) -> counts.HistogramResponse:
        return count_histogram(records.engine, counts.HistogramRequest(**request))

    whole = histogram()
    assert (whole.count, whole.earlier_count, whole.later_count) == (4, 1, AHEAD + 1)
    assert whole.count + whole.earlier_count == search(records, count_up_to=100).count
    ahead = histogram(since=from_nanos(IN_2200 - SECOND))
    assert (ahead.count, ahead.later_count) == (AHEAD + 1, 0)
    assert sum(bucket.count for bucket in ahead.buckets) == AHEAD + 1
    assert histogram(since=from_nanos(IN_2200), step_seconds=0xFFFFFFFF).count == AHEAD + 1
    only_later = histogram(query="action:a5")
    assert (only_later.count, only_later.later_count, len(only_later.buckets)) == (0, 1, 0)


def test_the_default_end_is_a_full_hour_and_needs_a_range_that_has_begun() -> None:
    now = START + 5
    hour = 3600 * SECOND
    assert default_end(None, None, 100 * hour - MOST_AHEAD) == 100 * hour
    assert default_end(None, None, 100 * hour - MOST_AHEAD + 1) == 101 * hour
    assert default_end(now, None, now) == default_end(None, None, now)
    assert default_end(now + 1, None, now) is None
    assert default_end(None, LAST, now) is None
    plausible = plausible_times(now)
    assert plausible.has(FIRST_YEAR, now + DAY - 1)
    assert not plausible.has(FIRST_YEAR - 1)
    assert not plausible.has(now, now + DAY)

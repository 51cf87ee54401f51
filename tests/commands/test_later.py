"""Notes about records with implausible times, in the output of the commands that leave them out."""

from __future__ import annotations

import time
from typing import Any

from lognotary.v1 import correlation_pb2 as pb
from server.api.messages import from_nanos
from server.api.trace_overview import overview_of
from server.commands.found import found_lines
from server.commands.output import Style
from server.commands.render import event_lines
from server.commands.subjects import overview_lines
from server.commands.timeline import trace_lines
from server.commands.traces import traces_lines
from tests.commands.records import START, audit_event, record

PLAIN = Style(colour=False, utc=True)
END = "2023-11-14T23:13:20Z"
LATER: dict[str, Any] = {"until": from_nanos(START + 3600 * 10**9), "later_count": 2}
SAID = f"later: 2 {{}}s are dated {END} or later: --since {END} shows them"


def test_later_records_are_counted_whether_others_are_found_or_not() -> None:
    entry = pb.TimelineEntry(timestamp=from_nanos(START), log=record(body="x"))
    for entries in ([], [entry]):
        assert list(found_lines(pb.SearchResponse(entries=entries, **LATER), PLAIN))[-1] == SAID.format("record")
    for events in ([], [audit_event(actor_id="alice", action="login")]):
        found = pb.SearchAuditEventsResponse(events=events, **LATER)
        assert list(event_lines(found, PLAIN))[-1] == SAID.format("event")
    traces = pb.FindTracesResponse(**LATER)
    assert list(traces_lines(traces, PLAIN))[-1] == SAID.format("matching record")
    actor = pb.ActorTimelineResponse(**LATER)
    assert list(overview_lines("actor", "alice", actor, PLAIN))[-1] == SAID.format("event")
    actor.later_count = 1
    one = f"later: 1 event is dated {END} or later: --since {END} shows it"
    assert list(overview_lines("actor", "alice", actor, PLAIN))[-1] == one


def test_the_duration_of_a_trace_is_of_plausible_times_and_says_what_it_leaves_out() -> None:
    times = [0, START, START + 10**9, time.time_ns() + 2 * 86_400 * 10**9]
    entries = [pb.TimelineEntry(timestamp=from_nanos(at), log=record(body=f"at {at}")) for at in times]
    trace = pb.GetTraceResponse(trace_id="ab" * 16, entries=entries, log_count=4)
    lines = list(trace_lines(trace, PLAIN))
    assert "1.00 s, without 2 that are dated before 2000 or in the future" in lines[1]
    offsets = [line.split()[0] for line in lines if "at " in line and line.split()[0][0] in "+-"]
    assert [offset[0] for offset in offsets] == ["-", "+", "+", "+"]
    alone = overview_of(entries[:1])
    assert (alone.implausible_time_count, alone.duration_nanos) == (1, 0)

"""Lines about traces, actors, targets and neighbours."""

from __future__ import annotations

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api.messages import from_nanos
from server.commands.near import near_lines
from server.commands.output import Style
from server.commands.subjects import overview_lines
from server.commands.traces import traces_lines
from tests.commands.records import START, audit_event, record
from tests.commands.test_found import entry

PLAIN = Style(colour=False)
SECOND = 10**9
ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def summary(match: pb.Record, **fields: object) -> pb.TraceSummary:
    made = pb.TraceSummary(
        trace_id=ID, first=from_nanos(START), last=from_nanos(START + SECOND), duration_nanos=SECOND, match=entry(match)
    )
    made.MergeFrom(pb.TraceSummary(**fields))  # type: ignore[arg-type]
    return made


def test_a_trace_is_three_lines_with_its_latest_matching_record() -> None:
    event = audit_event(actor_id="alice", action="login", outcome="failure")
    trace = summary(event, audit_event_count=1, log_count=12, error_count=2, services=["a", "b"], actors=["alice"])
    assert list(traces_lines(pb.FindTracesResponse(traces=[trace]), PLAIN)) == [
        f"{ID}  2023-11-14T22:13:20Z, 1.00 s",
        "    1 audit event, 12 logs, 2 errors, services a, b, actor alice",
        "    AUDIT alice login → failure",
        "✔ 1 matching record verified",
    ]


def test_lines_about_traces_fit_into_the_width() -> None:
    log = record(body="a long text " * 20, severity_text="ERROR", severity_number=17)
    trace = summary(log, log_count=1, services=[f"service-{number}" for number in range(40)])
    found = pb.FindTracesResponse(traces=[trace], next_page_token="more")  # noqa: S106 - no password
    assert max(map(len, traces_lines(found, PLAIN, width=100))) <= 100
    assert "service-39" in " ".join(traces_lines(found, PLAIN, width=100, details=True))


def test_a_matching_record_that_cannot_be_proved_has_a_mark_and_a_reason() -> None:
    forged = record(body="never happened\x1b[2J")
    forged.evidence.CopyFrom(evidence_pb2.Evidence(state=evidence_pb2.UNSIGNED, reason="the record is in no log"))
    shown = list(traces_lines(pb.FindTracesResponse(traces=[summary(forged)], unproved_omitted=True), PLAIN))
    assert shown[0].startswith("✘ ")
    assert "    never happened\\x1b[2J" in shown
    assert "    └ ✘ unsigned: the record is in no log" in shown
    assert any("are not shown: they were never signed" in line for line in shown)


def values(*names: str, count: int = 1, last: int = 0) -> list[pb.ValueSummary]:
    return [
        pb.ValueSummary(value=name, count=count, first_seen=from_nanos(START), last_seen=from_nanos(START + last))
        for name in names
    ]


def test_an_overview_has_the_values_of_each_field() -> None:
    fields = [
        pb.FieldSummary(field="outcome", value_count=2, values=values("success", "failure", count=1200)),
        pb.FieldSummary(field="action", value_count=9, values=values(*"abcdefgh")),
        pb.FieldSummary(field="source", value_count=8, values=values(*"stuvwx", last=SECOND)),
        pb.FieldSummary(field="session"),
    ]
    overview = pb.AuditOverview(
        event_count=2400, first_seen=from_nanos(START + 5), last_seen=from_nanos(START + SECOND + 5), fields=fields
    )
    found = pb.ActorTimelineResponse(actor_id="alice", overview=overview)
    span = "2023-11-14T22:13:20Z to 2023-11-14T22:13:21Z"
    lines = list(overview_lines("actor", "alice\x1b", found, PLAIN, width=100))
    assert lines[:4] == [
        f"actor alice\\x1b: 2,400 events, {span}",
        "  outcome   success 1,200, failure 1,200",
        "  action    a 1, b 1, c 1, d 1, e 1, … 4 more",
        f"  source    s  1  {span}",
    ]
    assert lines[4] == f"            t  1  {span}"
    assert lines[8:] == ["            … 3 more", ""]
    assert "f 1, g 1, h 1, … 1 more" in list(overview_lines("actor", "x", found, PLAIN, details=True))[2]


def test_the_lines_of_an_overview_fit_into_the_width() -> None:
    long = [f"{letter * 60}" for letter in "abcdefg"]
    fields = [pb.FieldSummary(field=name, value_count=7, values=values(*long)) for name in ("action", "target")]
    overview = pb.AuditOverview(event_count=7, fields=fields)
    lines = overview_lines("actor", "alice", pb.ActorTimelineResponse(overview=overview), PLAIN, width=100)
    assert max(map(len, lines)) <= 100


def test_a_name_leads_to_the_ids_of_its_actors() -> None:
    found = pb.ActorTimelineResponse(overview=pb.AuditOverview(), actors_of_this_name=["u-1", "u-2"])
    assert list(overview_lines("actor", "Doe", found, PLAIN)) == [
        "no event of the actor Doe matches",
        "actors have this as their name: give an ID: u-1, u-2",
    ]


def test_a_record_stands_out_among_its_neighbours() -> None:
    found = pb.NeighboursResponse(
        record=entry(record(body="this one")),
        before=[entry(record(body="one before", at=-SECOND))],
        after=[entry(record(body="one after", at=SECOND))],
        more_before=True,
        more_after=True,
        missing_leaves=[4, 7, 8, 9],
    )
    lines = list(near_lines(found, PLAIN, width=100))
    assert [line for line in lines if "one" in line or "more" in line] == [
        "… more before",
        "2023-11-14T22:13:19Z  one before",
        "▶ 2023-11-14T22:13:20Z  this one",
        "2023-11-14T22:13:21Z  one after",
        "… more after",
    ]
    assert "not stored: leaves 4, 7 to 9: they have expired or were removed; 'lognotary verify' shows which" in lines
    assert lines[-1] == "✔ 3 records verified"


def test_a_record_without_neighbours_is_said_to_have_none() -> None:
    found = pb.NeighboursResponse(record=entry(record(body="x")), by="session", value="s-1")
    assert "no other record with the session s-1 is around it" in near_lines(found, PLAIN)

from __future__ import annotations

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.messages import from_nanos
from server.commands.evidence_lines import is_doubtful_entry
from server.commands.found import found_lines
from server.commands.output import Style
from tests.commands.records import START, audit_event, record

PLAIN = Style(colour=False)


def entry(found: correlation_pb2.Record) -> correlation_pb2.TimelineEntry:
    if found.HasField("audit"):
        return correlation_pb2.TimelineEntry(timestamp=found.timestamp, audit_event=found)
    return correlation_pb2.TimelineEntry(timestamp=found.timestamp, log=found)


def lines(*records: correlation_pb2.Record, fields: dict[str, object] | None = None, **options: object) -> list[str]:
    found = correlation_pb2.SearchResponse(entries=map(entry, records), **(fields or {}))  # type: ignore[arg-type]
    return list(found_lines(found, PLAIN, **options))  # type: ignore[arg-type]


def test_audit_events_and_logs_are_told_apart() -> None:
    log = record(body="order 18 refused", severity_text="ERROR", severity_number=17)
    shown = lines(log, audit_event(actor_id="alice", action="login", outcome="success"))
    assert shown[0] == "2023-11-14T22:13:20Z  ERROR order 18 refused"
    assert shown[2] == "2023-11-14T22:13:20Z  AUDIT alice login → success"
    assert shown[-1] == "✔ 2 records verified"


def test_a_record_that_cannot_be_proved_has_a_mark_and_a_reason() -> None:
    forged = record(body="never happened")
    forged.evidence.CopyFrom(evidence_pb2.Evidence(state=evidence_pb2.UNSIGNED, reason="the record is in no log"))
    shown = lines(forged)
    assert shown[0].startswith("✘ ")
    assert "    └ ✘ unsigned: the record is in no log" in shown


def test_lines_fit_into_the_width_but_for_the_place_in_a_log() -> None:
    log = record(body="a long text " * 20, evidence=evidence_pb2.Evidence(origin="shop/audit/" + "node" * 30))
    shown = lines(log, width=100)
    assert len(shown[0]) <= 100
    assert ("node" * 30) in "".join(line.strip() for line in shown)
    whole = " ".join(line.strip() for line in lines(log, width=100, details=True))
    assert whole.count("long") == 20


def test_details_of_audit_events_have_their_body_and_all_texts_in_full() -> None:
    event = audit_event(actor_id="alice", action="login", body="b" * 500, otlp_details='{"time":"unset"}')
    shown = [line.strip() for line in lines(event, details=True)]
    assert f"body: {'b' * 500}" in shown
    assert "sent without a time: the time shown is the time of receipt" in shown
    assert not any("body" in line for line in lines(event))
    log = record(body="l" * 500)
    assert "l" * 500 in lines(log, details=True)[0]
    assert "l" * 500 not in lines(log)[0]
    assert not any("body" in line for line in lines(log, details=True))


def test_hostile_texts_are_shown_as_what_they_are() -> None:
    assert "\\x1b[2J" in lines(record(body="\x1b[2Jgone"))[0]


def test_counts_and_what_is_not_shown_are_said() -> None:
    log = record(body="x")
    shown = lines(log, fields={"count": 1000, "count_is_lower_bound": True, "next_page_token": "t"}, with_count=True)
    assert "at least 1,000 matches in storage" in shown
    assert "… more records are not shown: give a larger --limit, or a shorter range of time" in shown
    assert "1 match in storage" not in lines(log, fields={"count": 1})
    assert any(
        "are not shown: they were never signed" in line for line in lines(log, fields={"unproved_omitted": True})
    )


def test_no_records_are_said_to_be_none() -> None:
    assert lines(query="a\x1b") == ["no record matches a\\x1b"]
    assert lines() == ["there is no record"]


def test_a_record_without_a_body_is_shown_by_its_event_name() -> None:
    assert lines(record(event_name="checkout"))[0].endswith("checkout")
    assert lines(record())[0].endswith("(no body)")


def test_a_span_that_a_collector_wrote_is_neither_verified_nor_doubtful() -> None:
    collected = correlation_pb2.TimelineEntry(
        timestamp=from_nanos(START), span=correlation_pb2.Span(timestamp=from_nanos(START), name="collected")
    )
    none = "no record has evidence: anyone who can write to storage may have added what is here"
    one = "• 1 span in no signed log: anyone who can write to storage may have added it"
    for entries, last in (([collected], [none]), ([collected, entry(record())], ["✔ 1 record verified", one])):
        shown = list(found_lines(correlation_pb2.SearchResponse(entries=entries), PLAIN))
        assert shown[0] == "2023-11-14T22:13:20Z  SPAN collected (0 µs)"
        assert shown[-len(last) :] == last
    assert not is_doubtful_entry(collected)


def test_details_have_all_values_of_repeated_attributes_of_logs_spans_events_and_links() -> None:
    log = record(
        body="x",
        log_attributes={"k": "zoe"},
        repeated_attributes=[{"place": "log", "key": "k", "values": ["zoe", "alice", "zoe"]}],
    )
    assert [line.strip() for line in lines(log, details=True) if "k:" in line] == ["k: zoe", "k: alice", "k: zoe"]
    twice = correlation_pb2.SpanEvent(
        attributes={"e": "1"}, repeated_attributes=[{"place": "event", "key": "e", "values": ["2", "1"]}]
    )
    link = correlation_pb2.SpanLink(
        attributes={"l": "3"}, repeated_attributes=[{"place": "link", "key": "l", "values": ["4", "3"]}]
    )
    span = correlation_pb2.Span(
        attributes={"s": "5"},
        repeated_attributes=[
            {"place": "resource", "key": "s", "values": ["8", "9"]},
            {"place": "span", "key": "s", "values": ["6", "5"]},
        ],
        events=[twice],
        links=[link],
    )
    found = correlation_pb2.SearchResponse(entries=[correlation_pb2.TimelineEntry(span=span)])
    shown = [line.strip() for line in found_lines(found, PLAIN, details=True)]
    assert [line for line in shown if line[:2] in ("s:", "e:", "l:")] == [
        "s: 6",
        "s: 5",
        "e: 2",
        "e: 1",
        "l: 4",
        "l: 3",
    ]

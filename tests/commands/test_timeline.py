from __future__ import annotations

import pytest

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1 import evidence_pb2
from server.api.messages import from_nanos
from server.commands.output import Style
from server.commands.timeline import View, is_in, trace_lines
from server.commands.units import cells
from tests.commands.records import START, audit_event, record

PLAIN = Style(colour=False)
MS = 10**6


def span(name: str, number: int, parent: int = 0, *, at: int = 0, lasts: int = MS, **fields: str) -> pb.Span:
    return pb.Span(
        name=name,
        span_id=f"{number:016x}",
        parent_span_id=f"{parent:016x}" if parent else "",
        timestamp=from_nanos(START + at),
        duration_nanos=lasts,
        service_name="web",
        **fields,  # type: ignore[arg-type]
    )


def trace(*contents: pb.Record | pb.Span, **fields: object) -> pb.GetTraceResponse:
    entries = []
    for content in contents:
        if isinstance(content, pb.Span):
            entry = pb.TimelineEntry(span=content)
        else:
            entry = (
                pb.TimelineEntry(audit_event=content) if content.HasField("audit") else pb.TimelineEntry(log=content)
            )
        entry.timestamp.CopyFrom(content.timestamp)
        entries.append(entry)
    return pb.GetTraceResponse(trace_id="ab" * 16, entries=entries, **fields)  # type: ignore[arg-type]


def lines(*contents: pb.Record | pb.Span, view: View | None = None, **fields: object) -> list[str]:
    return list(trace_lines(trace(*contents, **fields), PLAIN, view))


def test_a_trace_has_one_heading_one_verdict_and_audit_events_that_stand_out() -> None:
    found = lines(
        record(body="hello", severity_number=9),
        audit_event(at=103_456, actor_id="alice", action="READ", target_type="order", outcome="success"),
        record(at=11_420_000, body="bye", severity_number=17),
    )
    assert found == [
        f"trace {'ab' * 16}: 1 audit event, 2 logs, 0 spans, 1 service",
        "from 2023-11-14T22:13:20Z, 11.4 ms",
        "✔ 3 records verified",
        "       +0 µs  shop  INFO   hello",
        "▶    +103 µs  shop  AUDIT  alice READ on order → success",
        "     +11.4 ms  shop  ERROR  bye".replace("     +11", "    +11"),
    ]


def test_links_to_other_tools_stand_below_the_overview_in_full_and_on_a_line_each() -> None:
    long = f"https://tempo.example/{'a' * 500}"
    links = [pb.TraceLink(name="Tempo", url=long), pb.TraceLink(name="Logs\n", url="https://x/\x1b[1m")]
    found = lines(record(body="hello"), links=links, view=View(errors=True, width=80))
    assert found[1:5] == [
        "from 2023-11-14T22:13:20Z, 0 µs",
        f"Tempo   {long}",
        "Logs\\n  https://x/\\x1b[1m",
        "✔ 1 record verified",
    ]


def test_only_entries_that_cannot_be_proved_have_a_mark_and_a_reason() -> None:
    tampered = record(evidence_pb2.TAMPERED, body="b")
    tampered.evidence.reason = "content does not match what was signed"
    found = lines(record(body="a"), tampered, record(evidence_pb2.UNSIGNED, body="c"))
    assert found[2] == "✘ of 3 records: 1 tampered with, 1 unsigned, 1 verified"
    assert [line[0] for line in found[3:]] == [" ", "✘", " ", "✘", " "]
    assert found[5].endswith("└ ✘ tampered: content does not match what was signed")
    assert lines(record(evidence_pb2.SIGNED))[2].startswith("• 1 record signed; the contents were not hashed")


def test_spans_are_nested_with_durations_and_an_unset_status_is_not_shown() -> None:
    found = lines(
        span("GET /order", 1, lasts=12_300_000, status_code="Unset"),
        span("SELECT", 2, 1, at=MS, lasts=2_500, status_code="Error", status_message="no table"),
        record(at=MS, body="in the query", span_id=f"{2:016x}"),
        span("PUT", 3, 99, status_code="Ok"),
    )
    assert found[2] == "… 1 span is the parent of others, and not there: not sent, or not received"
    assert found[4] == "• 3 spans in no signed log: anyone who can write to storage may have added them"
    found = found[5:]
    assert found[0].startswith("• ")
    assert found[0].endswith("SPAN  GET /order (12.3 ms)")
    assert found[1].endswith("SPAN    SELECT (2.50 µs) Error: no table")
    assert found[2].endswith("        in the query")
    assert found[3].endswith("SPAN  PUT (1.00 ms) Ok")


def test_spans_that_are_their_own_ancestors_are_shown_too() -> None:
    assert len(lines(span("a", 1, 2), span("b", 2, 1), span("c", 3, 3))[3:]) == 3


@pytest.mark.parametrize("width", [100, 60])
def test_lines_fit_the_terminal_and_a_cut_one_says_so(width: int) -> None:
    long = "x" * 300 + " 漢字" * 100
    view = View(width=width)
    found = lines(
        record(body=long, severity_text="Information"),
        audit_event(actor_id="a" * 150, action="delete", outcome="failure"),
        span(long, 1),
        view=view,
    )
    assert all(cells(line) <= width for line in found[4:])
    assert found[4].endswith("…")
    assert "Information" in found[4]
    assert "→ failure" in " ".join("".join(found).split())
    assert all(cells(line) <= width for line in lines(record(body=long), view=View(width=width, details=True))[2:])
    assert long[:300] in "".join("".join(lines(record(body=long), view=View(width=width, details=True))).split())


def test_details_are_attributes_exceptions_first_and_the_place_in_the_log() -> None:
    failed = record(body="failed", log_attributes={"a": "1", "exception.type": "ValueError", "k\x1b[2J": "v"})
    failed.evidence.origin, failed.evidence.leaf_index = "shop/operational/a", 7
    found = [line.strip() for line in lines(failed, view=View(details=True))[4:]]
    assert found == ["exception.type: ValueError", "a: 1", "k\\x1b[2J: v", "shop/operational/a#7"]
    assert not any("exception" in line for line in lines(failed))


def test_logs_in_succession_that_read_the_same_are_one_line_unless_one_cannot_be_proved() -> None:
    again = [record(at=number * MS, body="retrying", severity_number=13) for number in range(4)]
    forged = record(evidence_pb2.TAMPERED, at=4 * MS, body="retrying", severity_number=13)
    found = lines(*again, forged, record(at=5 * MS, body="done", severity_number=9))[3:]
    assert found[0].endswith("WARN  retrying (4 times, until +3.00 ms)")
    assert found[1].startswith("✘")
    assert found[-1].endswith("done")
    assert len(lines(*again, view=View(details=True))) == 3 + 4


def test_filters_narrow_what_is_shown_but_never_hide_what_cannot_be_proved() -> None:
    whole = trace(
        record(body="fine", severity_number=9),
        record(body="broken", severity_number=18),
        record(body="elsewhere", severity_text="error", service_name="crm"),
        audit_event(actor_id="a", action="b", outcome="failure"),
        audit_event(actor_id="a", action="c", outcome="success"),
        span("failed", 1, status_code="STATUS_CODE_ERROR"),
        span("fine", 2),
        record(evidence_pb2.UNSIGNED, body="forged"),
    )

    def found(view: View) -> list[int]:
        return [number for number, entry in enumerate(whole.entries) if is_in(view, entry)]

    assert found(View()) == list(range(8))
    assert found(View(errors=True)) == [1, 2, 3, 5, 7]
    assert found(View(audit=True)) == [3, 4, 7]
    assert found(View(audit=True, errors=True)) == [3, 7]
    assert found(View(services=frozenset({"crm"}))) == [2, 7]
    text = "\n".join(trace_lines(whole, PLAIN, View(audit=True)))
    assert "3 entries of 8 shown" in text
    assert "2 audit events, 4 logs, 2 spans" in text


def test_a_trace_that_is_longer_than_what_is_shown_has_true_counts() -> None:
    found = lines(record(body="a"), truncated=True, audit_event_count=1, log_count=4000, span_count=0)
    assert "1 audit event, 4,000 logs, 0 spans" in found[0]
    assert found[-1] == "… 1 audit event, 3,999 logs not shown: give a larger --limit"


def test_a_filter_that_nothing_matches_says_so_of_what_was_read_only() -> None:
    view = View(errors=True)
    assert lines(record(body="a"), log_count=1, view=view)[-1].endswith("0 entries of 1 shown: none matches --errors")
    *_, none, more = lines(record(body="a"), truncated=True, log_count=4000, view=view)
    assert none.endswith("0 entries of 1 shown: none of the entries that were read matches --errors")
    assert more == "… 3,999 logs not read: give a larger --limit"


def test_a_record_without_a_time_says_that_it_stands_at_its_receipt() -> None:
    nameless = record(body="whenever")
    nameless.timestamp.Clear()
    made = trace(nameless)
    made.entries[0].timestamp.CopyFrom(from_nanos(START))
    assert "sent without a time" in list(trace_lines(made, PLAIN))[3]


def test_details_have_the_body_of_an_audit_event_once_and_in_full() -> None:
    view = View(details=True)
    named = lines(audit_event(actor_id="alice", action="login", body="b" * 500), view=view)
    assert [line.strip() for line in named if "bbb" in line] == [f"body: {'b' * 500}"]
    unnamed = lines(audit_event(body="done"), view=view)
    assert "\n".join(unnamed).count("done") == 1


def test_control_characters_of_records_do_not_reach_the_terminal() -> None:
    for view in (View(), View(details=True)):
        (line,) = lines(record(body="a\x1b[2Jb\nc\u202ed"), view=view)[3:]
        assert "a\\x1b[2Jb\\nc\\u202ed" in line
        assert line.isprintable()


def test_colour_is_only_for_terminals() -> None:
    coloured = "\n".join(trace_lines(trace(record(body="broken", severity_number=18)), Style(colour=True)))
    assert "\x1b[31mbroken\x1b[0m" in coloured
    assert "\x1b[32m✔ 1 record verified\x1b[0m" in coloured


def test_details_of_a_span_have_its_events_and_links() -> None:
    failed = span("charge", 2, 1, status_code="Error", status_message="deadlock", kind="Client")
    event = failed.events.add(name="exception", attributes={"exception.type": "Deadlock", "a": "b"})
    event.timestamp.FromNanoseconds(failed.timestamp.ToNanoseconds() + 2 * MS)
    failed.links.add(trace_id="f" * 32, span_id="e" * 16, attributes={"why": "retry"})
    found = lines(failed, view=View(details=True))
    begin = next(place for place, line in enumerate(found) if line.strip().startswith("span "))
    assert [line.strip() for line in found[begin : begin + 7]] == [
        f"span {2:016x}, child of {1:016x}, Client",
        "status: deadlock",
        "event +2.00 ms: exception",
        "exception.type: Deadlock",
        "a: b",
        f"link to span {'e' * 16} of trace {'f' * 32}",
        "why: retry",
    ]

from __future__ import annotations

import io

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.api.messages import from_nanos
from server.commands.output import Style
from server.commands.render import event_lines, finding_lines, summary_line, trace_lines

PLAIN = Style(colour=False)


def record(state: evidence_pb2.EvidenceState, **fields: object) -> correlation_pb2.Record:
    return correlation_pb2.Record(
        timestamp=from_nanos(1_700_000_000_000_000_000),
        service_name="shop",
        evidence=evidence_pb2.Evidence(state=state),
        **fields,  # type: ignore[arg-type]
    )


def trace(*entries: correlation_pb2.TimelineEntry) -> correlation_pb2.GetTraceResponse:
    for entry in entries:
        entry.timestamp.CopyFrom(getattr(entry, entry.WhichOneof("entry") or "log").timestamp)
    return correlation_pb2.GetTraceResponse(trace_id="ab" * 16, entries=entries)


def test_audit_events_stand_out_and_each_line_shows_its_evidence_state() -> None:
    audit = correlation_pb2.AuditEvent(actor_id="alice", action="READ", target_type="order", outcome="success")
    lines = list(
        trace_lines(
            trace(
                correlation_pb2.TimelineEntry(audit_event=record(evidence_pb2.TAMPERED, audit=audit)),
                correlation_pb2.TimelineEntry(log=record(evidence_pb2.UNSIGNED, body="hello", severity_number=17)),
                correlation_pb2.TimelineEntry(
                    span=correlation_pb2.Span(name="GET /", duration_nanos=1_500_000, service_name="web")
                ),
            ),
            PLAIN,
        )
    )
    assert "1 audit event, 1 log, 1 span, 2 services" in lines[0]
    assert lines[1].startswith("▶")
    assert "alice READ on order → success  [✘ tampered]" in lines[1]
    assert "ERROR" in lines[2]
    assert "hello  [○ unsigned]" in lines[2]
    assert "GET / (1.500 ms)" in lines[3]


def test_the_reason_of_a_state_follows_on_its_line() -> None:
    tampered = record(evidence_pb2.TAMPERED)
    tampered.evidence.reason = "content does not match what was signed"
    lines = list(trace_lines(trace(correlation_pb2.TimelineEntry(log=tampered)), PLAIN))
    assert lines[2].endswith("└ content does not match what was signed")


def test_control_characters_of_records_do_not_reach_the_terminal() -> None:
    evil = record(evidence_pb2.SIGNED, body="a\x1b[2Jb\nc\u202ed")
    line = list(trace_lines(trace(correlation_pb2.TimelineEntry(log=evil)), PLAIN))[1]
    assert "a\\x1b[2Jb\\nc\\u202ed" in line
    assert line.isprintable()


def test_no_events_are_said_to_be_none() -> None:
    assert list(event_lines(correlation_pb2.SearchAuditEventsResponse(), PLAIN)) == ["no audit event matches"]


def test_more_pages_are_mentioned() -> None:
    found = correlation_pb2.SearchAuditEventsResponse(events=[record(evidence_pb2.SIGNED)], next_page_token="2")  # noqa: S106
    assert "more events" in list(event_lines(found, PLAIN))[-1]


def test_a_finding_names_log_batch_leaf_and_record() -> None:
    finding = evidence_pb2.Finding(
        kind=evidence_pb2.RECORD_CHANGED, message="m", log_id="L", batch_id="B", leaf_index=0, record="R"
    )
    text = "\n".join(finding_lines(finding, PLAIN))
    assert "RECORD_CHANGED  m" in text
    assert "log L, batch B, leaf 0" in text
    assert "record: R" in text


def test_the_summary_is_good_only_without_findings() -> None:
    assert summary_line(evidence_pb2.VerifySummary(records=1), PLAIN).startswith("✔")
    assert summary_line(evidence_pb2.VerifySummary(records=1, findings=1), PLAIN).startswith("✘")


def test_text_is_coloured_on_terminals_only() -> None:
    assert Style.of(io.StringIO()) == PLAIN
    assert Style(colour=True).paint("x", "1") == "\x1b[1mx\x1b[0m"
    assert PLAIN.paint("x", "1") == "x"


def test_nothing_verified_is_said_and_is_no_success() -> None:
    line = summary_line(evidence_pb2.VerifySummary(nothing_verified=True), PLAIN)
    assert line.startswith("✘ nothing was verified")
    assert summary_line(evidence_pb2.VerifySummary(nothing_verified=True, findings=1), PLAIN).startswith("✘ 1 finding")

from __future__ import annotations

import io

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.commands.output import Style
from server.commands.render import event_lines, expired_line, finding_lines
from tests.commands.records import audit_event, record

PLAIN = Style(colour=False)


def shown_events(*events: correlation_pb2.Record, **options: bool) -> str:
    found = correlation_pb2.SearchAuditEventsResponse(events=events)
    return "\n".join(event_lines(found, PLAIN, **options))  # type: ignore[arg-type]


def test_events_have_one_verdict_and_a_mark_where_one_differs() -> None:
    good, forged = audit_event(actor_id="alice", action="login"), audit_event(actor_id="eve", action="login")
    assert shown_events(good).endswith("✔ 1 event verified")
    forged.evidence.CopyFrom(evidence_pb2.Evidence(state=evidence_pb2.UNSIGNED, reason="the record is in no log"))
    text = shown_events(good, forged)
    assert "✘ 2023-11-14T22:13:20Z  eve login" in text
    assert "└ ✘ unsigned: the record is in no log" in text
    assert text.count("✘") == 3
    assert text.endswith("✘ of 2 events: 1 unsigned, 1 verified")


def test_an_event_without_actor_or_action_is_shown_by_its_body() -> None:
    accepted = audit_event(body="Accepted password for root")
    assert 'Z  "Accepted password for root"\n' in shown_events(accepted)
    half = audit_event(body="Accepted password for root", actor_id="root", outcome="success")
    assert 'root (no action) → success: "Accepted password for root"' in shown_events(half)
    other = audit_event(body='"ok" → success', action="login")
    assert '(no actor) login → unknown: "\\"ok\\" → success"' in shown_events(other)
    full = audit_event(body="Accepted password for root", actor_id="root", action="login", outcome="success")
    assert "Accepted" not in shown_events(full)
    assert "body: Accepted password for root" in shown_events(full, bodies=True)
    assert "body: Accepted password for root" in shown_events(full, details=True)
    assert shown_events(accepted, details=True).count("Accepted") == 1


def test_attributes_are_details_of_an_event_and_what_is_empty_is_left_out() -> None:
    event = audit_event(actor_id="a", action="b", log_attributes={"port": "22"}, service_name="")
    assert "port: 22" in shown_events(event, details=True)
    assert "port" not in shown_events(event)
    assert "service" not in shown_events(event)


def test_an_event_without_a_time_is_shown_at_its_receipt_and_says_so() -> None:
    event = audit_event(actor_id="a", action="b")
    event.ingested_at.CopyFrom(event.timestamp)
    event.timestamp.Clear()
    text = shown_events(event)
    assert "2023-11-14T22:13:20Z  a b" in text
    assert "sent without a time" in text


def test_the_details_of_an_event_say_whether_it_was_sent_without_a_time() -> None:
    received = audit_event(actor_id="a", action="b", otlp_details='{"time":"unset","rules":"0a"}')
    assert "sent without a time: the time shown is the time of receipt" in shown_events(received)
    observed = audit_event(
        actor_id="a", action="b", otlp_details='{"time":"unset"}', observed_timestamp=received.timestamp
    )
    assert "sent without a time: the time shown is the time at which it was observed" in shown_events(observed)
    timed = audit_event(actor_id="a", action="b", otlp_details='{"rules":"\\"time\\":\\"unset\\""}')
    assert "sent without" not in shown_events(timed)


def looked(outcome: str, target_id: str = "", action: str = "audit.search", **attributes: str) -> str:
    """Return the line under the sentence about a record of who looked."""
    given = {f"lognotary.access.{name}": value for name, value in {"outcome": outcome, **attributes}.items()}
    event = audit_event(
        actor_id="alice",
        action=action,
        target_id=target_id,
        scope_name="lognotary.access",
        log_attributes=given,
    )
    return shown_events(event).splitlines()[1].strip()


def test_a_record_of_who_looked_says_how_the_call_ended_and_then_what_was_asked_for() -> None:
    request = '{"query":"actor:ledger*","check":"CHECK_RECORDS","page_size":100,"since":"2026-11-30T00:00:00Z"}'
    asked = "asked for actor:ledger*, since 2026-11-30T00:00:00Z"
    assert looked("success", request=request, records="3") == f"3 records; {asked}"
    assert looked("success", request="{}", records="0") == "0 records"
    assert looked("denied", reason="forbidden") == "denied: forbidden"
    assert looked("denied", reason="revoked", action="send", request='{"name":"cart (2c3d)"}') == (
        "denied: revoked; token with name cart (2c3d)"
    )
    assert looked("begun", request=request) == f"begun; {asked}"
    of_trace = looked("failed", "4bf9", request='{"trace_id":"4bf9","streams":["AUDIT"],"limit":9}', reason="NOT_FOUND")
    assert of_trace == "failed: NOT_FOUND; asked for streams AUDIT"
    assert looked("success", request='{"query":"cu', records="1") == '1 record; asked for {"query":"cu'


def test_only_records_of_who_looked_have_the_line_about_a_call() -> None:
    event = audit_event(actor_id="a", action="b", log_attributes={"lognotary.access.outcome": "denied"})
    assert "denied" not in shown_events(event)


def test_records_that_expired_are_told_from_those_that_were_dropped_by_a_statement() -> None:
    gone = evidence_pb2.VerifyExpired(origin="shop/audit/a", day="2026-01-01", records=4, batches=1)
    assert expired_line(gone, PLAIN) == "• shop/audit/a 2026-01-01: expired, chain intact: 4 records in 1 batch"
    gone.dropped_at.FromSeconds(1_700_000_000)
    assert ": dropped by the statement of 2023-11-14T22:13:20Z, chain intact: 4 records" in expired_line(gone, PLAIN)


def test_no_events_are_said_to_be_none() -> None:
    nothing = correlation_pb2.SearchAuditEventsResponse()
    assert list(event_lines(nothing, PLAIN)) == ["there is no audit event"]
    assert list(event_lines(nothing, PLAIN, filters="--actor 'a b'")) == ["no audit event matches --actor 'a b'"]


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


def test_text_is_coloured_on_terminals_only() -> None:
    assert Style.of(io.StringIO(), utc=True) == PLAIN
    assert Style(colour=True).paint("x", "1") == "\x1b[1mx\x1b[0m"
    assert PLAIN.paint("x", "1") == "x"


def test_what_the_sentence_of_an_event_leaves_out_is_in_its_details() -> None:
    event = audit_event(
        actor_id="u-17",
        action="login",
        actor_name="Alice",
        actor_type="user",
        effective_actor_id="root",
        session_id="s-1",
        source_host="web-1\x1b",
        description="Alice logged in",
        record_id="r-1",
        rule="sshd",
    )
    shown = shown_events(event, details=True).splitlines()
    assert [line.strip() for line in shown[1:-1]] == [
        "service shop",
        "actor name: Alice",
        "actor type: user",
        "session: s-1",
        "source host: web-1\\x1b",
        "description: Alice logged in",
        "record ID: r-1",
        "rule: sshd",
    ]
    assert "Alice" not in shown_events(event)


def test_the_effective_actor_is_a_part_of_the_sentence() -> None:
    event = audit_event(actor_id="jane", effective_actor_id="system:admin", action="create", body="sudo")
    assert "Z  jane as system:admin create → unknown\n" in shown_events(event)
    unnamed = audit_event(effective_actor_id="root", body="sudo")
    assert '(no actor) as root (no action) → unknown: "sudo"' in shown_events(unnamed)


def test_details_have_texts_in_full() -> None:
    event = audit_event(actor_id="a", action="b", body="x" * 500, log_attributes={"k": "y" * 500})
    shown = shown_events(event, details=True)
    assert "x" * 500 in shown
    assert "y" * 500 in shown
    assert "x" * 401 not in shown_events(event, bodies=True)


def test_all_values_of_a_repeated_attribute_are_shown_as_they_were_sent() -> None:
    long = "k" * 500 + "\n"
    event = audit_event(
        actor_id="a",
        action="b",
        log_attributes={"user": "alice", long: "2", long + "x": "3", "z": "1"},
        repeated_attributes=[
            {"place": "resource", "key": "z", "values": ["8", "9"]},
            {"place": "log", "key": "user", "values": ["zoe\x1b", "alice"]},
            {"place": "log", "key": long, "values": ["1", "2"]},
        ],
    )
    shown = [line.strip() for line in shown_events(event, details=True).splitlines()]
    assert [line for line in shown if line.startswith("user")] == ["user: zoe\\x1b", "user: alice"]
    assert [line[-3:] for line in shown if line.startswith("kkk")] == [": 1", ": 2", ": 3"]
    assert shown.count("z: 1") == 1


def test_a_line_has_all_values_of_a_repeated_attribute() -> None:
    sent = [
        {"place": "log", "key": "audit.actor.id", "values": ["al\x1b", "zz"]},
        {"place": "scope", "key": "b", "values": "12"},
    ]
    shown = shown_events(audit_event(actor_id="zz", action="b", repeated_attributes=sent))
    assert "zz b → unknown [audit.actor.id was sent as al\\x1b, zz]\n" in shown


def test_the_result_of_a_producers_signature_is_in_the_details() -> None:
    signature = {"result": "failed", "reason": "why\x1b", "key": "sha256:00", "algorithm": "ES256"}
    for given, line in (
        (signature, "producer's signature: failed: why\\x1b (ES256 sha256:00)"),
        ({"result": "verified"}, "producer's signature: verified"),
    ):
        event = audit_event(actor_id="a", action="b", producer_signature=given)
        assert line in [shown.strip() for shown in shown_events(event, details=True).splitlines()]
        assert "signature" not in shown_events(event)

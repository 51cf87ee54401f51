"""Events that the server notices: reloads, new keys, senders that are not let in."""

from __future__ import annotations

from server.access_log.actions import UNKNOWN
from server.access_log.calls import RecordedCalls
from server.access_log.event import Outcome
from server.access_log.noticed import DeniedSenders, key_rotation, reload_event, start_event
from server.access_log.redacting import without_secrets
from server.login.noted import LoginEvents
from server.pipeline.measures import RequestMeasure
from tests.access_log.test_calls import Taken


def test_a_reload_fails_or_succeeds_and_new_keys_are_named() -> None:
    assert (reload_event("").outcome, reload_event("no such file").outcome) == (Outcome.SUCCESS, Outcome.FAILED)
    assert (key_rotation("ab cd").action, key_rotation("ab cd").target) == ("key.rotate", "ab cd")


def test_a_start_names_the_writer_and_has_its_settings() -> None:
    event = start_event({"access_log": "off"}, "node-1")
    assert (event.action, event.target, event.settings) == ("settings.start", "node-1", (("access_log", "off"),))


def test_senders_that_are_not_let_in_are_recorded_once_a_minute_by_address_and_reason() -> None:
    counted: list[RequestMeasure] = []
    denied, log = DeniedSenders(), Taken()
    measure = denied.around(counted.append)

    def request(denial: str, peer: str, token: str = "") -> None:
        measure(RequestMeasure(0, "unauthenticated", 0.1, "grpc", denial=denial, peer=peer, token=token))

    request("missing", "192.0.2.1:5")
    assert log.events == []  # nothing is recorded yet
    denied.log = log
    for port in range(3):
        request("missing", f"192.0.2.1:{port}")
    request("expired", "192.0.2.1:5")
    for part in ("1", "2"):  # of one host
        request("missing", f"[2001:db8::{part}]:5")
    request("", "192.0.2.9:5")
    for _ in range(2):
        request("revoked", "192.0.2.1:5", "checkout (0a1b)")
    request("revoked", "192.0.2.1:5", "cart (2c3d)")
    assert len(counted) == 11
    assert {(event.action, event.actor.name) for event in log.events} == {("send", "")}
    assert all(without_secrets(event.asked) == event.asked for event in log.events)
    assert [(event.actor.address, event.reason, event.asked) for event in log.events] == [
        ("192.0.2.1", "missing", ""),
        ("192.0.2.1", "expired", ""),
        ("2001:db8::1", "missing", ""),
        ("192.0.2.1", "revoked", '{"name":"checkout (0a1b)"}'),
        ("192.0.2.1", "revoked", '{"name":"cart (2c3d)"}'),
    ]


async def test_whoever_is_not_let_in_has_600_events_a_minute_in_all_over_whatever_port() -> None:
    log, senders = Taken(), DeniedSenders()
    senders.log = log
    measure = senders.around(lambda _: None)
    login = LoginEvents(log.keep, log.note, log.denied)
    calls = [RecordedCalls(log, protocol) for protocol in ("grpc", "http")]
    for number in range(300):
        address = f"192.0.{number // 250}.{number % 250}"
        measure(RequestMeasure(0, "unauthenticated", 0.1, "grpc", denial="missing", peer=f"{address}:5"))
        await login.failed("login", address, "the provider gave no code")
        for each in calls:
            each.begin(UNKNOWN, address, "").end(Outcome.DENIED, "unknown")
    assert len(log.events) == 600

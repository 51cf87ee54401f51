"""Events that the server notices: changes of tokens, reloads, new keys, senders that are not let in."""

from __future__ import annotations

from dataclasses import replace

from server.access.tokens import Token, Tokens
from server.access_log.event import Outcome
from server.access_log.noticed import DeniedSenders, key_rotation, reload_event, token_changes
from server.access_log.record import access_record
from server.pipeline.measures import RequestMeasure
from tests.access_log.test_calls import Taken

ALPHA, BRAVO = Token("alpha", b"a" * 32, tenant="acme"), Token("bravo", b"b" * 32)
REVOKED = Token("bravo", b"b" * 32, revoked=5)


def test_tokens_that_come_are_revoked_or_vanish_are_events() -> None:
    def changes(before: tuple[Token, ...], after: tuple[Token, ...]) -> list[tuple[str, str]]:
        return [(event.action, event.target) for event in token_changes(Tokens(before), Tokens(after))]

    assert changes((), (ALPHA, BRAVO)) == [("token.create", "alpha"), ("token.create", "bravo")]
    assert changes((ALPHA, BRAVO), (ALPHA, REVOKED)) == [("token.revoke", "bravo")]
    assert changes((ALPHA, REVOKED), (REVOKED,)) == [("token.remove", "alpha")]
    assert changes((ALPHA, REVOKED), (ALPHA, REVOKED)) == []
    assert changes((BRAVO,), (BRAVO, Token("bravo", b"c" * 32))) == [("token.create", "bravo")]


def test_an_event_about_a_token_has_its_id_and_roles_and_not_its_digest() -> None:
    [event] = token_changes(Tokens(), Tokens((ALPHA,)))
    assert event.asked == f'{{"id":"{ALPHA.id}","roles":["sender"],"tenant":"acme","expires":null}}'
    assert (event.category, event.target_type, event.actor.name) == ("admin", "token", "lognotary")
    assert ALPHA.digest.hex() not in event.asked


def test_an_event_about_a_token_says_who_changed_it_if_the_file_does() -> None:
    created, revoked = Token("a", b"a" * 32, created_by="alice on db1"), Token("b", b"b" * 32)
    after = Tokens((created, replace(revoked, revoked=5, revoked_by="root (sudo by bob) on db1")))
    events = list(token_changes(Tokens((revoked,)), after))
    assert [(event.action, event.changed_by) for event in events] == [
        ("token.create", "alice on db1"),
        ("token.revoke", "root (sudo by bob) on db1"),
    ]
    record = access_record(events[0], "id", 1)
    attributes = {each.key: each.value.string_value for each in record.attributes}
    assert (attributes["lognotary.changed_by"], attributes["audit.actor.id"]) == ("alice on db1", "lognotary")


def test_a_reload_fails_or_succeeds_and_new_keys_are_named() -> None:
    assert (reload_event("").outcome, reload_event("no such file").outcome) == (Outcome.SUCCESS, Outcome.FAILED)
    assert (key_rotation("ab cd").action, key_rotation("ab cd").target) == ("key.rotate", "ab cd")


def test_senders_that_are_not_let_in_are_recorded_once_a_minute_by_address_and_reason() -> None:
    counted: list[RequestMeasure] = []
    denied, log = DeniedSenders(), Taken()
    measure = denied.around(counted.append)

    def request(denial: str, peer: str) -> None:
        measure(RequestMeasure(0, "unauthenticated", 0.1, "grpc", denial=denial, peer=peer))

    request("missing", "192.0.2.1:5")
    assert log.events == []  # nothing is recorded yet
    denied.log = log
    for port in range(3):
        request("missing", f"192.0.2.1:{port}")
    request("expired", "192.0.2.1:5")
    request("missing", "[2001:db8::1]:5")
    request("", "192.0.2.9:5")
    assert len(counted) == 7
    assert [(event.actor.address, event.reason, event.action) for event in log.events] == [
        ("192.0.2.1", "missing", "send"),
        ("192.0.2.1", "expired", "send"),
        ("2001:db8::1", "missing", "send"),
    ]

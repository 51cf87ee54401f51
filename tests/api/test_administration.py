from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from lognotary.v1 import administration_pb2 as messages
from server.access.callers import Caller, CallerKind, Grant, Role
from server.access.current import calling
from server.access.presenting import address_of_peer
from server.api.administration import Administration
from server.api.backend import Backend
from server.api.errors import (
    ApiError,
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    NotPermittedError,
    UnrecordedError,
)
from server.api.http_api import build_http_api
from server.api.local_callers import is_local
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.own_records.administration import PolicyChange
from server.own_records.sender import NotRecordedError
from server.process.pools import Pool
from storage.engine import Engine
from storage.errors import StorageError
from storage.holds import read_holds
from storage.policies import note_policy
from storage.retention import apply_retention, read_retention_days
from storage.retention_beside import apply_retention_beside
from storage.retention_policy import Policy, RetentionRule
from storage.rowbinary import read_one, text

AUDIT, OPERATIONAL, SPANS = Stream
POLICIES = {AUDIT: Policy(400, (RetentionRule(30, category="data"),)), OPERATIONAL: Policy(30), SPANS: Policy(None)}
HERE = "127.0.0.1"
ALICE = messages.AddHoldRequest(name="case-1", scope=messages.HoldScope(actor="alice"), reason="a lawsuit", actor="eve")


def administration(engine: Engine, record: Callable[[PolicyChange], object], allowed: str = "local") -> Administration:
    apply_retention(engine, POLICIES)
    made = Administration(engine, POLICIES, record, allowed, disclosure_days=30)
    made.begin()
    return made


def ttl(engine: Engine, table: str = "audit_logs") -> str:
    create: str = read_one(engine.query(f"SHOW CREATE TABLE {table}"), text)
    return create.partition("\nTTL ")[2]


def unrecorded(_: PolicyChange) -> None:
    raise NotRecordedError("UNAVAILABLE: overloaded")


def unrecorded_once_done(change: PolicyChange) -> None:
    if change.is_done:
        raise NotRecordedError("UNAVAILABLE")


def test_a_hold_is_in_the_tables_and_recorded_once_it_is_answered(engine: Engine) -> None:
    changes: list[PolicyChange] = []
    made = administration(engine, changes.append)
    answer = made.add_hold(ALICE, HERE)
    assert (answer.hold.name, answer.records, answer.hold.added.actor) == ("case-1", 0, "eve")
    assert ttl(engine).count("(ActorId = 'alice')") == 2
    assert "alice" not in ttl(engine, "otel_logs")
    assert [hold.name for hold in made.list_holds(messages.ListHoldsRequest()).holds] == ["case-1"]
    assert made.get_retention(messages.GetRetentionRequest()).holds == 1
    released = made.release_hold(messages.ReleaseHoldRequest(name="case-1", reason="settled"), "::1").hold
    assert (released.released.reason, released.released.caller) == ("settled", "::1")
    assert "alice" not in ttl(engine)
    assert list(made.list_holds(messages.ListHoldsRequest()).holds) == []
    assert len(made.list_holds(messages.ListHoldsRequest(released=True)).holds) == 1
    assert [(change.action, change.target, change.actor, change.caller, change.reason) for change in changes] == [
        ("hold.add", "case-1", "eve", HERE, "a lawsuit"),
        ("hold.add", "case-1", "eve", HERE, "a lawsuit"),
        ("hold.release", "case-1", "", "::1", "settled"),
        ("hold.release", "case-1", "", "::1", "settled"),
    ]
    assert [change.is_done for change in changes] == [False, True, False, True]


def test_a_hold_says_who_was_authenticated_and_whom_they_claim_to_act_for(engine: Engine) -> None:
    made = administration(engine, lambda _: None)
    with calling(Caller("op", CallerKind.TOKEN, (Grant(Role.OPERATOR),))):
        added = made.add_hold(ALICE, HERE).hold.added
        released = made.release_hold(messages.ReleaseHoldRequest(name="case-1", reason="settled"), HERE).hold.released
    assert (added.actor, released.actor) == ("op (token), who claims to act for eve", "op (token)")


def test_a_change_of_a_hold_keeps_to_the_retention_that_another_server_has_recorded(engine: Engine) -> None:
    made = administration(engine, lambda _: None)
    note_policy(engine, "audit", Policy(60))
    made.add_hold(ALICE, HERE)
    assert read_retention_days(engine)[AUDIT] == 30, "this server has not recorded its own yet"
    made.follow_recorded()
    assert read_retention_days(engine)[AUDIT] == 60
    note_policy(engine, "audit", Policy(90))
    made.release_hold(messages.ReleaseHoldRequest(name="case-1", reason="settled"), HERE)
    assert read_retention_days(engine)[AUDIT] == 90
    assert made.get_retention(messages.GetRetentionRequest()).streams[0].days == 90


def test_holds_are_in_force_again_after_a_restart_with_other_retention(engine: Engine) -> None:
    administration(engine, lambda _: None).add_hold(ALICE, HERE)
    apply_retention(engine, {AUDIT: Policy(5), OPERATIONAL: Policy(5)})
    assert "NOT ((ActorId = 'alice')" in ttl(engine)
    assert read_retention_days(engine) == {AUDIT: 5, OPERATIONAL: 5, SPANS: None}


def test_a_hold_suspends_the_retention_of_disclosed_values_until_its_release(engine: Engine) -> None:
    made = administration(engine, lambda _: None)
    apply_retention_beside(engine, 400, 7)
    made.add_hold(ALICE, HERE)
    assert (ttl(engine, "disclosures"), ttl(engine, "audit_record_ids")) == ("", "")
    made.release_hold(messages.ReleaseHoldRequest(name="case-1", reason="settled"), HERE)
    assert ttl(engine, "disclosures").startswith("toDateTime(IngestedAt) + toIntervalDay(30)")
    assert ttl(engine, "audit_record_ids").startswith("toDateTime(ClaimedAt) + toIntervalDay(401)")


def test_a_hold_that_cannot_be_recorded_is_not_added(engine: Engine) -> None:
    made = administration(engine, unrecorded)
    with pytest.raises(UnrecordedError, match=r"the hold was not added, because .*overloaded"):
        made.add_hold(ALICE, HERE)
    assert "alice" not in ttl(engine)
    assert read_holds(engine) == []


def test_a_hold_is_recorded_before_it_is_in_force(engine: Engine) -> None:
    """So a server that is killed at any moment leaves no hold without a record."""
    seen: list[tuple[bool, int]] = []
    made = administration(engine, lambda change: seen.append((change.is_done, len(read_holds(engine)))))
    made.add_hold(ALICE, HERE)
    assert seen == [(False, 0), (True, 1)]


def test_a_hold_of_which_only_the_intention_is_recorded_is_in_force_and_told(engine: Engine) -> None:
    with pytest.raises(UnrecordedError, match="case-1 is in force, but the audit log has only"):
        administration(engine, unrecorded_once_done).add_hold(ALICE, HERE)
    assert "alice" in ttl(engine)
    [hold] = read_holds(engine)
    assert hold.released is None


def test_a_hold_that_cannot_be_put_into_the_tables_is_taken_back_with_records(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Engine, __: object) -> None:
        raise StorageError("merges do not end")

    monkeypatch.setattr("server.api.administration.wait_for_removal", fail)
    changes: list[PolicyChange] = []
    with pytest.raises(StorageError, match="merges do not end"):
        administration(engine, changes.append).add_hold(ALICE, HERE)
    assert "alice" not in ttl(engine)
    said = [(change.action, change.is_done, change.reason) for change in changes]
    why = "taken back: merges do not end"
    assert said == [("hold.add", False, "a lawsuit"), ("hold.release", False, why), ("hold.release", True, why)]


def test_a_release_of_which_only_the_intention_is_recorded_is_told(engine: Engine) -> None:
    administration(engine, lambda _: None).add_hold(ALICE, HERE)
    with pytest.raises(UnrecordedError, match="was released, but the audit log has only"):
        administration(engine, unrecorded_once_done).release_hold(
            messages.ReleaseHoldRequest(name="case-1", reason="x"), HERE
        )
    assert "alice" not in ttl(engine)


def test_a_release_that_cannot_be_recorded_changes_nothing(engine: Engine) -> None:
    administration(engine, lambda _: None).add_hold(ALICE, HERE)
    made = administration(engine, unrecorded)
    with pytest.raises(UnrecordedError, match=r"the hold was not released, because .*overloaded"):
        made.release_hold(messages.ReleaseHoldRequest(name="case-1", reason="settled"), HERE)
    assert "alice" in ttl(engine)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"reason": " "}, InvalidArgumentError, "reason: it is missing"),
        ({"reason": "a\nb"}, InvalidArgumentError, "reason: give one line"),
        ({"name": "a b"}, InvalidArgumentError, "'a b' is not a name"),
        ({"scope": messages.HoldScope(stream="logs")}, InvalidArgumentError, "scope: stream: 'logs'"),
        ({"scope": messages.HoldScope(trace_id="xyz")}, InvalidArgumentError, "xyz"),
        ({"scope": messages.HoldScope(service="acc*")}, InvalidArgumentError, "give the whole service"),
    ],
)
def test_a_hold_that_cannot_be_meant_is_refused(
    engine: Engine, change: dict[str, Any], error: type[ApiError], message: str
) -> None:
    request = messages.AddHoldRequest(name="case-1", reason="a lawsuit")
    request.MergeFrom(messages.AddHoldRequest(**change))
    with pytest.raises(error, match=message):
        administration(engine, lambda _: None).add_hold(request, HERE)
    assert read_holds(engine) == []


def test_names_are_used_once_and_only_holds_in_force_are_released(engine: Engine) -> None:
    made = administration(engine, lambda _: None)
    with pytest.raises(NotFoundError, match="there is no hold named 'case-1'"):
        made.release_hold(messages.ReleaseHoldRequest(name="case-1", reason="settled"), HERE)
    made.add_hold(ALICE, HERE)
    made.release_hold(messages.ReleaseHoldRequest(name="case-1", reason="settled"), HERE)
    with pytest.raises(ConflictError, match="give another name"):
        made.add_hold(ALICE, HERE)
    with pytest.raises(ConflictError, match="was released already"):
        made.release_hold(messages.ReleaseHoldRequest(name="case-1", reason="settled"), HERE)


@pytest.mark.parametrize(("caller", "allowed"), [("192.0.2.1", "local"), ("", "local"), (HERE, "off")])
def test_others_change_nothing(engine: Engine, caller: str, allowed: str) -> None:
    made = administration(engine, lambda _: None, allowed)
    with pytest.raises(NotPermittedError):
        made.add_hold(ALICE, caller)
    with pytest.raises(NotPermittedError):
        made.release_hold(messages.ReleaseHoldRequest(name="case-1", reason="settled"), caller)
    assert made.get_retention(messages.GetRetentionRequest()).streams[0].shortest_days == 30


def test_a_second_change_at_the_same_time_is_refused(engine: Engine) -> None:
    def record(_: PolicyChange) -> None:
        with pytest.raises(UnrecordedError, match="another change of policy is being made"):
            made.release_hold(messages.ReleaseHoldRequest(name="case-1", reason="settled"), HERE)

    made = administration(engine, record)
    assert made.add_hold(ALICE, HERE).hold.name == "case-1"


def test_a_hold_by_actor_is_refused_while_redaction_hides_actors(engine: Engine) -> None:
    made = Administration(engine, POLICIES, lambda _: None, "local", hides_actors=True)
    made.begin()
    with pytest.raises(ConflictError, match="hold them by service, trace, category or time"):
        made.add_hold(ALICE, HERE)
    assert read_holds(engine) == []
    made.add_hold(messages.AddHoldRequest(scope=messages.HoldScope(service="shop"), reason="a lawsuit"), HERE)


def test_a_server_that_is_starting_takes_no_changes(engine: Engine) -> None:
    with pytest.raises(UnrecordedError, match="the server is starting"):
        Administration(engine, POLICIES, lambda _: None, "local").add_hold(ALICE, HERE)


@pytest.mark.parametrize(
    ("peer", "local"),
    [
        ("ipv4:127.0.0.1:5000", True),
        ("ipv4:127.8.8.8:5000", True),
        ("ipv6:%5B::1%5D:5000", True),
        ("ipv6:[::ffff:127.0.0.1]:5000", True),
        ("unix:", True),
        ("ipv4:192.0.2.1:5000", False),
        ("ipv6:[fe80::1%25eth0]:5000", False),
        ("", False),
    ],
)
def test_loopback_addresses_and_sockets_are_local(peer: str, local: bool) -> None:
    assert is_local(address_of_peer(peer)) is local


async def test_holds_over_http_and_pages_in_browsers_are_not_served(engine: Engine) -> None:
    made = administration(engine, lambda _: None)
    app = build_http_api(Backend(engine, TrustedKeys()), Pool("api", 1), lambda: "", lambda: b"", administration=made)
    transport = httpx.ASGITransport(app, client=(HERE, 5000))
    body = json.dumps({"name": "case-1", "scope": {"actor": "alice"}, "reason": "a lawsuit"})
    in_json = {"Content-Type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://h") as client:
        for headers in ({"Content-Type": "text/plain"}, {**in_json, "Origin": "http://evil.example"}):
            refused = await client.post("/api/v1/holds", content=body, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_ARGUMENT")
        added = await client.post("/api/v1/holds", content=body, headers=in_json)
        assert (added.status_code, added.json()["hold"]["scope"]["actor"]) == (200, "alice")
        listed = (await client.get("/api/v1/holds")).json()["holds"]
        assert [hold["name"] for hold in listed] == ["case-1"]
        end = await client.post("/api/v1/holds/case-1/release", content='{"reason": "settled"}', headers=in_json)
        assert end.json()["hold"]["released"]["reason"] == "settled"
        again = await client.post("/api/v1/holds/case-1/release", content='{"reason": "settled"}', headers=in_json)
        assert (again.status_code, again.json()["code"]) == (409, "FAILED_PRECONDITION")
        retention = (await client.get("/api/v1/retention")).json()["streams"]
        assert retention[0]["rules"] == [{"category": "data", "service": "", "attribute": "", "days": 30}]
    elsewhere = httpx.ASGITransport(app, client=("192.0.2.1", 5000))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://h") as client:
        refused = await client.post("/api/v1/holds", content=body, headers=in_json)
        assert (refused.status_code, refused.json()["code"]) == (403, "PERMISSION_DENIED")

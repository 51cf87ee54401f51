"""The way of events to the access log: in order, again after failures, within limits, and required if that is set."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.access_log.access_log import AccessLog
from server.access_log.event import AccessEvent, Actor, Outcome
from server.own_records.sender import NotRecordedError


def event(action: str, tenant: str = "") -> AccessEvent:
    """Return an event of a tenant."""
    return AccessEvent(action, Outcome.SUCCESS, Actor("alice", tenant=tenant))


def by(name: str, action: str) -> AccessEvent:
    """Return an event of an actor with a token."""
    return AccessEvent(action, Outcome.SUCCESS, Actor(name, "token"))


def values(record: LogRecord) -> dict[str, Any]:
    """Return the attributes of a record."""
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in record.attributes}


class Port:
    """The server's own port: takes records, or refuses them while it is away."""

    def __init__(self) -> None:
        self.is_away = False
        self.closed = ""  # tenant whose log cannot be opened
        self.requests = 0
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.refused: list[list[bytes]] = []
        self.poison = ""
        self.was_refused = threading.Event()

    def send(self, tenant: str, records: Sequence[LogRecord]) -> None:
        if self.is_away or self.closed == tenant != "":
            self.refused.append([record.SerializeToString() for record in records])
            self.was_refused.set()
            raise NotRecordedError(
                "UNAVAILABLE: storage is away" if self.is_away else f"UNAVAILABLE: no key of {tenant}"
            )
        if self.poison in [values(record)["audit.action"] for record in records]:
            raise NotRecordedError("INVALID_ARGUMENT: no", is_final=True)
        self.requests += 1
        self.taken += [(tenant, values(record)) for record in records]

    @property
    def actions(self) -> list[tuple[str, str]]:
        return [(tenant, found["audit.action"]) for tenant, found in self.taken]


def test_events_reach_the_log_of_their_tenant() -> None:
    port = Port()
    with AccessLog(port.send).running() as log:
        for action, tenant in (("search", ""), ("export", "acme"), ("verify", "")):
            log.note(event(action, tenant))
        assert log.flush(10)
        assert log.waiting == 0
    assert sorted(port.actions) == [("", "search"), ("", "verify"), ("acme", "export")]


def test_refused_events_are_sent_again_with_the_same_bytes() -> None:
    port = Port()
    port.is_away = True
    with AccessLog(port.send).running() as log:
        log.note(event("search"))
        assert not log.flush(0)
        port.was_refused.wait(10)
        port.was_refused.clear()
        log.note(event("export"))
        assert not log.flush(0)
        port.was_refused.wait(10)
        port.is_away = False
        assert log.flush(10)
    assert port.refused[0] == port.refused[-1]
    assert port.actions == [("", "search"), ("", "export")]


def test_if_too_many_wait_the_noisiest_actor_loses_its_newest_and_a_record_says_how_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = Port()
    access_log = AccessLog(port.send, most=4)
    access_log.note(by("eve", "audit.search"))
    access_log.note(by("alice", "export"))
    for number in range(9_000):
        access_log.note(by("eve", f"call-{number}"))
    with access_log.running():
        assert access_log.flush(10)
        assert access_log.lost == 8_998
    told = [(each["audit.actor.id"], each["audit.action"], each.get("lognotary.access.lost")) for _, each in port.taken]
    assert told == [
        ("eve", "record.lost", 8_998),
        ("eve", "audit.search", None),
        ("alice", "export", None),
        ("eve", "call-0", None),
        ("eve", "call-1", None),
    ]
    assert caplog.text.count("records of who looked are being lost") == 1
    assert "8,998 records of who looked were lost" in caplog.text


def test_a_tenant_whose_log_takes_nothing_keeps_no_other_out_and_its_events_stay_in_order() -> None:
    port = Port()
    port.closed = "acme"
    with AccessLog(port.send).running() as log:
        for number in range(3):
            log.note(event(f"acme-{number}", "acme"))
            log.note(event(f"shop-{number}", "shop"))
            log.note(event(f"call-{number}"))
            assert not log.flush(0)
            port.was_refused.wait(10)
            port.was_refused.clear()
            while len(port.taken) < 2 * (number + 1):
                log.flush(0.01)
        assert log.waiting == 3
        port.closed = ""
        assert log.flush(10)
    assert {tenant for tenant, _ in port.actions[:6]} == {"", "shop"}
    assert port.actions[6:] == [("acme", f"acme-{number}") for number in range(3)]
    assert len({refused[0] for refused in port.refused}) == 1


def test_events_of_a_tenant_whose_log_takes_nothing_push_out_none_of_others() -> None:
    port = Port()
    port.closed = "acme"
    with AccessLog(port.send, most=100).running() as log:
        log.note(event("first", "acme"))
        assert not log.flush(0)
        port.was_refused.wait(10)
        for number in range(200):  # each by another actor, so that each has as small a share as possible
            log.note(AccessEvent("search", Outcome.SUCCESS, Actor(f"name-{number}", "token", tenant="acme")))
        for number in range(50):
            log.note(by("bob", f"call-{number}"))
        while len(port.taken) < 50:
            log.flush(0.01)
        port.closed = ""
        assert log.flush(10)
    assert port.actions[:50] == [("", f"call-{number}") for number in range(50)]
    assert sum(found.get("lognotary.access.lost", 1) for tenant, found in port.taken if tenant == "acme") == 201


def test_events_that_are_being_sent_are_not_lost() -> None:
    port = Port()
    port.is_away = True
    access_log = AccessLog(port.send, most=2)
    with access_log.running():
        access_log.note(event("first"))
        access_log.flush(0)
        port.was_refused.wait(10)
        for number in range(3):
            access_log.note(event(f"later-{number}"))
        port.is_away = False
        assert access_log.flush(10)
    assert port.actions == [("", "first"), ("", "record.lost"), ("", "later-0")]
    assert [found.get("lognotary.access.lost") for _, found in port.taken] == [None, 2, None]


def test_many_events_are_few_requests() -> None:
    port, number = Port(), 5_000
    access_log = AccessLog(port.send)
    for _ in range(number):
        access_log.note(event("search"))
    with access_log.running():
        assert access_log.flush(30)
    assert len(port.taken) == number
    assert port.requests < 10


def test_a_request_has_events_of_about_two_mebibytes_at_most() -> None:
    port = Port()
    access_log = AccessLog(port.send)
    for _ in range(1_000):
        access_log.note(replace(event("search"), asked="x" * 2_000))
    with access_log.running():
        assert access_log.flush(10)
    assert len(port.taken) == 1_000
    assert port.requests == 4


async def test_whoever_waits_while_his_record_is_lost_is_told_at_once() -> None:
    port = Port()
    log = AccessLog(port.send, required=True, most=1)
    log.note(event("search"))
    with pytest.raises(NotRecordedError, match="too many calls wait"):
        await log.keep(event("search"))


def test_a_record_that_can_never_be_stored_is_lost_alone(caplog: pytest.LogCaptureFixture) -> None:
    port = Port()
    port.poison = "poison"
    access_log = AccessLog(port.send)
    for action in ("search", "poison", "export"):
        access_log.note(event(action))
    with access_log.running():
        assert access_log.flush(10)
        access_log.note(event("verify"))
        assert access_log.flush(10)
    assert port.actions == [("", "search"), ("", "export"), ("", "record.lost"), ("", "verify")]
    assert [found.get("lognotary.access.lost") for _, found in port.taken] == [None, None, 1, None]
    assert "a record of who looked was lost, because the access log refused it: INVALID_ARGUMENT: no" in caplog.text


def test_the_end_sends_what_waits_and_logs_what_cannot_be_sent(caplog: pytest.LogCaptureFixture) -> None:
    port = Port()
    with AccessLog(port.send).running() as log:
        log.note(event("search"))
    assert port.actions == [("", "search")]
    port.is_away = True
    with AccessLog(port.send).running() as log:
        log.note(event("search"))
    assert "1 record of who looked was lost: the server ended" in caplog.text


async def test_a_required_event_is_acknowledged_when_keep_returns() -> None:
    port = Port()
    with AccessLog(port.send, required=True).running() as log:
        await asyncio.gather(*(log.keep(event(f"search-{number}")) for number in range(20)))
        assert len(port.taken) == 20


async def test_a_required_event_that_is_refused_is_an_error_and_its_record_says_that_the_call_failed() -> None:
    port = Port()
    port.is_away = True
    with AccessLog(port.send, required=True).running() as log:
        for number, action in enumerate(("first", "second"), 1):  # also while it is known that the port is away
            with pytest.raises(NotRecordedError, match="storage is away"):
                await log.keep(replace(event(action), call=str(number)))
        port.is_away = False
        await log.keep(replace(event("export"), call="3"))
        assert log.flush(10)
    assert {
        (found["audit.action"], found["lognotary.access.outcome"], found["lognotary.access.call"])
        for _, found in port.taken
    } == {
        ("first", "success", "1"),  # this may have been stored before, so it is not changed
        ("first", "failed", "1"),
        ("second", "failed", "2"),
        ("export", "success", "3"),
    }


async def test_a_required_event_of_another_tenant_waits_for_no_tenant_whose_log_takes_nothing() -> None:
    port = Port()
    port.closed = "acme"
    with AccessLog(port.send, required=True).running() as log:
        for number in range(2):
            with pytest.raises(NotRecordedError, match="no key of acme"):
                await log.keep(event("search", "acme"))
            await log.keep(event(f"shop-{number}", "shop"))
            await log.keep(event(f"call-{number}"))
        given = await asyncio.gather(
            *(log.keep(event("search", tenant)) for tenant in ("acme", "shop", "", "acme")), return_exceptions=True
        )
        assert [None if each is None else str(each)[-14:] for each in given] == [
            "no key of acme",
            None,
            None,
            "no key of acme",
        ]


async def test_an_event_that_is_not_required_waits_for_nothing() -> None:
    log = AccessLog(Port().send)
    await log.keep(event("search"))
    assert log.waiting == 1


async def test_an_unexpected_error_ends_the_sending_for_all_to_see_and_nobody_waits_for_it() -> None:
    def send(_: str, records: Sequence[LogRecord]) -> None:
        raise ZeroDivisionError(f"by nothing, in {len(records)} record")

    with AccessLog(send, required=True).running() as log:
        supervision = asyncio.create_task(log.supervise())
        for _ in range(2):  # also once it has ended
            with pytest.raises(NotRecordedError, match="the server has to restart"):
                await log.keep(event("search"))
        assert not log.flush(60)
        with pytest.raises(ZeroDivisionError, match="in 1 record"):
            await supervision


async def test_a_call_whose_record_comes_too_late_has_a_second_record_that_it_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.access_log.access_log._PATIENCE", 0.5)
    port, is_sending, may_go_on = Port(), threading.Event(), threading.Event()

    def send(tenant: str, records: Sequence[LogRecord]) -> None:
        is_sending.set()
        assert may_go_on.wait(60)
        port.send(tenant, records)

    with AccessLog(send, required=True).running() as log:
        late = asyncio.create_task(log.keep(replace(event("search"), call="1")))
        assert await asyncio.to_thread(is_sending.wait, 60)
        with pytest.raises(NotRecordedError, match="in time"):  # not sent before
            await log.keep(replace(event("export"), call="2"))
        with pytest.raises(NotRecordedError, match="in time"):
            await late
        may_go_on.set()
        assert log.flush(10)
    assert {
        (found["audit.action"], found["lognotary.access.outcome"], found["lognotary.access.call"])
        for _, found in port.taken
    } == {("search", "success", "1"), ("export", "failed", "2"), ("search", "failed", "1")}
    assert len(port.taken) == 3

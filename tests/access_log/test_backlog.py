"""The backlog of events: who loses one if there is no room, that nothing is lost uncounted, and who waits for whom."""

from __future__ import annotations

import random
from collections import Counter

from server.access_log.backlog import LINGER, PAUSES, Backlog
from server.access_log.entry import Entry
from server.access_log.event import AccessEvent, Actor, Outcome
from server.access_log.losses import LOST


def entry(name: str, kind: str = "token", address: str = "", *, action: str = "search", tenant: str = "") -> Entry:
    return Entry(AccessEvent(action, Outcome.SUCCESS, Actor(name, kind, address=address, tenant=tenant)))


def test_if_all_have_as_many_events_the_new_one_is_lost() -> None:
    backlog = Backlog(3)
    entries = [entry(name) for name in "abc"]
    assert [backlog.add(each, 0) for each in entries] == [None, None, None]
    new = entry("d")
    assert backlog.add(new, 0) is new
    assert list(backlog) == entries


def test_what_is_being_sent_takes_room_and_is_not_lost() -> None:
    backlog = Backlog(2)
    first, second, third = entry("a"), entry("b"), entry("b")
    backlog.add(first, 0)
    assert backlog.next_requests(0) == [[first]]
    assert backlog.add(second, 0) is None
    assert backlog.add(third, 0) is third


def test_losses_of_one_who_is_not_known_name_nobody() -> None:
    backlog = Backlog(1)
    for number in range(3):
        backlog.add(entry("", "", f"192.0.2.{number}"), 0)
    [[loss, _]] = backlog.next_requests(0)
    assert (loss.event.action, loss.event.actor, loss.event.lost) == (LOST, Actor(), 2)


def test_losses_of_very_many_actors_are_counted_together() -> None:
    backlog = Backlog(1)
    for number in range(1_500):
        backlog.add(entry(f"name-{number}"), 0)
    [taken] = backlog.next_requests(0)
    assert len(taken) == 1_026
    assert sum(each.event.lost for each in taken) == 1_499
    backlog.acknowledge(taken, 0)
    assert backlog.is_empty


def test_events_join_a_request_for_a_while_unless_somebody_waits() -> None:
    backlog = Backlog(9)
    assert backlog.due_at() is None
    backlog.add(entry("a"), 5.0)
    backlog.add(entry("b"), 5.1)
    assert backlog.due_at() == 5.0 + LINGER
    backlog.hurry(5.2, "")
    assert backlog.due_at() == 5.2


def test_a_request_that_failed_is_due_after_longer_and_longer_pauses_until_somebody_waits() -> None:
    backlog, now = Backlog(9), 0.0
    backlog.add(entry("a"), now)
    for pause in (*PAUSES, PAUSES[-1]):
        [request] = backlog.next_requests(now)
        assert backlog.due_at() is None
        backlog.fail(request, now)
        now += pause
        assert (backlog.due_at(), backlog.is_failing) == (now, True)
    assert backlog.next_requests(now - 0.5) == []
    backlog.hurry(now - 0.5, "acme")
    assert backlog.due_at() == now
    backlog.hurry(now - 0.5, "")
    assert backlog.due_at() == now - 0.5


def test_losses_of_a_tenant_that_is_behind_wait_like_its_events() -> None:
    backlog = Backlog(2)
    backlog.add(entry("a", tenant="acme"), 0)
    [request] = backlog.next_requests(0)
    backlog.fail(request, 0)
    for _ in range(3):
        backlog.add(entry("a", tenant="acme"), 0)
    assert backlog.next_requests(0.5) == []
    assert backlog.due_at() == PAUSES[0]
    assert backlog.next_requests(1) == [request]
    backlog.acknowledge(request, 1)
    assert not backlog.is_failing
    [[loss, _]] = backlog.next_requests(1)
    assert (loss.event.action, loss.event.lost) == (LOST, 2)


def test_tenants_that_are_behind_have_all_the_room_if_no_others_need_it_and_else_half_of_it() -> None:
    backlog = Backlog(10)
    backlog.add(entry("a", tenant="acme"), 0)
    [request] = backlog.next_requests(0)
    backlog.fail(request, 0)
    behind = [entry(f"a{number}", tenant="acme") for number in range(9)]
    assert [backlog.add(each, 0) for each in behind] == [None] * 9
    others = [entry("b") for _ in range(9)]
    assert {backlog.add(each, 0) for each in others[:5]} == set(behind[4:])
    assert [backlog.add(each, 0) for each in others[5:]] == others[5:]  # nor do others push out those that are behind


def test_many_tenants_that_are_behind_leave_others_room_for_requests() -> None:
    backlog = Backlog(8192)
    for tenant in ("a", "b", "c", "d", "e"):
        for number in range(2048):
            backlog.add(entry(f"{number}", tenant=tenant), 0)
        for request in backlog.next_requests(0):
            backlog.fail(request, 0)
    assert sum(each.is_sent for each in backlog) <= 8192 // 2 + 3 * 64
    new = entry("x", tenant="x")
    backlog.add(new, 0)
    assert backlog.next_requests(0) == [[new]]


def attempted(backlog: Backlog, chance: random.Random, now: float) -> list[Entry]:
    """Send what is due; return the events that were acknowledged."""
    taken: list[Entry] = []
    for request in backlog.next_requests(now):
        outcome = chance.random()
        if outcome < 0.4:
            backlog.fail(request, now)
        elif outcome < 0.5 and len(request) > 1:
            assert not backlog.divide(request, now)
        else:
            backlog.acknowledge(request, now)
            taken += request
    return taken


def test_of_any_events_each_is_acknowledged_once_or_counted_and_those_of_a_tenant_in_order() -> None:
    for seed in range(5):
        chance, now = random.Random(seed), 0.0
        backlog = Backlog(50)
        added: Counter[str] = Counter()
        taken: list[Entry] = []

        for number in range(2_000):
            now += 0.1
            tenant = chance.choice(["noisy"] * 20 + ["loud"] * 5 + ["quiet"])
            added[tenant] += 1
            backlog.add(entry("a", tenant=tenant, action=str(number)), now)
            assert len(backlog) <= 50 + len(added)  # a record of losses for each actor
            if chance.random() < 0.1:
                taken += attempted(backlog, chance, now)
        while not backlog.is_empty:
            now += 60.0
            taken += attempted(backlog, chance, now)
        found: Counter[str] = Counter()
        for each in taken:
            found[each.tenant] += each.event.lost or 1
        assert found == added
        for tenant in added:
            order = [int(each.event.action) for each in taken if each.tenant == tenant and each.event.action != LOST]
            assert order == sorted(order)

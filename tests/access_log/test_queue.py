"""The queue of events: who loses records if there is no room, and that nothing is lost uncounted."""

from __future__ import annotations

import random
from collections import Counter

from server.access_log.event import AccessEvent, Actor, Outcome
from server.access_log.queue import LOST, Entry, EventQueue, share_of

MANY, LARGE = 10_000, 1 << 30


def entry(name: str, kind: str = "token", address: str = "", action: str = "search") -> Entry:
    return Entry(AccessEvent(action, Outcome.SUCCESS, Actor(name, kind, address=address)))


def test_whoever_is_not_known_has_one_share_whatever_the_address() -> None:
    shares = {share_of(Actor(address=f"192.0.2.{number}")) for number in range(9)}
    assert len(shares) == 1
    known = Actor("a", "token")
    assert share_of(known) == share_of(Actor("a", "token", address="192.0.2.1"))
    others = (Actor("a", "oidc"), Actor("b", "token"), Actor("a", "token", tenant="acme"), Actor())
    assert share_of(known) not in {share_of(other) for other in others}
    near, far = (Actor("local", "local", address=f"2001:db8::{part}") for part in ("1", "1:2"))
    assert share_of(near) == share_of(far) != share_of(Actor("local", "local", address="2001:db8:0:1::1"))


def test_if_all_have_as_many_events_the_new_one_is_lost() -> None:
    queue = EventQueue(3)
    entries = [entry(name) for name in "abc"]
    assert [queue.add(each, 0) for each in entries] == [None, None, None]
    new = entry("d")
    assert queue.add(new, 0) is new
    assert list(queue) == entries


def test_what_is_being_sent_takes_room_and_is_not_lost() -> None:
    queue = EventQueue(2)
    first, second = entry("a"), entry("b")
    queue.add(first, 0)
    assert queue.take(MANY, LARGE) == [first]
    queue.add(second, 1)
    third = entry("b")
    assert queue.add(third, 1) is third


def test_losses_of_one_who_is_not_known_name_nobody() -> None:
    queue = EventQueue(1)
    for number in range(3):
        queue.add(entry("", "", f"192.0.2.{number}"), 0)
    loss, _ = queue.take(MANY, LARGE)
    assert (loss.event.action, loss.event.actor, loss.event.lost) == (LOST, Actor(), 2)


def test_losses_of_very_many_actors_are_counted_together() -> None:
    queue = EventQueue(1)
    for number in range(1_500):
        queue.add(entry(f"name-{number}"), 0)
    taken = queue.take(MANY, LARGE)
    assert len(taken) == 1_026
    assert sum(each.event.lost for each in taken) == 1_499
    assert queue.is_empty


def test_at_least_one_event_is_taken_and_no_more_than_there_is_room_for() -> None:
    queue = EventQueue(9)
    for _ in range(4):
        queue.add(entry("a"), 0)
    each = queue.size // 4
    assert [len(queue.take(MANY, size)) for size in (1, 2 * each, LARGE)] == [1, 2, 1]
    assert (queue.size, queue.is_empty) == (0, True)


def test_of_any_events_each_is_taken_once_or_counted_and_only_who_has_most_loses_any() -> None:
    for seed in range(20):
        chance = random.Random(seed)
        queue = EventQueue(50)
        added: Counter[str] = Counter()
        taken: list[Entry] = []
        for number in range(2_000):
            name = chance.choice(["noisy"] * 20 + ["loud"] * 5 + ["quiet"])
            added[name] += 1
            lost = queue.add(entry(name, action=str(number)), 0)
            assert len(queue) <= 50
            if lost is not None:
                held = Counter(each.event.actor.name for each in queue)
                assert held[lost.event.actor.name] + 1 >= max(held.values())
            if chance.random() < 0.02:
                taken += queue.take(chance.randrange(1, 60), LARGE)
        taken += queue.take(MANY, LARGE)
        found: Counter[str] = Counter()
        for each in taken:
            found[each.event.actor.name] += each.event.lost or 1
        order = [int(each.event.action) for each in taken if each.event.action != LOST]
        assert found == added
        assert order == sorted(order)

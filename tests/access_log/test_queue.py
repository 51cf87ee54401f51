"""The queue of events: their order, and who loses one if there is no room."""

from __future__ import annotations

import random
from collections import Counter

from server.access_log.entry import Entry
from server.access_log.event import AccessEvent, Actor, Outcome
from server.access_log.queue import EventQueue, share_of

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


def test_at_least_one_event_is_taken_and_no_more_than_there_is_room_for() -> None:
    queue = EventQueue()
    for _ in range(4):
        queue.add(entry("a"))
    each = queue.size // 4
    assert [len(queue.take(MANY, size)) for size in (1, 2 * each, LARGE)] == [1, 2, 1]
    assert (queue.size, len(queue)) == (0, 0)


def test_the_events_of_one_tenant_are_taken_in_order_and_those_of_others_stay() -> None:
    queue = EventQueue()
    entries = [
        Entry(AccessEvent(str(number), Outcome.SUCCESS, Actor(name, "local", address="::1", tenant=tenant)))
        for number, (name, tenant) in enumerate((("a", ""), ("a", "acme"), ("b", ""), ("b", "acme"), ("a", "")))
    ]
    for each in entries:
        queue.add(each)
    size = queue.size
    assert queue.take_of("shop") == []
    assert queue.take_of("acme") == [entries[1], entries[3]]
    assert (list(queue), queue.size) == ([entries[0], entries[2], entries[4]], size * 3 // 5)
    assert queue.lose() is entries[4]
    assert queue.take(MANY, LARGE) == [entries[0], entries[2]]


def test_of_any_events_each_is_taken_once_or_lost_and_only_who_has_most_loses_any() -> None:
    for seed in range(5):
        chance = random.Random(seed)
        queue = EventQueue()
        left: list[Entry] = []
        taken: list[Entry] = []
        for number in range(2_000):
            name = chance.choice(["noisy"] * 20 + ["loud"] * 5 + ["quiet"])
            new = Entry(AccessEvent(str(number), Outcome.SUCCESS, Actor(name, "token", tenant=name[:1])))
            queue.add(new)
            left.append(new)
            if len(queue) > 50:
                lost = queue.lose()
                left.remove(lost)
                held = Counter(each.event.actor.name for each in queue)
                assert held[lost.event.actor.name] + 1 >= max(held.values())
            if chance.random() < 0.02:
                some = queue.take(chance.randrange(1, 60), LARGE)
                taken += some
                left = left[len(some) :]
            elif chance.random() < 0.02:
                quiet = queue.take_of("q")
                assert quiet == [each for each in left if each.tenant == "q"]
                left = [each for each in left if each.tenant != "q"]
            assert list(queue) == left
        order = [int(each.event.action) for each in taken]
        assert order == sorted(order)

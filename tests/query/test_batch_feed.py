"""The feed of batches, with both engines: which logs and batches count."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from server.notary.hashing import hash_pairs
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from server.query import batch_feed as feed_module
from server.query.batch_feed import BatchFeed
from storage.engine import Engine
from tests.api import growing
from tests.api.growing import NAME, GrowingLog, insert_copy
from tests.api.store import START
from tests.notary.trees import leaves


def test_a_log_that_somebody_else_began_is_followed_once_its_own_key_signs(engine: Engine) -> None:
    own, other = GrowingLog(engine), GrowingLog(engine)
    other.grow(1000, 1000)
    feed = BatchFeed(engine, lambda: own.keys)
    feed.begin()
    assert [(head.size, head.trusted) for head in feed.now().logs.values()] == [(2000, False)]
    own.grow(3)  # its number is smaller than the other batches' numbers
    while not feed.poll():
        pass
    assert [(head.size, head.trusted) for head in feed.now().logs.values()] == [(3, True)]
    (noticed,) = feed.after(0) or ()
    assert (noticed.first, noticed.end, noticed.trusted) == (0, 3, True)
    assert feed.now().logs[NAME.log_id].anew
    other.grow(1000)
    own.grow(2)
    assert feed.poll()
    assert [(each.first, each.end) for each in feed.after(1) or ()] == [(3, 5)]


def test_all_logs_are_noticed_however_many_there_are(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_ACTIVE", 2)
    logs = [GrowingLog(engine, name=LogName("shop", Stream.AUDIT, f"node-{number}")) for number in range(5)]
    keys = sum((log.keys for log in logs[1:]), logs[0].keys)
    feed = BatchFeed(engine, lambda: keys)
    feed.begin()
    for turn in range(1, 3):
        for log in logs:
            log.grow(1, 2)
        assert feed.poll()
        assert {log_id: head.size for log_id, head in feed.now().logs.items()} == {
            log.state.name.log_id: 3 * turn for log in logs
        }
    assert not feed.poll()
    assert len(feed.after(0) or ()) == 20


def test_what_is_not_kept_any_more_is_told(engine: Engine) -> None:
    log = GrowingLog(engine)
    feed = BatchFeed(engine, lambda: log.keys, kept=3)
    feed.begin()
    log.grow(1, 1, 1, 1)
    feed.poll()
    assert feed.now().number == 4
    assert feed.after(0) is None
    assert [(each.first, each.end) for each in feed.after(1) or ()] == [(1, 2), (2, 3), (3, 4)]
    assert list(feed.after(4) or ()) == []
    assert feed.now().logs[NAME.log_id].origin == NAME.origin


def test_a_log_that_is_hours_behind_all_others_is_noticed_too(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_ACTIVE", 1)
    late, other = (GrowingLog(engine, name=LogName("shop", Stream.AUDIT, name)) for name in ("late", "other"))
    feed = BatchFeed(engine, lambda: late.keys + other.keys)
    feed.begin()
    other.grow(1)
    assert feed.poll()
    monkeypatch.setattr(growing, "START", START - 3 * 3600 * 10**9)
    late.grow(2)
    monkeypatch.setattr(feed_module, "_WHOLE", 3)
    while not feed.poll():
        pass
    assert feed.now().logs[late.state.name.log_id].size == 2


def size_after(feed: BatchFeed, size: int) -> int:
    """Poll until the log has a size, and return the size; the time limit of the test ends an endless wait."""
    while feed.now().logs[NAME.log_id].size < size:
        feed.poll()
    return feed.now().logs[NAME.log_id].size


def test_a_copy_of_an_old_batch_with_a_large_number_hides_no_later_one(engine: Engine) -> None:
    log = GrowingLog(engine)
    old, _ = log.grow(2, 3)
    running = BatchFeed(engine, lambda: log.keys)
    running.begin()
    insert_copy(engine, old, sequence=1 << 60)
    begun = BatchFeed(engine, lambda: log.keys)
    begun.begin()
    for feed in (running, begun):
        assert feed.now().logs[NAME.log_id].size == 5
    log.grow(4)
    for feed in (running, begun):
        assert feed.poll()
        assert [(each.first, each.end) for each in feed.after(0) or ()] == [(5, 9)]


@pytest.mark.parametrize("sequence", [0, 1 << 60])
def test_a_batch_whose_number_was_changed_is_noticed_and_so_is_what_follows(engine: Engine, sequence: int) -> None:
    log = GrowingLog(engine)
    log.grow(2)
    feed = BatchFeed(engine, lambda: log.keys)
    feed.begin()
    insert_copy(engine, log.grow(1, commit=False)[0], sequence=sequence)
    log.state = replace(log.state, range=log.state.range.extend(leaves(2, 3), hash_pairs)[0])
    assert size_after(feed, 3) == 3
    log.grow(4)
    assert size_after(feed, 7) == 7
    assert [(each.first, each.end) for each in feed.after(0) or ()] == [(2, 3), (3, 7)]


def test_a_batch_is_found_behind_any_number_of_rows_that_do_not_count(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "_MOST", 10)
    monkeypatch.setattr(feed_module, "_PAGES", 2)
    log = GrowingLog(engine)
    (old,) = log.grow(5)
    feed = BatchFeed(engine, lambda: log.keys)
    feed.begin()
    for number in range(60):
        insert_copy(engine, old, sequence=2, tree_size=6, record_count=6, min_timestamp=number)
    log.grow(3)
    assert size_after(feed, 8) == 8


def test_copies_of_old_batches_do_not_fill_the_pages_of_a_feed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_MOST", 10)
    log = GrowingLog(engine)
    (old,) = log.grow(5)
    feed = BatchFeed(engine, lambda: log.keys)
    feed.begin()
    for number in range(30):
        insert_copy(engine, old, sequence=2, min_timestamp=number)
    log.grow(3)
    assert feed.poll()
    assert feed.now().logs[NAME.log_id].size == 8


def test_any_number_of_rows_of_others_hides_no_batch_of_a_trusted_key(engine: Engine) -> None:
    own, other = GrowingLog(engine), GrowingLog(engine)
    own.grow(3)
    other.grow(*[100] * 30)
    begun = BatchFeed(engine, lambda: own.keys)
    begun.begin()
    assert [(head.size, head.trusted) for head in begun.now().logs.values()] == [(3, True)]


def test_all_batches_of_a_log_that_others_began_are_noticed_however_many_there_are(engine: Engine) -> None:
    own, other = GrowingLog(engine), GrowingLog(engine)
    other.grow(1000)
    feed = BatchFeed(engine, lambda: own.keys)
    feed.begin()
    own.grow(*[1] * 50)
    other.grow(*[100] * 30)
    while not feed.now().logs[NAME.log_id].trusted:
        feed.poll()
    assert [(each.first, each.end) for each in feed.after(0) or () if each.trusted] == [(0, 50)]


def test_a_key_that_is_learned_late_does_not_begin_its_log_anew(engine: Engine) -> None:
    own = GrowingLog(engine)
    own.grow(4)
    keys = TrustedKeys()
    feed = BatchFeed(engine, lambda: keys)
    feed.begin()
    own.grow(2)
    feed.poll()
    keys = own.keys
    while not feed.now().logs[NAME.log_id].trusted:
        feed.poll()
    own.grow(3)
    assert feed.poll()
    assert not feed.now().logs[NAME.log_id].anew
    assert [(each.first, each.end, each.trusted) for each in feed.after(0) or ()] == [(4, 6, False), (6, 9, True)]


@pytest.mark.parametrize(
    "changes",
    [
        {"tree_size": 1 << 62, "record_count": (1 << 62) - 2},
        {"tree_size": 1 << 62, "first_leaf": (1 << 62) - 1, "record_count": 1},
        {"record_count": 5},
    ],
)
def test_a_batch_of_others_counts_only_as_it_was_signed(engine: Engine, changes: dict[str, int]) -> None:
    log, other = GrowingLog(engine), GrowingLog(engine)
    log.grow(2)
    feed = BatchFeed(engine, TrustedKeys)
    feed.begin()
    other.grow(1)
    (batch,) = other.grow(2, commit=False)
    insert_copy(engine, batch, **changes)
    feed.poll()
    assert feed.now().logs[NAME.log_id].size == 2


def test_a_time_to_come_delays_no_log(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_ACTIVE", 1)
    late, other = (GrowingLog(engine, name=LogName("shop", Stream.AUDIT, name)) for name in ("late", "other"))
    feed = BatchFeed(engine, lambda: late.keys + other.keys)
    feed.begin()
    now = time.time_ns()
    monkeypatch.setattr(growing, "START", now + 24 * 3600 * 10**9)
    other.grow(1)
    assert feed.poll()
    monkeypatch.setattr(growing, "START", now)
    late.grow(2)
    assert feed.poll()
    assert feed.now().logs[late.state.name.log_id].size == 2

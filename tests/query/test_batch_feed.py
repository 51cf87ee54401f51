"""The feed of batches, with both engines: which logs and batches count."""

from __future__ import annotations

import pytest

from server.notary.origin import LogName, Stream
from server.query import batch_feed as feed_module
from server.query.batch_feed import BatchFeed
from storage.engine import Engine
from tests.api import growing
from tests.api.growing import NAME, GrowingLog


def test_a_log_that_somebody_else_began_is_followed_once_its_own_key_signs(engine: Engine) -> None:
    own, other = GrowingLog(engine), GrowingLog(engine)
    other.grow(1000, 1000)
    feed = BatchFeed(engine, lambda: own.keys)
    feed.begin()
    assert [(head.size, head.trusted) for head in feed.now().logs.values()] == [(2000, False)]
    own.grow(3)  # its number is smaller than those of the others
    while not feed.poll():
        pass
    assert [(head.size, head.trusted) for head in feed.now().logs.values()] == [(3, True)]
    (noticed,) = feed.after(0) or ()
    assert (noticed.first, noticed.end, noticed.anew) == (0, 3, True)
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
    monkeypatch.setattr(growing, "START", growing.START - 3 * 3600 * 10**9)
    late.grow(2)
    monkeypatch.setattr(feed_module, "_WHOLE", 3)
    while not feed.poll():
        pass
    assert feed.now().logs[late.state.name.log_id].size == 2

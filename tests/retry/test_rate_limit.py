"""A rate limit permits one event of a kind in an interval, and counts the others."""

from __future__ import annotations

from server.retry.rate_limit import RateLimit


def test_one_event_of_each_kind_is_permitted_in_an_interval_and_the_others_are_counted() -> None:
    now = [0.0]
    limit = RateLimit(60.0, lambda: now[0])
    assert [limit.take("a") for _ in range(4)] == [0, None, None, None]
    assert limit.take("b") == 0
    now[0] = 59.9
    assert limit.take("a") is None
    now[0] = 60.0
    assert limit.take("a") == 4
    assert limit.take("a") is None
    now[0] = 200.0
    assert limit.take("b") == 0

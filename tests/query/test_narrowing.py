from __future__ import annotations

import pytest

from server.query.errors import QueryTooExpensiveError
from server.query.limits import QueryLimits
from server.query.narrowing import Narrowed, answer_latest
from storage.engine import Engine, EngineWrapper


class Asked:
    """Answers about ranges that are not longer than a limit."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.begins: list[int | None] = []

    def __call__(self, engine: Engine, begin: int | None) -> str:
        self.begins.append(begin)
        if begin is None or 1000 - begin > self.longest:
            raise QueryTooExpensiveError(f"attempt {len(self.begins)}")
        return "answer"


ENGINE = EngineWrapper(None)  # type: ignore[arg-type]


def bounds(_: Engine) -> tuple[int, int]:
    return 0, 1000


def test_an_answer_within_the_limits_is_about_the_whole_range() -> None:
    asked = Asked(1000)
    assert answer_latest(ENGINE, QueryLimits(), 0, bounds, asked) == Narrowed("answer", 0, is_partial=False)
    assert asked.begins == [0]


@pytest.mark.parametrize("since", [0, None])
def test_otherwise_it_is_about_the_latest_part_that_is(since: int | None) -> None:
    asked = Asked(100)
    assert answer_latest(ENGINE, QueryLimits(), since, bounds, asked) == Narrowed("answer", 938, is_partial=True)
    assert asked.begins == [since, 750, 938]


def test_a_part_begins_where_steps_do() -> None:
    asked = Asked(100)
    found = answer_latest(ENGINE, QueryLimits(), 0, bounds, asked, cut=lambda at: -(-at // 50) * 50)
    assert found == Narrowed("answer", 950, is_partial=True)


def test_an_error_of_each_part_is_told_as_that_of_the_whole() -> None:
    asked = Asked(0)
    with pytest.raises(QueryTooExpensiveError, match="attempt 1"):
        answer_latest(ENGINE, QueryLimits(), 0, bounds, asked, cut=lambda at: -(-at // 50) * 50)
    assert asked.begins == [0, 750, 950]


def test_no_part_is_tried_without_time_for_it() -> None:
    now = iter([0.0, 0.0, 0.0, 29.9])
    asked = Asked(0)
    with pytest.raises(QueryTooExpensiveError, match="attempt 1"):
        answer_latest(ENGINE, QueryLimits(seconds=30), 0, bounds, asked, clock=lambda: next(now))
    assert asked.begins == [0]

"""All of a schedule happens, in its order and for its time, on a machine of any speed."""

from __future__ import annotations

import pytest

from tests.faults.timeline import Action, Timeline


def noting(done: list[tuple[str, float]], line: Timeline, name: str) -> Action:
    def note(_last: bool) -> bool:
        done.append((name, line.position))
        return True

    return note


@pytest.mark.parametrize("seconds", [0.1, 1.0, 100.0])
def test_everything_happens_at_its_position_however_long_the_pauses_between_are(seconds: float) -> None:
    line, done = Timeline(), list[tuple[str, float]]()
    for name, position in (("fill", 2.5), ("kill", 2.8), ("start", 3.0), ("free", 3.3)):
        line.at(position, noting(done, line, name))
    while line.position < 3.5:
        line.advance(seconds)
    assert [name for name, _ in done] == ["fill", "kill", "start", "free"]
    assert [position for _, position in done] == pytest.approx([2.5, 2.8, 3.0, 3.3])


def test_what_begins_at_a_position_may_add_its_end() -> None:
    line, done = Timeline(), list[tuple[str, float]]()

    def begin(_last: bool) -> bool:
        line.at(line.position + 0.8, noting(done, line, "end"))
        return noting(done, line, "begin")(_last)

    line.at(1.0, begin)
    line.at(1.5, noting(done, line, "meanwhile"))
    while line.position < 2.0:
        line.advance(10.0)
    assert [name for name, _ in done] == ["begin", "meanwhile", "end"]


def test_what_cannot_be_done_yet_holds_the_line_until_it_can() -> None:
    line, done, asked = Timeline(patience=60.0), list[tuple[str, float]](), list[bool]()

    def third_time(last: bool) -> bool:
        asked.append(last)
        return len(asked) == 3

    line.at(1.0, third_time)
    line.at(1.2, noting(done, line, "next"))
    for _ in range(3):
        line.advance(1.0)
        assert (line.position, done) == (1.0, [])
    line.advance(1.0)
    line.advance(1.0)
    assert (asked, done) == ([False] * 3, [("next", 1.2)])


def test_what_can_never_be_done_is_asked_a_last_time_and_passed_by() -> None:
    line, done, asked = Timeline(patience=2.5), list[tuple[str, float]](), list[bool]()

    def never(last: bool) -> bool:
        asked.append(last)
        return False

    line.at(0.0, never)
    line.at(0.5, noting(done, line, "next"))
    while line.position < 1.0:
        line.advance(1.0)
    assert asked == [False] * 3 + [True]
    assert done == [("next", 0.5)]

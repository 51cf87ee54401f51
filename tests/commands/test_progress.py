from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lognotary.v1 import evidence_pb2
from server.commands.progress import ProgressBar, progress_line


def progress(records: int, total: int) -> evidence_pb2.VerifyProgress:
    return evidence_pb2.VerifyProgress(records=records, total_records=total)


def test_it_tells_share_rate_and_time_left() -> None:
    line = progress_line(progress(1_250_000, 5_000_000), 5.0)
    assert line == "██████░░░░░░░░░░░░░░░░░░  25%  1,250,000 of 5,000,000 records  250,000/s  0:15 left"


@pytest.mark.parametrize(
    ("left", "shown"),
    [(0, "0:00"), (9, "0:09"), (59, "0:59"), (60, "1:00"), (3_599, "59:59"), (3_600, "1:00:00"), (90_061, "25:01:01")],
)
def test_time_left_is_in_hours_minutes_and_seconds(left: int, shown: str) -> None:
    assert progress_line(progress(10, 10 + left), 10.0).endswith(f"  {shown} left")


def test_before_anything_is_done_nothing_is_said_of_rate_and_time() -> None:
    assert progress_line(progress(0, 5), 3.0).endswith("0%  0 of 5 records")
    assert progress_line(progress(3, 5), 0.0).endswith("60%  3 of 5 records")


def test_nothing_to_do_is_done() -> None:
    assert progress_line(progress(0, 0), 1.0).endswith("100%  0 of 0 records")


@given(st.integers(0, 2**40), st.integers(0, 2**40), st.floats(0, 1e9))
def test_any_progress_fits_the_bar(records: int, total: int, seconds: float) -> None:
    line = progress_line(progress(records, total), seconds)
    match = re.match(r"(█*░*) +(\d+)%  ", line)
    assert match is not None
    assert len(match[1]) == 24
    assert int(match[2]) <= 100
    assert line.isprintable()


def test_each_line_is_written_over_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    stream, times = io.StringIO(), iter((100.0, 101.0, 104.0))
    bar = ProgressBar(stream, lambda: next(times))
    bar.show(progress(1, 4))
    bar.show(progress(4, 4))
    bar.clear()
    first, second, last = stream.getvalue().split("\r\x1b[K")[1:]
    assert first == progress_line(progress(1, 4), 1.0)
    assert second == progress_line(progress(4, 4), 4.0)
    assert last == ""
    assert "\n" not in stream.getvalue()


@pytest.mark.parametrize("columns", [1, 20, 40])
def test_a_line_never_wraps_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = io.StringIO()
    ProgressBar(stream).show(progress(1, 4))
    assert len(stream.getvalue().removeprefix("\r\x1b[K")) == max(1, columns - 1)

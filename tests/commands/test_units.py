from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.commands.units import cells, cut, duration, padded, wrapped

S = 10**9
TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=200)


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "0 µs"),
        (7, "7 ns"),
        (1_234, "1.23 µs"),
        (103_456, "103 µs"),
        (999_499, "999 µs"),
        (11_420_000, "11.4 ms"),
        (2 * S, "2.00 s"),
        (59_400_000_000, "59.4 s"),
        (125 * S, "2 min 05 s"),
        (7_380 * S, "2 h 03 min"),
        (90_000 * S, "1 d 01 h"),
        (-5_000_000, "-5.00 ms"),
    ],
)
def test_a_span_of_time_has_three_digits_and_a_fitting_unit(nanos: int, text: str) -> None:
    assert duration(nanos) == text


@given(TEXTS, st.integers(2, 60))
def test_a_cut_text_fits_and_says_that_it_was_cut(text: str, width: int) -> None:
    short = cut(text, width)
    assert cells(short) <= width
    assert short == text or short.endswith("…")
    assert cells(padded(text, width)) == width
    assert cut(text, None) == text


@given(TEXTS, st.integers(2, 60))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert wrapped(text, None) == ([text] if text else [""])


def test_lines_are_broken_at_spaces() -> None:
    assert wrapped("one two three four", 9) == ["one two", "three", "four"]

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.commands.units import cells, cut, padded, wrapped

TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=200)


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

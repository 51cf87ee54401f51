from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.escaping.visible import escape, visible


def test_what_a_terminal_would_obey_or_hide_is_an_escape() -> None:
    text = "a\x1b[2J\n\r\t\x00\x7f\x9b\u2028\u202e\u200b\ud800\U000e0001"
    assert visible(text) == r"a\x1b[2J\n\r\t\x00\x7f\x9b\u2028\u202e\u200b\ud800\U000e0001"


def test_text_in_any_script_stays_as_it_is() -> None:
    for text in ("", "plain", "C:\\new", "Grüße, 日本語, العربية ✔", "a b"):
        assert visible(text) == text


def test_a_long_text_is_cut_off_with_a_note() -> None:
    assert visible("x" * 10, 10) == "x" * 10
    assert visible("x" * 1011, 10) == "x" * 10 + "… (1,001 more characters)"


@given(st.text(st.characters(exclude_categories=[])), st.integers(0, 50))
def test_any_text_becomes_one_printable_line_of_limited_length(text: str, limit: int) -> None:
    line = visible(text, limit)
    assert line.isprintable()
    assert len(line) <= 10 * limit + 40
    assert escape(line) == line

from __future__ import annotations

import pytest

from server.notary.audit_words import CATEGORIES, OUTCOMES, parse_pattern


def test_the_fixed_words_are_those_of_the_draft_audit_signal_and_of_auditors() -> None:
    assert OUTCOMES == ("success", "failure", "unknown")
    assert CATEGORIES == ("admin", "data", "auth", "system")


@pytest.mark.parametrize(
    ("text", "value", "begins"),
    [
        ("alice", "alice", False),
        ("alice*", "alice", True),
        ("*", "", True),
        ("", "", False),
        (r"5\*4", "5*4", False),
        (r"5\**", "5*", True),
    ],
)
def test_a_pattern_is_a_whole_value_or_a_beginning(text: str, value: str, *, begins: bool) -> None:
    assert parse_pattern(text) == (value, begins)


@pytest.mark.parametrize("text", ["*ice", "a*b", "a**", "**"])
def test_an_asterisk_anywhere_else_is_refused_with_what_can_be_written(text: str) -> None:
    with pytest.raises(ValueError, match=r"'\*' that is not at its end: give the whole value, or a beginning"):
        parse_pattern(text)

"""A regular expression that is wrong, not supported or too large is refused, with the place and what to do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.codec.regex import RegexError, compile_regex
from server.codec.regex_parse import MAX_DEPTH, MAX_GROUPS, MAX_LENGTH
from server.codec.regex_program import MAX_INSTRUCTIONS
from tests.effort import effort

from .regexes import any_text_as_pattern, found, found_by_re2


@pytest.mark.parametrize(
    ("pattern", "character", "problem"),
    [
        ("a(b", 2, "has no closing )"),
        ("ab)", 3, "there is no ( for this )"),
        ("a[b", 2, "[ has no closing ]"),
        ("[]", 1, "[ has no closing ]"),
        ("[a-", 3, "the range has no end"),
        ("[xz-a]", 3, "the range z-a is the wrong way round"),
        (r"[a-\d]", 4, "a class cannot be the end of a range"),
        ("a[[:foo:]]", 3, "there is no class [:foo:]: use one of alnum, alpha"),
        ("a\\", 2, "escapes nothing"),
        (r"a\q", 2, "without the \\ it is the character itself"),
        (r"\é", 1, "without the \\ it is the character itself"),
        (r"[\b]", 2, "\\b is not a known escape here"),
        (r"\x4", 1, "two hexadecimal digits"),
        (r"\x{}", 1, "two hexadecimal digits"),
        (r"\x{110000}", 1, "up to 10FFFF"),
        (r"\07", 1, "octal escapes are not supported"),
        (r"\Z", 1, r"use \z"),
        (r"a\pL", 2, "Unicode classes are not supported"),
        (r"[\PL]", 2, "Unicode classes are not supported"),
        (r"\Qa\E", 1, "put \\ in front of each special character"),
        (r"\C", 1, "a single byte, is not supported"),
        (r"(?P<x>a)\1", 9, "a back reference takes more than linear time and is not supported"),
        (r"(?P<x>a)\k<x>", 9, "a back reference takes more than linear time and is not supported"),
        ("(?P<x>a)(?P=x)", 9, "a back reference takes more than linear time and is not supported"),
        ("a(?=b)", 2, "look-around takes more than linear time and is not supported"),
        ("a(?!b)", 2, "look-around takes more than linear time and is not supported"),
        ("(?<=a)b", 1, "look-around takes more than linear time and is not supported"),
        ("(?<!a)b", 1, "look-around takes more than linear time and is not supported"),
        ("(?>a)", 1, "a group must begin with"),
        ("(?#a)", 1, "a group must begin with"),
        ("(?U)a", 1, "a group must begin with"),
        ("(?i-)a", 1, "a group must begin with"),
        ("(?P<a b>a)", 1, "a group's name must consist of ASCII letters"),
        ("(?<é>a)", 1, "a group's name must consist of ASCII letters"),
        ("(?P<>a)", 1, "a group's name must consist of ASCII letters"),
        ("(?P<x>a)(?P<x>b)", 9, "there are two groups 'x'"),
        ("*a", 1, "there is nothing to repeat before *"),
        ("a|{2}", 3, "there is nothing to repeat before {2}"),
        ("(?i)+", 5, "there is nothing to repeat before +"),
        ("a**", 3, "* repeats a repetition"),
        ("a++", 3, "+ repeats a repetition"),
        ("a{2}?{3}", 6, "{3} repeats a repetition"),
        ("a{1001}", 2, "{1001} repeats too often: use counts up to 1000"),
        ("a{1,1001}", 2, "{1,1001} repeats too often"),
        ("a{3,2}", 2, "{3,2} is the wrong way round"),
    ],
)
def test_the_message_says_what_is_wrong_and_where(pattern: str, character: int, problem: str) -> None:
    with pytest.raises(RegexError) as refused:
        compile_regex(pattern)
    assert str(refused.value).startswith(f"regular expression {pattern!r}, character {character}: ")
    assert problem in str(refused.value)
    assert refused.value.position == character - 1


@pytest.mark.parametrize(
    ("largest", "too_large", "problem"),
    [
        ("(?:)" * (MAX_LENGTH // 4), "é" * (MAX_LENGTH + 1), "1001 characters are too many"),
        ("(" * MAX_DEPTH + ")" * MAX_DEPTH, "(?:" * (MAX_DEPTH + 1) + ")" * (MAX_DEPTH + 1), "nested too deeply"),
        (
            "".join(f"(?P<g{number}>)" for number in range(MAX_GROUPS)),
            "".join(f"(?P<g{number}>)" for number in range(MAX_GROUPS + 1)),
            "too many named groups",
        ),
        ("a{299}(?:bc){100}", "a{300}(?:bc){100}", "more than 500 instructions"),
    ],
)
def test_the_limits_are_exact(largest: str, too_large: str, problem: str) -> None:
    compile_regex(largest)
    with pytest.raises(RegexError, match=problem):
        compile_regex(too_large)


def nested_counts(repeated: str) -> str:
    for _ in range(MAX_DEPTH - 1):
        repeated = f"(?:{repeated}){{1000}}"
    return repeated


@pytest.mark.parametrize("repeated", ["^", "|", "a", "(?P<x>)", "(?:)*|"])
def test_nested_counts_are_refused_before_they_cost_much(repeated: str) -> None:
    with pytest.raises(RegexError, match=f"more than {MAX_INSTRUCTIONS} instructions"):
        compile_regex(nested_counts(repeated))


@pytest.mark.parametrize(
    "repeated", [r"[^\x00-\x{10FFFF}]", r"[^\s\S]", r"[^\s\S](?i:[^k-é])", r"(?:[^\s\S]|[^\d\D])*"]
)
def test_counts_of_what_needs_no_instructions_of_its_own_are_limited_too(repeated: str) -> None:
    compile_regex(f"(?:{repeated}){{100}}")
    with pytest.raises(RegexError, match=r"its counts in \{ \} repeat too much|more than 500 instructions"):
        compile_regex(nested_counts(repeated))


@pytest.mark.parametrize("repeated", ["", "a{0}", "(?i)", "()*"])
def test_nested_counts_of_nothing_cost_nothing(repeated: str) -> None:
    assert len(compile_regex(nested_counts(repeated)).program) == 1


def test_a_long_regular_expression_is_quoted_in_part() -> None:
    with pytest.raises(RegexError) as refused:
        compile_regex("a" * 900 + ")")
    assert len(str(refused.value)) < 200


@settings(max_examples=effort(3000), deadline=None)
@given(any_text_as_pattern(), st.text("ab-]{", max_size=5))
def test_any_text_is_refused_or_means_what_it_means_to_re2(pattern: str, text: str) -> None:
    try:
        meaning = found(pattern, text)
    except RegexError:
        return
    assert meaning == found_by_re2(pattern, text.encode())

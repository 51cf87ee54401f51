"""The searches in Python and in C++ take the same steps and find what RE2 finds, on any expression and any text."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lacking import lacking
from server.codec.choose import why_not_native
from server.codec.regex import Regex, compile_regex
from server.codec.regex_run import search_counting
from tests.effort import effort

from .regexes import Found, found_by_re2, patterns, texts

if why_not_native():
    lacking(f"the compiled codec is not installed: {why_not_native()}")

from server.codec import _native

LENGTH = 64 << 10


def native_search(regex: Regex, text: bytes) -> tuple[Found, int]:
    scratch = _native.RegexScratch()
    return _native.Regex(regex.encoded()).search(text, scratch), scratch.steps


@settings(max_examples=effort(3000), deadline=None)
@given(patterns(), st.lists(texts(), min_size=1, max_size=4))
def test_both_find_what_re2_finds(pattern: str, some_texts: list[bytes]) -> None:
    regex = compile_regex(pattern)
    for text in some_texts:
        groups, steps = search_counting(regex, text)
        assert native_search(regex, text) == (groups, steps)
        assert groups == found_by_re2(pattern, text)
        assert steps <= len(regex.program) * (len(text) + 1)


@settings(max_examples=effort(1000), deadline=None)
@given(patterns(), st.one_of(st.binary(max_size=12), texts().map(lambda text: text[1:-1])))
def test_both_do_the_same_with_bytes_that_are_not_utf_8(pattern: str, text: bytes) -> None:
    regex = compile_regex(pattern)
    assert native_search(regex, text) == search_counting(regex, text)


@settings(max_examples=effort(300), deadline=None)
@given(st.lists(st.tuples(patterns(), texts()), min_size=2, max_size=6))
def test_a_scratch_serves_any_expressions_in_turn(searches: list[tuple[str, bytes]]) -> None:
    scratch = _native.RegexScratch()
    for pattern, text in searches * 2:
        regex = compile_regex(pattern)
        groups = _native.Regex(regex.encoded()).search(text, scratch)
        assert (groups, scratch.steps) == search_counting(regex, text)


def test_threads_search_at_once_with_a_scratch_each() -> None:
    regex = _native.Regex(compile_regex("(?P<first>a+)(?P<last>[^a]+)$").encoded())
    begin = Barrier(4)

    def search(number: int) -> list[Found]:
        scratch = _native.RegexScratch()
        begin.wait()
        return [regex.search(b"b" * 3000 + b"a" * number + str(turn).encode(), scratch) for turn in range(100)]

    with ThreadPoolExecutor(4) as pool:
        for number, results in zip(range(1, 5), pool.map(search, range(1, 5)), strict=True):
            assert results == [(b"a" * number, str(turn).encode()) for turn in range(100)]


@pytest.mark.parametrize(("search", "length"), [(search_counting, LENGTH // 8), (native_search, LENGTH)])
@pytest.mark.parametrize(
    "pattern",
    ["(a*)*b", "(a|a)*b", "(?:a|aa)+$b", "(.*)(.*)(.*)x", "(?P<x>a+)+b", "(?:a?){5}a{5}b", "(?:(?:a*)*)*[^a]"],
)
def test_a_bomb_costs_a_step_for_each_instruction_and_byte_at_most(
    search: Callable[[Regex, bytes], tuple[Found, int]], length: int, pattern: str
) -> None:
    regex = compile_regex(pattern)
    groups, steps = search(regex, b"a" * length)
    assert groups is None
    assert length <= steps <= len(regex.program) * (length + 1)


@pytest.mark.parametrize("search", [search_counting, native_search])
@pytest.mark.parametrize(
    ("pattern", "steps"),
    [
        ("^ab", 3),  # a match can begin only at the start
        (r"\A(?:a|b)c", 5),
        ("ab(?P<x>.)", 0),  # the prefix is not in the text
        ("[bc]a*", 0),  # no byte of the text can be the first
        (r"\bb", 0),
    ],
)
def test_places_at_which_no_match_can_begin_cost_nothing(
    search: Callable[[Regex, bytes], tuple[Found, int]], pattern: str, steps: int
) -> None:
    assert search(compile_regex(pattern), b"a" * LENGTH) == (None, steps)


@pytest.mark.parametrize("pattern", ["(?P<x>a)b|[c-é]*$", "^abc", ""])
def test_an_encoding_that_is_not_a_program_is_refused(pattern: str) -> None:
    encoded = compile_regex(pattern).encoded()
    _native.Regex(encoded)
    for length in range(len(encoded)):
        with pytest.raises(ValueError, match="program"):
            _native.Regex(encoded[:length])
    for index in range(len(encoded)):
        with pytest.raises(ValueError, match="program"):
            _native.Regex([*encoded[:index], 1 << 20, *encoded[index + 1 :]])

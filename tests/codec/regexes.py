"""Regular expressions and texts for tests, and three searches: in Python, in C++, and RE2's own."""

from __future__ import annotations

import re
from functools import cache
from itertools import count

import re2
from hypothesis import strategies as st

from server.codec.choose import why_not_native
from server.codec.regex import Regex, compile_regex, search
from server.codec.regex_parse import MAX_GROUPS

__all__ = ["Found", "any_text_as_pattern", "found", "found_by_re2", "patterns", "texts"]

Found = tuple[bytes, ...] | None

_QUIET = re2.Options()
_QUIET.log_errors = False

_ATOMS = (
    *("a", "b", "k", "\u017f", "é", "-", "]", "{", "\n"),
    *(".", "[ab]", "[^a]", "[a-k1]", r"[^\n]", "[é-ü]", r"[\x{100}-\x{10000}]", r"[^\W]", r"[\d\s]"),
    *(r"\w", r"\W", r"\d", r"\D", r"\s", r"\S", r"\x61", r"\.", r"\{"),
    *("[[:alpha:]]", "[[:^alpha:]]", "[^[:upper:]b]"),
    *("^", "$", r"\A", r"\z", r"\b", r"\B"),
)
_FLAGS = ("(?i)", "(?s)", "(?m)", "(?i-s)", "(?-i)", "(?sm)")
_GROUPS = ("(", "(?:", "(?P<#>", "(?<#>", "(?i:", "(?s:", "(?m:", "(?-i:", "(?s-m:")
_COUNTS = ("*", "+", "?", "{2}", "{0,2}", "{1,2}", "{2,}", "{0}", "{0,}", "{1}")


def found(pattern: str, text: str) -> Found:
    """Search in Python and, if the compiled codec is there, in C++, which must find the same."""
    regex = compile_regex(pattern)
    groups = search(regex, text.encode())
    if not why_not_native():
        assert _native_search(regex, text.encode()) == groups
    return groups


def _native_search(regex: Regex, text: bytes) -> Found:
    from server.codec import _native

    return _native.Regex(regex.encoded()).search(text, _native.RegexScratch())


def found_by_re2(pattern: str, text: bytes) -> Found:
    """Search with RE2.

    Raises:
        re2.error: RE2 refuses the regular expression.
    """
    regex = re2.compile(pattern, _QUIET)
    match = regex.search(text)
    names = sorted(regex.groupindex, key=regex.groupindex.__getitem__)
    return match and tuple(match.group(name) or b"" for name in names)


def patterns() -> st.SearchStrategy[str]:
    """Return a strategy of regular expressions that are supported."""
    return _expressions(4, None).map(_with_names)


def _with_names(pattern: str) -> str:
    numbers = count(1)

    def name(group: re.Match[str]) -> str:
        number = next(numbers)
        return group[0].replace("#", f"g{number}") if number <= MAX_GROUPS else "(?:"

    return re.sub(r"\(\?P?<#>", name, pattern)


@cache
def _expressions(depth: int, laziness: str | None) -> st.SearchStrategy[str]:
    """Return a strategy of expressions.

    Args:
        depth: levels of expressions within expressions.
        laziness: "?" if all repetitions are lazy, "" if all are greedy. RE2 alone prefers something else than Perl if
            a greedy repetition that can be empty is in a lazy one, as test_regex.py shows.
    """
    atoms = st.sampled_from(_ATOMS)
    if depth == 0:
        return atoms
    inner = _expressions(depth - 1, laziness)
    repeated = [
        st.tuples(
            st.one_of(atoms, _expressions(depth - 1, signs).map("(?:{})".format), _in_groups(depth - 1, signs)),
            st.sampled_from(_COUNTS),
            st.just(signs),
        ).map("".join)
        for signs in (("", "?") if laziness is None else (laziness,))
    ]
    return st.one_of(
        atoms,
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join),
        st.sampled_from(["", "|"]).flatmap(lambda before: inner.map(before.__add__)),
        st.tuples(st.sampled_from(_FLAGS), inner.filter(lambda text: text[:1] not in "*+?")).map("".join),
        _in_groups(depth - 1, laziness),
        *repeated,
    )


def _in_groups(depth: int, laziness: str | None) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(_GROUPS), _expressions(depth, laziness), st.just(")")).map("".join)


def any_text_as_pattern() -> st.SearchStrategy[str]:
    """Return a strategy of texts that are often wrong as regular expressions."""
    parts = [*r"()[]{}|*+?^$\.-:<>=!,012aikzé", "(?", "(?P<", "(?:", "[^", "[:", "[[:alpha:]]", r"\x{", r"\w", "{1,2}"]
    return st.lists(st.sampled_from(parts), max_size=12).map("".join)


def texts() -> st.SearchStrategy[bytes]:
    """Return a strategy of UTF-8 texts with the characters of the patterns, and some others."""
    return st.text("aaabbkK\u212as\u017féÉü1-]{ .\n𐀀Ω", max_size=12).map(str.encode)

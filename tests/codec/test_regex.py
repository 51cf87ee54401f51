"""Regular expressions mean what RE2's syntax page says: https://github.com/google/re2/wiki/Syntax."""

from __future__ import annotations

import pytest

from server.codec.regex import compile_regex

from .regexes import Found, found, found_by_re2


def test_a_search_returns_the_text_of_each_named_group_in_order() -> None:
    pattern = r"Accepted (?P<method>\w+) for (?<user>\S+) from (\d+)\."
    assert compile_regex(pattern).groups == ("method", "user")
    assert found(pattern, "sshd: Accepted publickey for alice from 10.0.0.1") == (b"publickey", b"alice")


def test_a_search_without_named_groups_tells_only_whether_there_is_a_match() -> None:
    assert found("b(c)", "abcd") == ()
    assert found("b(c)", "abd") is None


def test_a_group_that_took_no_part_is_empty() -> None:
    assert found("(?P<a>a)(?P<b>b)?|(?P<c>c)", "xa") == (b"a", b"", b"")
    assert found("(?P<a>a){0}b", "ab") == (b"",)


def test_a_group_that_is_repeated_has_its_last_text() -> None:
    assert found("(?:(?P<x>[ab])|(?P<y>c))+", "abcb-") == (b"b", b"c")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("(?P<x>ab|a)(?P<y>.*)", "zabb", (b"ab", b"b")),
        ("(?P<x>a|ab)(?P<y>.*)", "zabb", (b"a", b"bb")),
        ("(?P<x>a+)", "baaa aaaa", (b"aaa",)),
        ("(?P<x>a+?)(?P<y>a*)", "aaa", (b"a", b"aa")),
        ("(?P<x>a??)(?P<y>a?)", "aaa", (b"", b"a")),
        ("(?P<x>a{2})", "aaa", (b"aa",)),
        ("(?P<x>a{2,})", "aaaa", (b"aaaa",)),
        ("(?P<x>a{2,}?)", "aaaa", (b"aa",)),
        ("(?P<x>a{1,2})(?P<y>a{0,2}?)b", "aaaab", (b"aa", b"aa")),
        ("(?P<x>(?:|a)*)", "aa", (b"",)),
        ("(?P<x>(?:|a)+)b", "aab", (b"aa",)),
        ("(?P<x>(?:a*)*)", "aab", (b"aa",)),
        ("(?P<x>)|a", "a", (b"",)),
        ("(?P<x>a||b)", "b", (b"",)),
        ("", "", ()),
    ],
)
def test_the_leftmost_match_counts_and_of_these_the_preferred_one(pattern: str, text: str, expected: Found) -> None:
    assert found(pattern, text) == expected
    assert found_by_re2(pattern, text.encode()) == expected


def test_lazy_repetitions_of_greedy_ones_prefer_what_perl_and_go_prefer() -> None:
    pattern = "(?P<x>(?:(?:|b)*)+?)"
    assert found(pattern, "bb") == (b"",)
    assert found_by_re2(pattern, b"bb") == (b"bb",)  # if this changes, patterns() need not leave such expressions out


@pytest.mark.parametrize(
    ("set_of_characters", "inside", "outside"),
    [
        ("[a-cx]", "abcx", "d-"),
        ("[^a-c]", "dé€😀\n", "abc"),
        (".", "aé€😀\r", "\n"),
        ("(?s:.)", "aé€😀\n", ""),
        (r"\d", "09", "a٣"),
        (r"\D", "aé\n", "0"),
        (r"\s", " \t\n\f\r", "\v\xa0a"),
        (r"\S", "\v\xa0a", " \n"),
        (r"\w", "azAZ09_", "é-"),
        (r"\W", "é-\n", "a_"),
        ("[[:space:]]", " \t\n\v\f\r", "a"),
        ("[[:punct:]]", "!/:@[`{~", "a0 "),
        ("[[:^alnum:]é-ü]", "-éü", "aZ0"),
        ("[]a]", "]a", "b"),
        ("[^]a]", "b", "]a"),
        ("[a-]", "a-", "b"),
        ("[-a]", "a-", "b"),
        (r"[\d-x]", "5-x", "a"),
        (r"[\]\\\-^]", "]\\-^", "a"),
        ("[[:a]", "[:a", "]"),
        (r"[\x41-\x{43}\n\t]", "ABC\n\t", "D"),
        (r"[^\x00-\x{10FFFF}]", "", "a😀"),
        (r"\x{1F600}", "😀", "😁"),
        (r"\.", ".", "a"),
        (r"\a|\f|\r|\v", "\a\f\r\v", "afrv"),
        ("(?i)[k-l]", "kKlL\u212a", "m"),
        ("(?i)[^k]", "l", "kK\u212a"),
        (r"(?i)\w", "aA_\u017f\u212a", "é"),
        (r"(?i)\W", "é", "aA\u017f\u212a"),
        ("(?i)[[:^lower:]]", "1", "aA\u017f\u212a"),
        ("(?i)ώ", "ώΏ", "ω"),
        ("(?i)ß", "ßẞ", "s"),
        ("(?i)ᾳ", "ᾳᾼ", "a"),
        ("(?i)ǆ", "ǆǅǄ", "d"),
        ("(?i)i", "iI", "ıİ"),
        ("(?i)[é-ê]", "éÉêÊ", "e"),
        ("(?-i:a)", "a", "A"),
        ("{|}", "{}", "a"),
    ],
)
def test_a_set_reads_one_character(set_of_characters: str, inside: str, outside: str) -> None:
    pattern = rf"\A(?:{set_of_characters})\z"
    for character in inside + outside:
        expected = () if character in inside else None
        assert found(pattern, character) == expected, character
        assert found_by_re2(pattern, character.encode()) == expected, character


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("^b", "a\nb", False),
        ("(?m)^b", "a\nb", True),
        ("(?m)^", "", True),
        ("a$", "a\nb", False),
        ("a$", "a\n", False),
        ("(?m)a$", "a\nb", True),
        (r"(?m)\Ab", "a\nb", False),
        (r"(?m)a\z", "a\nb", False),
        (r"\bb", "a b", True),
        (r"\bb", "ab", False),
        (r"\bb", "éb", True),
        (r"\Bb", "ab", True),
        (r"\B", "", True),
        (r"\b", "", False),
        (r"^\b$", "a", False),
        ("^*a", "ba", True),
    ],
)
def test_assertions_hold_at_positions(pattern: str, text: str, matches: bool) -> None:
    assert (found(pattern, text) is not None) == matches
    assert (found_by_re2(pattern, text.encode()) is not None) == matches


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a(?i)b|c", ["ab", "aB", "C"], ["Ab"]),
        ("(?:(?i)a)b", ["ab", "Ab"], ["aB"]),
        ("(?i:a(?-i)b|c)d", ["abd", "Abd", "cd"], ["aBd", "Cd", "cD"]),
        ("(?i-s)a.", ["Ab"], ["a\n"]),
        ("(?sm)a.^b", ["a\nb"], ["ab"]),
        ("(?)a", ["a"], ["A"]),
    ],
)
def test_flags_hold_for_the_rest_of_their_group(pattern: str, matching: list[str], others: list[str]) -> None:
    assert [text for text in matching + others if found(f"^(?:{pattern})$", text) is not None] == matching


@pytest.mark.parametrize("braces", ["{", "{,2}", "{02}", "{a}", "{1", "{1,2", "{}", "{1,a}"])
def test_braces_without_counts_are_characters(braces: str) -> None:
    assert found(rf"^a{braces}\z", f"a{braces}") == ()


def test_a_range_has_exactly_its_characters_at_all_lengths_of_utf_8() -> None:
    edges = [0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x10FFFF]
    near = sorted({point for edge in edges for point in (edge - 1, edge, edge + 1) if 0 <= point <= 0x10FFFF})
    texts = [point for point in near if not 0xD800 <= point <= 0xDFFF]
    for low, high in [(low, high) for low in edges for high in edges if low <= high]:
        pattern = rf"^[\x{{{low:x}}}-\x{{{high:x}}}]$"
        assert [point for point in texts if found(pattern, chr(point)) == ()] == [
            point for point in texts if low <= point <= high
        ], pattern

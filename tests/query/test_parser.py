"""The grammar of queries."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.query.errors import QueryError
from server.query.parser import DEEPEST, LONGEST, MOST_TERMS, parse
from server.query.printer import print_query
from server.query.tree import (
    Bound,
    Conjunction,
    Disjunction,
    Everything,
    FieldName,
    Match,
    Negation,
    Node,
    Phrase,
    Present,
    Value,
    Wildcard,
    Within,
    Word,
)
from tests.query.trees import any_text, fragments, matches, trees


def word(text: str) -> Match:
    return Match(None, Word(text))


def of(name: str, value: Value | str) -> Match:
    return Match(FieldName(name), Word(value) if isinstance(value, str) else value)


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("", Everything()),
        (" \t\n", Everything()),
        ("*", Everything()),
        ("x*" * 16, Match(None, Wildcard((*["x"] * 16, "")))),
        ("paid", word("paid")),
        ('"order paid"', Match(None, Phrase("order paid"))),
        ('"say \\"hi\\" \\\\ *"', Match(None, Phrase('say "hi" \\ *'))),
        ("a b", Conjunction((word("a"), word("b")))),
        ("a AND b", Conjunction((word("a"), word("b")))),
        ("a && b || c", Disjunction((Conjunction((word("a"), word("b"))), word("c")))),
        ("a b OR c d", Disjunction((Conjunction((word("a"), word("b"))), Conjunction((word("c"), word("d")))))),
        ("a (b OR c)", Conjunction((word("a"), Disjunction((word("b"), word("c")))))),
        ("(a b) c", Conjunction((word("a"), word("b"), word("c")))),
        ("-a", Negation(word("a"))),
        ("!a", Negation(word("a"))),
        ("NOT a b", Conjunction((Negation(word("a")), word("b")))),
        ("NOT (a b)", Negation(Conjunction((word("a"), word("b"))))),
        ("NOT NOT a", Negation(Negation(word("a")))),
        ("- a", Conjunction((word("-"), word("a")))),
        ("a-b", word("a-b")),
        ("and or not to", Conjunction((word("and"), word("or"), word("not"), word("to")))),
        ("\\AND \\-a", Conjunction((word("AND"), word("-a")))),
        ("ANDROID", word("ANDROID")),
        ("TO", word("TO")),
        ("auth-*", Match(None, Wildcard(("auth-", "")))),
        ("*mid*", Match(None, Wildcard(("", "mid", "")))),
        ("a**b*c", Match(None, Wildcard(("a", "b", "c")))),
        ("5\\*3", word("5*3")),
        ("actor:alice", of("actor", "alice")),
        ('actor:"a b"', of("actor", Phrase("a b"))),
        ("actor:*", of("actor", Present())),
        ("-actor:*", Negation(of("actor", Present()))),
        ("source:::1", of("source", "::1")),
        ("url:http://x/?a=b", of("url", "http://x/?a=b")),
        ("LogAttributes.http.method:POST", of("LogAttributes.http.method", "POST")),
        ("a\\:b:c", of("a:b", "c")),
        ("n:-5", of("n", "-5")),
        ("f:(a OR b)", Disjunction((of("f", "a"), of("f", "b")))),
        ("f:(a -b:c)", Conjunction((of("f", "a"), Negation(of("f", "b:c"))))),
        ('f:("x y" OR >=5 OR [1 TO 2])', None),
        ("n:[1 TO 5]", of("n", Within(Bound("1", True), Bound("5", True)))),
        ("n:{1 TO 5}", of("n", Within(Bound("1", False), Bound("5", False)))),
        ("n:[1 TO 5}", of("n", Within(Bound("1", True), Bound("5", False)))),
        ("n:[100 TO *]", of("n", Within(Bound("100", True), None))),
        ('t:[* TO "2026-11-28 04:00"}', of("t", Within(None, Bound("2026-11-28 04:00", False)))),
        ("t:[2026-11-28T04:00 TO *]", of("t", Within(Bound("2026-11-28T04:00", True), None))),
        ("n:>5", of("n", Within(Bound("5", False), None))),
        ("n:>=5", of("n", Within(Bound("5", True), None))),
        ("n:<5", of("n", Within(None, Bound("5", False)))),
        ("n:<=-5", of("n", Within(None, Bound("-5", True)))),
    ],
)
def test_a_query_is_read_as_its_tree(query: str, tree: Node | None) -> None:
    if tree is not None:
        assert parse(query) == tree
    assert parse(print_query(parse(query))) == parse(query)


@pytest.mark.parametrize(
    ("query", "column", "reason"),
    [
        ("a AND", 6, "a term is missing after AND"),
        ("a OR ) b", 6, "a term is missing after OR"),
        ("OR b", 1, "there is nothing before OR"),
        ("a OR OR b", 6, "there is nothing before OR"),
        ("NOT", 4, "a term is missing after NOT"),
        ("a actor:" + "x*" * 17, 9, "a word has more than 16 asterisks"),
        ("(a b", 1, "the parenthesis is not closed"),
        ("a)", 2, "no parenthesis is open"),
        ("foo()", 4, "the parentheses are empty"),
        ('say "hi', 5, "the quotes are not closed"),
        ("a\\", 2, "nothing follows the backslash"),
        ("actor:", 1, "the value of actor is missing"),
        ("actor: alice", 1, "the value of actor is missing"),
        (":a", 1, "the name of a field is missing"),
        ("a*:b", 1, "the name of a field has no '*'"),
        ("[1 TO 2]", 1, "a range needs a field"),
        ("a]", 2, "no range is open"),
        ("n:[1 2]", 6, "write TO between"),
        ("n:[1 TO 2", 3, "the range is not closed"),
        ("n:[1 TO ]", 9, "a value is missing after TO"),
        ("n:[* TO *]", 3, "both ends of the range are open"),
        ("n:[1* TO 2]", 4, "has no '*' in it"),
        ("n:>", 4, "a value is missing after n:>"),
        ("n:>*", 3, "a comparison needs a value"),
        ("a \ud800", 3, "not text in UTF-8"),
        ("a" * (LONGEST + 1), LONGEST + 1, "shorten it to 4,096"),
        ("(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1), DEEPEST + 1, "are nested"),
        ("-" * 1000 + "a", DEEPEST + 1, "are nested"),
        ("a " * (MOST_TERMS + 1), 2 * MOST_TERMS + 1, "more than 200 terms"),
    ],
)
def test_an_error_points_at_the_place_that_is_wrong(query: str, column: int, reason: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert reason in str(caught.value)
    assert caught.value.column == column


def test_an_error_is_marked_below_the_query() -> None:
    with pytest.raises(QueryError) as caught:
        parse("a b:[1 2] \x1b")
    assert caught.value.pointed() == ("a b:[1 2] \N{REPLACEMENT CHARACTER}", "       ^")


def test_positions_are_those_of_the_text() -> None:
    tree = parse('a  field:"x y"')
    assert isinstance(tree, Conjunction)
    found = tree.items[1]
    assert isinstance(found, Match)
    assert found.field is not None
    assert (found.field.spot.start, found.field.spot.end) == (3, 8)
    assert (found.value.spot.start, found.value.spot.end) == (9, 14)


@given(trees(matches(st.one_of(fragments, any_text))))
def test_a_printed_tree_is_read_as_the_same_tree(tree: Node) -> None:
    assert parse(print_query(tree)) == tree


@given(st.one_of(st.text(max_size=60), st.lists(fragments, max_size=20).map("".join)))
def test_any_text_is_a_query_or_the_error_says_where_it_is_wrong(text: str) -> None:
    wrong: QueryError | None = None
    try:
        tree = parse(text)
    except QueryError as error:
        wrong = error
    if wrong is None:
        assert parse(print_query(tree)) == tree
    else:
        assert 0 <= wrong.start <= len(text)
        assert wrong.start < wrong.end
        assert len(wrong.pointed()) == 2


class _Counting(str):
    """A text that counts how often its characters are looked at."""

    looks = 0

    def __getitem__(self, key: object) -> str:
        _Counting.looks += 1
        return super().__getitem__(key)  # type: ignore[index]

    def startswith(self, *arguments: object) -> bool:
        _Counting.looks += 1
        return super().startswith(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "part", ["a ", "f:(a OR b) ", "(a) ", "\\a", '"', "n:[1 TO 2] ", "a*", "&&", "a AND ", "  ", ")", "f:>1 ", "-a "]
)
def test_the_work_of_parsing_grows_with_the_length_only(part: str) -> None:
    counts = []
    for times in (40, 80):
        _Counting.looks = 0
        with suppress(QueryError):
            parse(_Counting(part * times))
        counts.append(_Counting.looks)
    assert counts[1] <= 2 * counts[0] + 100

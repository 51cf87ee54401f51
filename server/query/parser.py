"""The grammar of queries, by recursive descent.

    query       = [ either ]                                  an empty query matches everything
    either      = both { OR both }
    both        = item { [ AND ] item }                       items side by side must all match
    item        = ( NOT | "-" | "!" ) item | "(" either ")" | "*" | [ name ":" ] value
    value       = range | comparison | phrase | word | "(" either ")"
    range       = ( "[" | "{" ) bound TO bound ( "]" | "}" )  [ and ] belong to the range, { and } do not
    comparison  = ( ">" | ">=" | "<" | "<=" ) ( phrase | word )
    bound       = "*" | phrase | word
    phrase      = '"' { character } '"'
    word        = { character }                               up to white space or one of ()[]{}"

Ranges and comparisons need a name. In the parentheses of a value, each word and phrase is a value of the same field. An
asterisk in a word stands for any characters; a word that is only an asterisk, for any value. In a name, and in a word
without one, a colon ends the word. A backslash makes the character after it an ordinary one. AND is also written
``&&``, OR ``||``.
"""

from __future__ import annotations

from server.query.errors import QueryError
from server.query.scanner import SIGNS, Scanner
from server.query.tree import (
    Bound,
    Conjunction,
    Disjunction,
    Everything,
    FieldName,
    Match,
    Negation,
    Node,
    Present,
    Spot,
    Value,
    Wildcard,
    Within,
    Word,
)

__all__ = ["DEEPEST", "LONGEST", "MOST_TERMS", "parse"]

LONGEST = 4096
"""Characters of a query."""

DEEPEST = 32
"""Parentheses and negations that may stand around a term."""

MOST_TERMS = 200
"""Words, phrases and ranges of a query."""

_QUOTE = "put it in quotes to search for it as text"
_COMPARISONS = {">=": ("low", True), ">": ("low", False), "<=": ("high", True), "<": ("high", False)}


def parse(query: str) -> Node:
    """Parse a query.

    Raises:
        QueryError: the query is not of the grammar, or is too long or too deep.
    """
    if len(query) > LONGEST:
        raise QueryError(f"the query has {len(query):,} characters: shorten it to {LONGEST:,}", query, LONGEST)
    for at, letter in enumerate(query):
        if "\ud800" <= letter <= "\udfff":
            raise QueryError("the query is not text in UTF-8", query, at)
    return _Parser(query).parse()


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query
        self._scanner = Scanner(query)
        self._depth = 0
        self._terms = 0

    def parse(self) -> Node:
        self._scanner.skip_space()
        if not self._scanner.peek():
            return Everything()
        node = self._either(None)
        if sign := self._scanner.peek():
            raise self._error(_stray(sign))
        return node

    def _either(self, name: FieldName | None) -> Node:
        items = [self._both(name)]
        while self._scanner.take_keyword("OR"):
            items.append(self._both(name, after="OR"))
        return _joined(items, Disjunction)

    def _both(self, name: FieldName | None, after: str = "") -> Node:
        items = [self._item(name, after)]
        while True:
            self._scanner.skip_space()
            if self._scanner.take_keyword("AND"):
                items.append(self._item(name, "AND"))
            elif self._scanner.peek() in ("", ")", "]", "}") or self._scanner.keyword() == "OR":
                return _joined(items, Conjunction)
            else:
                items.append(self._item(name, ""))

    def _item(self, name: FieldName | None, after: str) -> Node:
        """Parse an item; ``name`` is the field in whose parentheses it stands, ``after`` the operator before it."""
        scanner = self._scanner
        scanner.skip_space()
        start = scanner.at
        if scanner.take_keyword("NOT"):
            return self._negation(name, start, "NOT")
        sign = scanner.peek()
        if sign in ("-", "!") and sign and (follows := scanner.peek(1)) and not follows.isspace() and follows != ")":
            scanner.take(sign)
            return self._negation(name, start, sign)
        if (operator := scanner.keyword()) and operator != "TO":
            raise self._error(
                f"there is nothing before {operator} to combine: write a term on both sides", len(operator)
            )
        if not sign or sign == ")":
            raise self._missing(after)
        if sign == "(":
            return self._group(name)
        if name is not None:
            return self._match(name, self._value(name))
        if sign == '"':
            return self._match(None, scanner.phrase())
        if sign in SIGNS:
            raise self._error(_stray(sign))
        return self._named_or_word(start)

    def _named_or_word(self, start: int) -> Node:
        scanner = self._scanner
        word = scanner.word(with_colons=False)
        if scanner.peek() != ":":
            return Everything() if isinstance(word, Present) else self._match(None, word)
        if not isinstance(word, Word):
            raise self._error(f"the name of a field has no '*': give one field, or {_QUOTE}", at=start)
        if not word.text:
            raise self._error(f"the name of a field is missing before ':'; {_QUOTE}", at=start)
        scanner.take(":")
        name = FieldName(word.text, word.spot)
        follows = scanner.peek()
        if not follows or follows.isspace() or follows == ")":
            shown = word.text[:80]
            raise self._error(
                f"the value of {shown} is missing: write it right after ':', or '{shown}:*' for any value",
                at=start,
                end=scanner.at,
            )
        return self._group(name) if follows == "(" else self._match(name, self._value(name))

    def _negation(self, name: FieldName | None, start: int, sign: str) -> Node:
        spot = Spot(start, self._scanner.at)
        self._enter(start)
        item = self._item(name, sign)
        self._depth -= 1
        return Negation(item, spot)

    def _group(self, name: FieldName | None) -> Node:
        start = self._scanner.at
        self._enter(start)
        self._scanner.take("(")
        self._scanner.skip_space()
        if self._scanner.peek() == ")":
            raise self._error(f"the parentheses are empty: write a term between them, or {_QUOTE}", 2, at=start)
        node = self._either(name)
        if not self._scanner.take(")"):
            sign = self._scanner.peek()
            raise (
                self._error(_stray(sign)) if sign else self._error("the parenthesis is not closed: add a ')'", at=start)
            )
        self._depth -= 1
        return node

    def _enter(self, at: int) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} parentheses and negations are nested: simplify the query", at=at)

    def _match(self, name: FieldName | None, value: Value) -> Node:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise self._error(
                f"the query has more than {MOST_TERMS} terms: leave some out", at=value.spot.start, end=value.spot.end
            )
        return Match(name, value)

    def _value(self, name: FieldName) -> Value:
        scanner = self._scanner
        start = scanner.at
        if scanner.peek() in ("[", "{"):
            return self._range(start)
        for sign, (end, included) in _COMPARISONS.items():
            if scanner.take(sign):
                bound = self._bound(included, f"{name.text[:80]}:{sign}")
                if bound is None:
                    raise self._error(
                        f"a comparison needs a value: write {name.text[:80]}:* for any value", at=start, end=scanner.at
                    )
                spot = Spot(start, scanner.at)
                return Within(bound, None, spot) if end == "low" else Within(None, bound, spot)
        if scanner.peek() == '"':
            return scanner.phrase()
        if scanner.peek() in SIGNS:
            raise self._error(_stray(scanner.peek()))
        return scanner.word(with_colons=True)

    def _range(self, start: int) -> Within:
        scanner = self._scanner
        low_included = scanner.peek() == "["
        scanner.at += 1
        low = self._bound(low_included, "the beginning of the range")
        scanner.skip_space()
        if not scanner.take_keyword("TO"):
            raise self._error("a range is written [a TO b]: write TO between its ends")
        high = self._bound(True, "TO")
        scanner.skip_space()
        closing = scanner.peek()
        if closing not in ("]", "}") or not closing:
            raise self._error("the range is not closed: add a ']', or a '}' if its end does not belong to it", at=start)
        scanner.at += 1
        if high is not None and closing == "}":
            high = Bound(high.text, included=False, spot=high.spot)
        if low is None and high is None:
            raise self._error("both ends of the range are open: write ':*' for any value", at=start, end=scanner.at)
        return Within(low, high, Spot(start, scanner.at))

    def _bound(self, included: bool, before: str) -> Bound | None:
        """Parse the end of a range; None for an asterisk."""
        scanner = self._scanner
        scanner.skip_space()
        start = scanner.at
        if scanner.peek() == '"':
            phrase = scanner.phrase()
            return Bound(phrase.text, included, phrase.spot)
        if not scanner.peek() or scanner.peek() in SIGNS or scanner.keyword():
            raise self._error(f"a value is missing after {before}: write one, or '*' for an open end")
        word = scanner.word(with_colons=True)
        if isinstance(word, Present):
            return None
        if isinstance(word, Wildcard):
            raise self._error("an end of a range has no '*' in it: write the whole value", at=start, end=scanner.at)
        return Bound(word.text, included, word.spot)

    def _missing(self, after: str) -> QueryError:
        if after:
            return self._error(f"a term is missing after {after}: write one, or {_QUOTE}")
        return self._error(_stray(self._scanner.peek()))

    def _error(self, reason: str, length: int = 1, *, at: int | None = None, end: int | None = None) -> QueryError:
        start = self._scanner.at if at is None else at
        return QueryError(reason, self._query, start, start + length if end is None else end)


def _joined(items: list[Node], kind: type[Conjunction] | type[Disjunction]) -> Node:
    flat: list[Node] = []
    for item in items:
        flat += item.items if isinstance(item, kind) else (item,)
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _stray(sign: str) -> str:
    if sign == ")":
        return f"no parenthesis is open here: leave the ')' out, or {_QUOTE}"
    if sign in ("[", "{"):
        return f"a range needs a field: write field:{sign}a TO b{']' if sign == '[' else '}'}, or {_QUOTE}"
    if sign in ("]", "}"):
        return f"no range is open here: leave the {sign!r} out, or {_QUOTE}"
    return f"this cannot stand here; {_QUOTE}"

"""Text of a query from its tree: it parses to the same tree."""

from __future__ import annotations

from server.query.scanner import KEYWORDS, SIGNS
from server.query.tree import (
    Bound,
    Conjunction,
    Disjunction,
    Everything,
    Match,
    Negation,
    Node,
    Phrase,
    Present,
    Value,
    Wildcard,
    Word,
)

__all__ = ["print_query", "print_text"]

_BEGINNINGS = ("-", "!", "<", ">")


def print_query(node: Node) -> str:
    """Return the text of a tree."""
    match node:
        case Everything():
            return "*"
        case Negation(item):
            return f"NOT {_inner(item)}"
        case Conjunction(items):
            return " ".join(map(_inner, items))
        case Disjunction(items):
            return " OR ".join(map(_inner, items))
        case Match(name, value):
            return (
                _value(value, in_name=True) if name is None else f"{_escaped(name.text, in_name=True)}:{_value(value)}"
            )


def print_text(text: str, *, as_phrase: bool) -> str:
    """Format a text as the value of a field: a word, with backslashes where necessary, or a phrase in quotes."""
    return _quoted(text) if as_phrase else _escaped(text, in_name=False)


def _inner(node: Node) -> str:
    text = print_query(node)
    return f"({text})" if isinstance(node, (Conjunction, Disjunction)) else text


def _value(value: Value, *, in_name: bool = False) -> str:
    match value:
        case Word(text):
            return _escaped(text, in_name=in_name)
        case Phrase(text):
            return _quoted(text)
        case Wildcard(pieces):
            return "*".join(_escaped(piece, in_name=in_name) for piece in pieces)
        case Present():
            return "*"
        case _:
            low, high = value.low, value.high
            opening = "{" if low is not None and not low.included else "["
            closing = "}" if high is not None and not high.included else "]"
            return f"{opening}{_bound(low)} TO {_bound(high)}{closing}"


def _bound(bound: Bound | None) -> str:
    return "*" if bound is None else _quoted(bound.text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _escaped(text: str, *, in_name: bool) -> str:
    special = SIGNS + "\\*" + (":" if in_name else "")
    letters = ["\\" + letter if letter in special or letter.isspace() else letter for letter in text]
    if letters and (text in KEYWORDS or text.startswith(_BEGINNINGS)) and len(letters[0]) == 1:
        letters[0] = "\\" + letters[0]
    return "".join(letters)

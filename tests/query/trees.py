"""Trees of queries for property tests, with texts that are hostile to whoever puts them into SQL or patterns."""

from __future__ import annotations

from hypothesis import strategies as st

from server.query.tree import (
    Bound,
    Conjunction,
    Disjunction,
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

__all__ = ["FRAGMENTS", "any_text", "fragments", "matches", "trees", "values"]

FRAGMENTS = (
    *(
        "a",
        "b",
        "ab",
        "A",
        "pay",
        "Pay",
        "paid",
        "order-17",
        "17",
        "5",
        "-5",
        "2.5",
        "10",
        "1e2",
        "user",
        "user.create",
    ),
    *("'", '"', "\\", "\\'", "\\\\", "\0", "\n", "\t", " ", "%", "_", "%s", "{", "}", "{q0:String}", "{a}", "`", "/*"),
    *(
        "ü",
        "Ü",
        "ß",
        "日本",
        "🦊",
        "\u0301",
        "é",
        "[",
        "]",
        "(",
        ")",
        "*",
        "?",
        "+",
        ".",
        "|",
        "^",
        "$",
        "#",
        "--",
        ";",
    ),
    *("\\x00", "\\n", "$$", "$q0$", "OR", "AND", "NOT", "TO", ":", "<", ">", "-", "!", "~", "\x7f", "\u0085", "\ufffd"),
)
"""Pieces of texts."""

fragments = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=3).map("".join)
any_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
_texts = st.one_of(fragments, any_text)
_pieces = st.builds(
    lambda first, inner, last: (first, *inner, last),
    st.one_of(st.just(""), _texts),
    st.lists(_texts, max_size=2),
    st.one_of(st.just(""), _texts),
).filter(any)


def _ranges(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Within]:
    bounds = st.builds(Bound, texts, st.booleans())
    return st.one_of(
        st.builds(Within, bounds, bounds), st.builds(Within, st.none(), bounds), st.builds(Within, bounds, st.none())
    )


values: st.SearchStrategy[Value] = st.one_of(
    st.builds(Word, _texts),
    st.builds(Phrase, st.one_of(st.just(""), _texts)),
    st.builds(Wildcard, _pieces),
    st.builds(Present),
    _ranges(_texts),
    _ranges(st.sampled_from(["1", "-5", "2.5", "10", "17", "1e2"])),
)
_bare: st.SearchStrategy[Node] = st.builds(
    Match,
    st.none(),
    st.one_of(st.builds(Word, _texts), st.builds(Phrase, st.one_of(st.just(""), _texts)), st.builds(Wildcard, _pieces)),
)


def matches(names: st.SearchStrategy[str], of: st.SearchStrategy[Value] = values) -> st.SearchStrategy[Node]:
    """Terms, with a field of these names, or without."""
    return st.one_of(_bare, st.builds(Match, st.builds(FieldName, names), of))


def trees(terms: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Trees of terms."""
    return st.recursive(terms, _combined, max_leaves=6)


def _combined(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    lists = st.lists(nodes, min_size=2, max_size=3)
    return st.one_of(
        st.builds(Negation, nodes),
        lists.map(lambda items: _flat(items, Conjunction)),
        lists.map(lambda items: _flat(items, Disjunction)),
    )


def _flat(items: list[Node], kind: type[Conjunction] | type[Disjunction]) -> Node:
    flat: list[Node] = []
    for item in items:
        flat += item.items if isinstance(item, kind) else (item,)
    return kind(tuple(flat))

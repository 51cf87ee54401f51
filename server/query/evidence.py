"""The part of a query that is about evidence, which is applied after records are read and checked."""

from __future__ import annotations

from server.errors.suggestions import not_one_of
from server.query.errors import QueryError
from server.query.fields import EVIDENCE_WORDS
from server.query.tree import Conjunction, Disjunction, Match, Negation, Node, Phrase, Present, Value, Word

__all__ = ["EVIDENCE_APART", "evidence_of"]

EVIDENCE_APART = (
    "evidence is checked after records are read, so 'evidence:' must apply to the whole query: write it beside the "
    "other terms, and not in an OR with them"
)
"""The error of a query in which storage would have to decide about evidence."""


def evidence_of(node: Node, text: str) -> frozenset[str] | None:
    """Return the states, of ``EVIDENCE_WORDS``, that a node admits; None if it is not about evidence alone.

    Raises:
        QueryError: there is no such state.
    """
    match node:
        case Match(name, value) if name is not None and _is_evidence(name.text):
            return _states(value, text)
        case Negation(item):
            found = evidence_of(item, text)
            return None if found is None else frozenset(EVIDENCE_WORDS) - found
        case Disjunction(items) | Conjunction(items):
            each = [evidence_of(item, text) for item in items]
            known = [states for states in each if states is not None]
            if len(known) < len(each):
                return None
            return frozenset.union(*known) if isinstance(node, Disjunction) else frozenset.intersection(*known)
        case _:
            return None


def _is_evidence(name: str) -> bool:
    return name.lower() == "evidence"


def _states(value: Value, text: str) -> frozenset[str]:
    if isinstance(value, Present):
        return frozenset(EVIDENCE_WORDS)
    if isinstance(value, (Word, Phrase)) and value.text.lower() in EVIDENCE_WORDS:
        return frozenset({value.text.lower()})
    shown = value.text if isinstance(value, (Word, Phrase)) else text[value.spot.start : value.spot.end]
    raise QueryError(f"evidence: {not_one_of(shown, EVIDENCE_WORDS)}", text, value.spot.start, value.spot.end)

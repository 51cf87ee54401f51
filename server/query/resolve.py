"""Resolution of queries: names of fields become columns and attributes, and values what they mean there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from server.errors.suggestions import not_one_of
from server.notary.errors import MalformedError
from server.notary.origin import LogName, Stream
from server.notary.producer_signature import RESULTS
from server.query.durations import parse_duration
from server.query.errors import QueryError
from server.query.evidence import EVIDENCE_APART, evidence_of
from server.query.fields import SHORT_NAMES, Field, Kind, find_field
from server.query.parser import parse
from server.query.severities import parse_severity
from server.query.signatures import has_signature
from server.query.times import parse_time
from server.query.trace_ids import parse_trace_id
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
    Spot,
    Value,
    Wildcard,
    Within,
    Word,
    in_lower_case,
)
from storage.condition_algebra import all_of, any_of, negated
from storage.conditions import (
    ALWAYS,
    NEVER,
    NUMBER,
    Column,
    Condition,
    End,
    Exists,
    HasWords,
    HasWordsLike,
    Holds,
    IntegerWithin,
    IsOneOf,
    NumberWithin,
    Place,
    Resembles,
    SeverityWithin,
    TextWithin,
    TimeWithin,
)

__all__ = ["EVERYTHING", "Query", "read_query"]

_T = TypeVar("_T")
_LARGEST = (1 << 64) - 1
_LAST_SEVERITY = 24
_PREFIX = re.compile(r"[0-9a-f]{1,32}")


@dataclass(frozen=True, slots=True)
class Query:
    """A query, resolved.

    Attributes:
        text: its text.
        tree: its tree.
        evidence: states of evidence, of ``EVIDENCE_WORDS``, that records must have once they are checked; None for all.
    """

    text: str
    tree: Node
    evidence: frozenset[str] | None

    def condition(self, stream: Stream) -> Condition:
        """Return the condition for the rows of a stream, without what is said about evidence."""
        return _Resolver(self.text, stream).condition(self.tree)


EVERYTHING = Query("", Everything(), None)
"""The query that everything matches."""


def read_query(text: str) -> Query:
    """Parse and resolve a query.

    Raises:
        QueryError: the query is not of the grammar, names a field that does not exist, or has a value that no record
            can have.
    """
    whole = parse(text)
    states: frozenset[str] | None = None
    rest: list[Node] = []
    for item in whole.items if isinstance(whole, Conjunction) else (whole,):
        found = evidence_of(item, text)
        if found is None:
            rest.append(item)
        else:
            states = found if states is None else states & found
    tree = Conjunction(tuple(rest)) if len(rest) > 1 else rest[0] if rest else Everything()
    query = Query(text, tree, states)
    for stream in Stream:
        query.condition(stream)
    return query


@dataclass(frozen=True, slots=True)
class _Resolver:
    text: str
    stream: Stream

    def condition(self, node: Node) -> Condition:
        match node:
            case Everything():
                return ALWAYS
            case Conjunction(items):
                return all_of(map(self.condition, items))
            case Disjunction(items):
                return any_of(map(self.condition, items))
            case Negation(item):
                return negated(self.condition(item))
            case Match(name, value):
                field = SHORT_NAMES["body"]
                if name is not None:
                    field = self._said(name.spot, find_field, name.text)
                    if field.kind is Kind.EVIDENCE:
                        raise QueryError(EVIDENCE_APART, self.text, name.spot.start, value.spot.end)
                condition = self._match(field.of(self.stream), value)
                return condition if self.stream in field.streams else NEVER

    def _match(self, field: Field, value: Value) -> Condition:
        if field.kind is Kind.SEVERITY:
            return self._severity(value)
        if field.kind is Kind.SIGNATURE:
            return self._signature(field, value)
        if field.place is None:
            raise AssertionError(f"a field of kind {field.kind} has no place")
        if isinstance(field.place, Column):
            match field.kind:
                case Kind.WORDS:
                    return self._words(field.place, value)
                case Kind.TIME:
                    return self._time(field.place, value)
                case Kind.NUMBER:
                    return self._number(field.place, value, _parse_integer)
                case Kind.DURATION:
                    return self._number(field.place, value, parse_duration)
        match field.kind:
            case Kind.LOG:
                return self._log(field.place, value)
            case Kind.TRACE:
                return self._trace(field.place, value)
            case Kind.CHOICE:
                return self._choice(field, field.place, value)
            case Kind.HEX:
                return self._name(field.place, in_lower_case(value))
            case Kind.TEXT:
                return self._attribute(field.place, value)
            case _:
                return self._name(field.place, value)

    def _words(self, place: Column, value: Value) -> Condition:
        match value:
            case Word(text) | Phrase(text):
                return HasWords(place, text)
            case Wildcard(pieces):
                return HasWordsLike(place, pieces)
            case Present():
                return Exists(place)
            case _:
                raise self._error(value.spot, "bodies have no order, so there is no range of them: write words")

    def _name(self, place: Place, value: Value) -> Condition:
        match value:
            case Word(text) | Phrase(text):
                return IsOneOf(place, (text,))
            case Wildcard(pieces):
                return Resembles(place, pieces, ignores_case=False)
            case Present():
                return Exists(place)
            case Within(low, high):
                return TextWithin(place, _end(low), _end(high))

    def _attribute(self, place: Place, value: Value) -> Condition:
        match value:
            case Word(text):
                return Holds(place, text)
            case Wildcard(pieces):
                return Resembles(place, pieces, ignores_case=True)
            case Within(low, high) if all(end is None or NUMBER.fullmatch(end.text) for end in (low, high)):
                return NumberWithin(place, _end(low), _end(high))
            case _:
                return self._name(place, value)

    def _choice(self, field: Field, place: Place, value: Value) -> Condition:
        match value:
            case Word(text) | Phrase(text):
                stored = {word.lower(): word for word in field.words}
                if text.lower() not in stored:
                    raise self._error(value.spot, not_one_of(text, field.words))
                return IsOneOf(place, (stored[text.lower()],))
            case Wildcard(pieces):
                return Resembles(place, pieces, ignores_case=True)
            case _:
                return self._name(place, value)

    def _signature(self, field: Field, value: Value) -> Condition:
        match value:
            case Word(text) | Phrase(text) if text.lower() in field.words:
                return has_signature(text.lower())
            case Word(text) | Phrase(text):
                raise self._error(value.spot, not_one_of(text, field.words))
            case Present():
                return any_of(has_signature(word) for word in RESULTS)
            case _:
                raise self._error(value.spot, f"write one of {', '.join(field.words)}")

    def _trace(self, place: Place, value: Value) -> Condition:
        match value:
            case Word(text) | Phrase(text):
                return IsOneOf(place, (self._said(value.spot, parse_trace_id, text),))
            case Wildcard((first, "")) if _PREFIX.fullmatch(first.lower()):
                return Resembles(place, (first.lower(), ""), ignores_case=False)
            case Present():
                return Exists(place)
            case _:
                raise self._error(value.spot, "write a whole trace ID, or its first hexadecimal digits followed by '*'")

    def _log(self, place: Place, value: Value) -> Condition:
        if not isinstance(value, (Word, Phrase)):
            if isinstance(value, Present):
                return Exists(place)
            raise self._error(value.spot, "write the origin or the ID of one log, such as example.org/audit/node-1")
        name, sign, leaf = value.text.partition("#")
        try:
            log_id = LogName.parse(name).log_id if "/" in name else name
        except MalformedError as error:
            raise self._error(value.spot, str(error)) from error
        of_log = IsOneOf(place, (log_id,))
        if not sign:
            return of_log
        number = self._said(value.spot, _parse_integer, leaf)
        return all_of([of_log, IntegerWithin(Column("LeafIndex"), number, number)])

    def _severity(self, value: Value) -> Condition:
        match value:
            case Word(text) | Phrase(text):
                return SeverityWithin(*self._said(value.spot, parse_severity, text))
            case Present():
                return SeverityWithin(1, _LAST_SEVERITY)
            case Within(low, high):
                first, last = 1, _LAST_SEVERITY
                if low is not None:
                    begin, end = self._said(low.spot, parse_severity, low.text)
                    first = begin if low.included else end + 1
                if high is not None:
                    begin, end = self._said(high.spot, parse_severity, high.text)
                    last = end if high.included else begin - 1
                return SeverityWithin(first, last) if first <= last else NEVER
            case _:
                raise self._error(value.spot, "a severity has no '*' in it: write a range, such as severity:>=warn")

    def _time(self, column: Column, value: Value) -> Condition:
        match value:
            case Word(text) | Phrase(text):
                return TimeWithin(column, *self._said(value.spot, parse_time, text))
            case Within(low, high):
                since = until = None
                if low is not None:
                    begin, end = self._said(low.spot, parse_time, low.text)
                    since = begin if low.included else end
                if high is not None:
                    begin, end = self._said(high.spot, parse_time, high.text)
                    until = end if high.included else begin
                return TimeWithin(column, since, until)
            case _:
                raise self._error(value.spot, "write a time, or a range of times such as [2026-11-01 TO 2026-11-28]")

    def _number(self, column: Column, value: Value, parse_number: Callable[[str], int]) -> Condition:
        match value:
            case Word(text) | Phrase(text):
                number = self._said(value.spot, parse_number, text)
                return IntegerWithin(column, number, number)
            case Within(low, high):
                first = last = None
                if low is not None:
                    first = self._said(low.spot, parse_number, low.text) + (not low.included)
                if high is not None:
                    last = self._said(high.spot, parse_number, high.text) - (not high.included)
                if (last is not None and last < 0) or (first is not None and first > _LARGEST):
                    return NEVER
                return IntegerWithin(column, first, last)
            case _:
                raise self._error(value.spot, "every record has this number: write one, or a range such as >=100")

    def _said(self, spot: Spot, parsed: Callable[[str], _T], text: str) -> _T:
        """Parse a text; what is wrong with it becomes an error about its place in the query."""
        try:
            return parsed(text)
        except ValueError as error:
            raise self._error(spot, str(error)) from error

    def _error(self, spot: Spot, reason: str) -> QueryError:
        return QueryError(reason, self.text, spot.start, spot.end)


def _parse_integer(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,20}", text) or int(text) > _LARGEST:
        raise ValueError(f"{text[:80]!r} is not a whole number of at least 0")
    return int(text)


def _end(bound: Bound | None) -> End | None:
    return None if bound is None else End(bound.text, bound.included)

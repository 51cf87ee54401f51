"""The program of a rule set: its words and rules as bytes, for the compiled codec (``native/rules.cpp``).

Numbers are unsigned LEB128, signed ones in zigzag form; texts and lists have their length before them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from server.codec.audit import words
from server.codec.audit.digest import rules_digest
from server.codec.audit.matching import in_order
from server.codec.audit.paths import ALL, BYTES, HEX, Path, Segment
from server.codec.audit.rules import (
    FIELD_NAMES,
    AllOf,
    Condition,
    Extract,
    Match,
    PatternKind,
    Place,
    Range,
    Rule,
    Source,
    Template,
    Test,
)
from server.codec.regex import Regex
from server.notary.canonical import encode_string, encode_varint

__all__ = ["rules_program"]

_T = TypeVar("_T")

_WORDS = (
    words.SUCCESSES,
    words.FAILURES,
    words.AUTH_WORDS,
    words.AUTH_OBJECTS,
    words.AUTH_CHECKS,
    words.CHANGE_VERBS,
    words.ADMIN_VERBS,
    words.ADMIN_OBJECTS,
    words.SYSTEM_VERBS,
    words.SYSTEM_OBJECTS,
    words.DATA_OBJECTS,
    words.ACTOR_TYPES,
    words.CATEGORIES,
)
_PLACES = {place: number for number, place in enumerate(Place)}
_PATTERNS = {kind: number for number, kind in enumerate(PatternKind)}
_RANGE, _REGEX, _ALL_OF = range(len(_PATTERNS), len(_PATTERNS) + 3)


def rules_program(rules: Collection[Rule]) -> bytes:
    """Return the program of a rule set."""
    parts = [_list(sorted(known), encode_string) for known in _WORDS]
    parts.append(_list(sorted(words.AUTH_PAIRS), lambda pair: encode_string(pair[0]) + encode_string(pair[1])))
    parts.append(encode_string(rules_digest(tuple(rules)).encode()))
    parts.append(_list(tuple(in_order(tuple(rules))), _rule))
    return b"".join(parts)


def _rule(rule: Rule) -> bytes:
    groups = list(dict.fromkeys(group.encode() for item in rule.extract for group in item.regex.groups))
    return b"".join(
        (
            encode_string(rule.name.encode()),
            _list(rule.match, _match),
            _list(rule.unless, _match),
            encode_varint(len(groups)),
            _list(rule.extract, lambda item: _extract(item, groups)),
            *(_list(getattr(rule.fields, name), lambda template: _template(template, groups)) for name in FIELD_NAMES),
            *(
                _list(rule.values.get(name, ()), lambda stored: _test(stored[0]) + encode_string(stored[1]))
                for name in FIELD_NAMES
            ),
            _list(sorted(rule.absent), encode_string),
            _optional(rule.split, _path),
        )
    )


def _match(match: Match) -> bytes:
    return encode_varint(match.severity_min) + _list(match.conditions, _condition)


def _condition(condition: Condition) -> bytes:
    return _source(condition.source, []) + _list(condition.tests, _test)


def _extract(extract: Extract, groups: list[bytes]) -> bytes:
    places = [groups.index(name.encode()) for name in extract.regex.groups]
    return _source(extract.source, []) + _regex(extract.regex) + _list(places, encode_varint)


def _template(template: Template, groups: list[bytes]) -> bytes:
    return _list(template, lambda source: _source(source, groups))


def _source(source: Source, groups: list[bytes]) -> bytes:
    group = groups.index(source.text) if source.place is Place.GROUP else 0
    return b"".join(
        (
            encode_varint(_PLACES[source.place]),
            _optional(source.path, _path),
            encode_string(source.text),
            encode_varint(group),
        )
    )


def _test(test: Test) -> bytes:
    if isinstance(test, AllOf):
        return encode_varint(_ALL_OF) + _list(test.tests, _test)
    if isinstance(test, Regex):
        return encode_varint(_REGEX) + _regex(test)
    if isinstance(test, Range):
        return encode_varint(_RANGE) + _signed(test.low) + _signed(test.high)
    return encode_varint(_PATTERNS[test.kind]) + encode_string(test.text)


def _regex(regex: Regex) -> bytes:
    return _list(regex.encoded(), encode_varint)


def _path(path: Path) -> bytes:
    return encode_string(path.text) + _list(path.segments, _segment)


def _segment(segment: Segment) -> bytes:
    if isinstance(segment, bytes):
        return encode_varint(0) + encode_string(segment)
    if isinstance(segment, int):
        return encode_varint(1) + _signed(segment)
    return encode_varint(2 + (ALL, BYTES, HEX).index(segment))


def _optional(value: _T | None, encode: Callable[[_T], bytes]) -> bytes:
    return encode_varint(0) if value is None else encode_varint(1) + encode(value)


def _list(values: Collection[_T], encode: Callable[[_T], bytes]) -> bytes:
    return encode_varint(len(values)) + b"".join(map(encode, values))


def _signed(number: int) -> bytes:
    return encode_varint(number << 1 if number >= 0 else (-number << 1) - 1)

"""The program of a rule set: its words and rules as bytes, for the compiled codec (``native/rules.cpp``).

Numbers are unsigned LEB128, signed ones in zigzag form; texts and lists have their length before them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from server.codec.audit import words
from server.codec.audit.classify import in_order
from server.codec.audit.digest import rules_digest
from server.codec.audit.paths import ALL, Path, Segment
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

__all__ = ["rules_program"]

_T = TypeVar("_T")

_WORDS = (
    words.SUCCESSES,
    words.FAILURES,
    words.AUTH_WORDS,
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
    parts = [_list(sorted(known), _text) for known in _WORDS]
    parts.append(_list(sorted(words.AUTH_PAIRS), lambda pair: _text(pair[0]) + _text(pair[1])))
    parts.append(_text(rules_digest(tuple(rules)).encode()))
    parts.append(_list(tuple(in_order(tuple(rules))), _rule))
    return b"".join(parts)


def _rule(rule: Rule) -> bytes:
    groups = list(dict.fromkeys(group.encode() for item in rule.extract for group in item.regex.groups))
    return b"".join(
        (
            _text(rule.name.encode()),
            _list(rule.match, _match),
            _list(rule.unless, _match),
            _number(len(groups)),
            _list(rule.extract, lambda item: _extract(item, groups)),
            *(_list(getattr(rule.fields, name), lambda template: _template(template, groups)) for name in FIELD_NAMES),
            *(
                _list(rule.values.get(name, ()), lambda stored: _test(stored[0]) + _text(stored[1]))
                for name in FIELD_NAMES
            ),
            _list(sorted(rule.absent), _text),
            _optional(rule.split, _path),
        )
    )


def _match(match: Match) -> bytes:
    return _number(match.severity_min) + _list(match.conditions, _condition)


def _condition(condition: Condition) -> bytes:
    return _source(condition.source, []) + _list(condition.tests, _test)


def _extract(extract: Extract, groups: list[bytes]) -> bytes:
    places = [groups.index(name.encode()) for name in extract.regex.groups]
    return _source(extract.source, []) + _regex(extract.regex) + _list(places, _number)


def _template(template: Template, groups: list[bytes]) -> bytes:
    return _list(template, lambda source: _source(source, groups))


def _source(source: Source, groups: list[bytes]) -> bytes:
    group = groups.index(source.text) if source.place is Place.GROUP else 0
    return b"".join((_number(_PLACES[source.place]), _optional(source.path, _path), _text(source.text), _number(group)))


def _test(test: Test) -> bytes:
    if isinstance(test, AllOf):
        return _number(_ALL_OF) + _list(test.tests, _test)
    if isinstance(test, Regex):
        return _number(_REGEX) + _regex(test)
    if isinstance(test, Range):
        return _number(_RANGE) + _signed(test.low) + _signed(test.high)
    return _number(_PATTERNS[test.kind]) + _text(test.text)


def _regex(regex: Regex) -> bytes:
    return _list(regex.encoded(), _number)


def _path(path: Path) -> bytes:
    return _text(path.text) + _list(path.segments, _segment)


def _segment(segment: Segment) -> bytes:
    if isinstance(segment, bytes):
        return _number(0) + _text(segment)
    return _number(2) if segment == ALL else _number(1) + _signed(int(segment))


def _optional(value: _T | None, encode: Callable[[_T], bytes]) -> bytes:
    return _number(0) if value is None else _number(1) + encode(value)


def _list(values: Collection[_T], encode: Callable[[_T], bytes]) -> bytes:
    return _number(len(values)) + _all(values, encode)


def _all(values: Iterable[_T], encode: Callable[[_T], bytes]) -> bytes:
    return b"".join(map(encode, values))


def _text(text: bytes) -> bytes:
    return _number(len(text)) + text


def _signed(number: int) -> bytes:
    return _number(number << 1 if number >= 0 else (-number << 1) - 1)


def _number(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)

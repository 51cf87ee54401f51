"""Tests of values in settings: patterns, ranges of numbers, regular expressions; and what is stored for a value."""

from __future__ import annotations

import re
from collections.abc import Mapping

from server.codec.audit.errors import RuleError
from server.codec.audit.matching import passes
from server.codec.audit.rules import AllOf, Pattern, PatternKind, Range, Test, ValueMap
from server.codec.audit.words import ACTOR_TYPES, outcome_of
from server.codec.regex import Regex, compile_regex
from server.errors.suggestions import not_one_of
from server.notary.audit_words import CATEGORIES, OUTCOMES

__all__ = ["MOST_NUMBER", "check_literal", "parse_tests", "parse_values"]

MOST_NUMBER = 2**63 - 1
"""Bound of a range that has none on that side; the lower one is negative."""

_RANGE = re.compile(r"(-?[0-9]{1,18})?\.\.(-?[0-9]{1,18})?")
_RESULTS = {"outcome": OUTCOMES, "category": CATEGORIES, "actor_type": tuple(word.decode() for word in ACTOR_TYPES)}


def parse_tests(what: str, given: object) -> tuple[Test, ...]:
    """Read one test, or a list of tests of which one must be passed.

    Raises:
        RuleError: there is none, or it cannot be used; ``what`` names it.
        RegexError: a regular expression cannot be used.
    """
    if isinstance(given, list):
        if not given:
            raise RuleError(f"{what}: the list of patterns is empty")
        if any(isinstance(item, list) for item in given):
            raise RuleError(f"{what}: a list of patterns has another list in it")
        return tuple(test for item in given for test in parse_tests(what, item))
    if isinstance(given, Mapping):
        return (_parse_table(what, given),)
    if isinstance(given, bool):
        given = "true" if given else "false"
    if isinstance(given, int):
        given = str(given)
    return (_parse_pattern(what, given),)


def parse_values(field: str, given: object) -> ValueMap:
    """Read what is stored instead of the values of a field.

    Raises:
        RuleError: the table cannot be used.
    """
    if not isinstance(given, Mapping) or not given:
        raise RuleError(f'values.{field} must be a table, such as {{ "0" = "success", "*" = "failure" }}')
    return tuple((_parse_key(field, key), _parse_result(field, result)) for key, result in given.items())


def check_literal(field: str, text: bytes, values: ValueMap | None) -> None:
    """Refuse a source ``=TEXT`` that gives its field no value, because the field holds one of a few words.

    Raises:
        RuleError: the text is not one of these words, or passes no test of the rule's ``values``.
    """
    valid, word = _RESULTS.get(field), text.lower()
    if valid is None:
        return
    if values is None:
        known = outcome_of(word) if field == "outcome" else word
        if word.decode() not in valid and known not in (b"success", b"failure"):
            raise RuleError(f"{field} cannot come from '={text.decode()}': {not_one_of(text.decode(), valid)}")
    elif not any(passes(test, word) for test, _ in values):
        raise RuleError(
            f"{field} cannot come from '={text.decode()}': it passes no test of values.{field}, so it would not "
            "be used; add it to these values"
        )


def _parse_table(what: str, given: Mapping[str, object]) -> Test:
    form = f'{what}: a test is a pattern, {{ regex = "…" }}, {{ contains = "…" }} or {{ min = 400, max = 599 }}'
    if not given or given.keys() - {"contains", "regex", "min", "max"}:
        raise RuleError(form)
    tests: list[Pattern | Range | Regex] = []
    contained = given.get("contains", [])
    for text in [contained] if isinstance(contained, str) else contained if isinstance(contained, list) else [None]:
        if not isinstance(text, str) or not text:
            raise RuleError(f"{what}: 'contains' must be text, or a list of texts that must all be there")
        tests.append(Pattern(PatternKind.CONTAINS, text.encode()))
    if given.keys() & {"min", "max"}:
        low, high = (_number(given.get(name, bound)) for name, bound in (("min", -MOST_NUMBER), ("max", MOST_NUMBER)))
        if low is None or high is None:
            raise RuleError(form)
        tests.append(_range(what, low, high))
    if "regex" in given:
        if not isinstance(given["regex"], str):
            raise RuleError(f"{what}: the regular expression must be text")
        tests.append(compile_regex(given["regex"]))
    if not tests:
        raise RuleError(form)
    return tests[0] if len(tests) == 1 else AllOf(tuple(tests))


def _number(given: object) -> int | None:
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _range(what: str, low: int, high: int) -> Range:
    if low > high:
        raise RuleError(f"{what}: no number is at least {low} and at most {high}")
    return Range(max(low, -MOST_NUMBER), min(high, MOST_NUMBER))


def _parse_pattern(what: str, given: object) -> Pattern:
    if isinstance(given, str) and "\0" not in given:
        begins, ends = given.startswith("*"), given.endswith("*") and not given.endswith("\\*")
        if given == "*":
            return Pattern(PatternKind.ANY)
        inner = given[begins : len(given) - ends].replace("\\*", "\0")
        if "*" not in inner and inner:
            kinds = {
                (False, False): PatternKind.EXACT,
                (False, True): PatternKind.PREFIX,
                (True, False): PatternKind.SUFFIX,
                (True, True): PatternKind.CONTAINS,
            }
            return Pattern(kinds[begins, ends], inner.replace("\0", "*").encode())
        if not given:
            return Pattern(PatternKind.EXACT)
    raise RuleError(
        f"{what}: {given!r} is not a pattern; a pattern is text, with '*' only at the beginning and at the end "
        "(an asterisk itself is written '\\*')"
    )


def _parse_key(field: str, key: str) -> Pattern | Range:
    numbers = _RANGE.fullmatch(key)
    if numbers and key != "..":
        low, high = numbers.groups()
        return _range(f"values.{field}", int(low or -MOST_NUMBER), int(high or MOST_NUMBER))
    pattern = _parse_pattern(f"values.{field}", key)
    return Pattern(pattern.kind, pattern.text.lower())


def _parse_result(field: str, result: object) -> bytes:
    valid = _RESULTS.get(field)
    if not isinstance(result, str) or not result or (valid and result not in valid):
        raise RuleError(f"values.{field}: {result!r} is not {' or '.join(valid) if valid else 'text'}")
    return result.encode()

"""Rules of retention in the settings file: tables ``[[retention]]``, of which the first one that matches counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from server.errors.suggestions import not_one_of
from server.notary.audit_words import CATEGORIES
from server.notary.origin import Stream
from server.settings.rule_tables import misshapen
from server.settings.sources import Sources
from server.settings.values import read_days
from storage.retention_policy import RetentionRule
from storage.url import EmbeddedUrl

__all__ = ["cold_volume_problems", "read_retention_rules"]

_MOST_RULES = 100
_NAMES = ("stream", "category", "service", "attribute", "days")
_CONDITIONS = ("category", "service", "attribute")
_DAYS = 'write days = 365, days = "52w" or days = "forever"'


def read_retention_rules(
    tables: Sequence[tuple[str, Any]], problems: list[str]
) -> dict[Stream, tuple[RetentionRule, ...]]:
    """Return the rules of each stream that has any, and add what is wrong to ``problems``, one sentence each.

    Args:
        tables: the tables, each with its place in the settings file.
        problems: receives the problems.
    """
    read: dict[Stream, list[tuple[str, RetentionRule]]] = {}
    for place, table in tables:
        wrong = [f"{place}: {problem}" for problem in _problems(table)]
        if wrong:
            problems += wrong
            continue
        stream, rule = _rule(table)
        before = read.setdefault(stream, [])
        if earlier := next((where for where, other in before if other.covers(rule)), ""):
            problems.append(
                f"{place}: the rule never applies, because the rule at {earlier} comes first and matches all its "
                "records: put this rule before that one, or remove it"
            )
        before.append((place, rule))
    if len(tables) > _MOST_RULES:
        problems.append(f"{tables[_MOST_RULES][0]}: there are more than {_MOST_RULES} rules of retention: remove some")
    return {stream: tuple(rule for _, rule in rules) for stream, rules in read.items()}


def cold_volume_problems(parsed: Mapping[str, Any], sources: Sources) -> Iterator[str]:
    """Return a sentence if one of the settings of the cold volume is useless without the other, or in vain."""
    if not {"audit_cold_volume", "audit_cold_after", "retention_audit", "storage"} <= parsed.keys():
        return
    volume, after, kept = parsed["audit_cold_volume"], parsed["audit_cold_after"], parsed["retention_audit"]
    place = sources.values["audit_cold_volume"].place
    if volume and isinstance(parsed["storage"], EmbeddedUrl):
        yield (
            f"{place}: embedded storage has one volume only: remove the setting, or give --storage "
            "http://user:password@host:8123/database"
        )
    elif volume and not after:
        yield f"{sources.values['audit_cold_after'].place}: 'forever' moves nothing: give days or weeks, such as 90d"
    elif volume and kept is not None and after >= kept:
        yield (
            f"{sources.values['audit_cold_after'].place}: after {after}d nothing is left to move, because "
            f"retention_audit is {kept}d: give fewer days"
        )


def _problems(table: Any) -> Iterator[str]:
    yield from misshapen(table, "retention", _NAMES)
    if not isinstance(table, Mapping):
        return
    streams = [stream.value for stream in Stream]
    if "stream" not in table:
        yield f'stream is missing: write stream = "audit" (or {" or ".join(streams[1:])})'
    elif table["stream"] not in streams:
        yield f"stream: {not_one_of(str(table['stream']), streams)}"
    yield from _wrong_conditions(table)
    yield from _wrong_days(table)


def _wrong_conditions(table: Mapping[str, Any]) -> Iterator[str]:
    if not any(name in table for name in _CONDITIONS):
        stream, days = table.get("stream", "audit"), table.get("days", 30)
        yield (
            f"the rule has no condition: write category, service or attribute, or set the default of the stream with "
            f'retention_{stream} = "{days if isinstance(days, str) else f"{days}d"}"'
        )
    for name in _CONDITIONS:
        value = table.get(name, "x")
        if not isinstance(value, str) or not value.strip():
            yield f'{name}: {value!r} is not a text: write {name} = "…", or leave it out'
        elif not value.isprintable():
            yield f"{name}: the text has characters that cannot be printed"
    category, attribute = table.get("category"), table.get("attribute")
    if isinstance(category, str) and category.strip():
        if table.get("stream") in (Stream.OPERATIONAL.value, Stream.SPANS.value):
            yield 'category: only audit records have one: write stream = "audit", or leave it out'
        if category not in CATEGORIES:
            yield f"category: {not_one_of(category, CATEGORIES)}"
    if isinstance(attribute, str) and attribute.strip():
        key, equals, value = attribute.partition("=")
        if not (key and equals and value):
            yield f'attribute: {attribute!r} is not a key and a value: write attribute = "key=value"'


def _wrong_days(table: Mapping[str, Any]) -> Iterator[str]:
    if "days" not in table:
        yield f"days is missing: {_DAYS}"
        return
    days = table["days"]
    if isinstance(days, bool) or not isinstance(days, int | str):
        yield f"days: {days!r} is not a whole number of days: {_DAYS}"
        return
    try:
        _read_days(days)
    except ValueError as error:
        yield f"days: {error}"


def _read_days(days: int | str) -> int | None:
    return read_days(days if isinstance(days, str) else f"{days}d")


def _rule(table: Mapping[str, Any]) -> tuple[Stream, RetentionRule]:
    key, equals, value = table.get("attribute", "").partition("=")
    return Stream(table["stream"]), RetentionRule(
        days=_read_days(table["days"]),
        category=table.get("category", ""),
        service=table.get("service", ""),
        attribute=(key, value) if equals else None,
    )

"""Retention as a TTL of ClickHouse.

A table whose records are all kept equally long, without a hold, has one TTL on the time of receipt, which drops whole
parts. Otherwise all records of a day expire together, at the end of their day of receipt: a batch is in one part and
one day, so it loses all records of a rule at the same time, and a part of which nothing is left is dropped as a whole.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from server.notary.origin import Stream
from storage.create_statement import split
from storage.hold_scope import HoldScope
from storage.retention_policy import ATTRIBUTES, Policy, RetentionRule, shortest
from storage.sql_texts import sql_text

__all__ = ["StoredTtl", "drops_parts_only", "parse_ttl", "ttl_of"]

_PLAIN = "toDateTime(IngestedAt) + toIntervalDay({days})"
_BY_DAY = "toDateTime(toStartOfDay(IngestedAt)) + toIntervalDay({days})"
_PLAIN_FORM = re.compile(r"toDateTime\(IngestedAt\) \+ toIntervalDay\((?P<days>\d+)\)")
_BY_DAY_FORM = re.compile(
    r"toDateTime\(toStartOfDay\(IngestedAt\)\) \+ toIntervalDay\((?P<days>\d+)\)"
    r"(?: (?P<end>WHERE .*|TO VOLUME '(?:[^'\\]|\\.)*'))?"
)


@dataclass(frozen=True, slots=True)
class StoredTtl:
    """A TTL that Lognotary has set.

    Attributes:
        days: days for which every record is kept; None for forever.
        by_day: True if it deletes rows, and not whole parts only.
    """

    days: int | None
    by_day: bool


def ttl_of(stream: Stream, policy: Policy, holds: Sequence[HoldScope] = ()) -> str:
    """Return the TTL of a stream's table, as SQL; empty for none.

    Args:
        stream: the stream.
        policy: how long its records are kept.
        holds: the scopes of the holds that are in force.
    """
    conditions = [hold.condition(stream) for hold in holds if stream in hold.streams]
    held = "" if not conditions else " OR ".join(f"({condition})" for condition in conditions)
    if not policy.rules and not held and not policy.cold_volume:
        return "" if policy.days is None else _PLAIN.format(days=policy.days)
    elements = [_element(days, where) for days, where in _removals(stream, policy, held).items()]
    if policy.cold_volume:
        elements.append(f"{_BY_DAY.format(days=policy.cold_after + 1)} TO VOLUME {sql_text(policy.cold_volume)}")
    return ", ".join(elements)


def drops_parts_only(ttl: str) -> bool:
    """Return whether a table with this TTL need not look for rows to delete in parts (``ttl_only_drop_parts``)."""
    return " WHERE " not in ttl


def parse_ttl(ttl: str) -> StoredTtl | None:
    """Parse a table's TTL, as ClickHouse shows it; empty for none. Return None for a TTL that Lognotary never sets."""
    if not ttl:
        return StoredTtl(None, by_day=False)
    if (plain := _PLAIN_FORM.fullmatch(ttl)) is not None:
        return StoredTtl(int(plain["days"]), by_day=False)
    every: list[int | None] = []
    for element in split(ttl, ","):
        form = _BY_DAY_FORM.fullmatch(element)
        if form is None:
            return None
        if not (form["end"] or "").startswith("TO VOLUME"):
            every.append(int(form["days"]) - 1)
    return StoredTtl(shortest(every), by_day=True)


def _removals(stream: Stream, policy: Policy, held: str) -> dict[int, str]:
    """Return the conditions of the records to remove, by the days for which they are kept, shortest first."""
    by_days: defaultdict[int, list[str]] = defaultdict(list)
    before: list[str] = []
    for rule in policy.rules:
        matching = _condition(stream, rule)
        if rule.days is not None:
            by_days[rule.days].append(_both(matching, _none_of(before)))
        before.append(matching)
    if policy.days is not None:
        by_days[policy.days].append(_none_of(before))
    if policy.longest is not None:  # all that is left by then
        by_days[policy.longest] = [""]
    return {days: _both(_any_of(by_days[days]), f"NOT ({held})" if held else "") for days in sorted(by_days)}


def _element(days: int, where: str) -> str:
    # A day more: the day of receipt has to end first.
    return _BY_DAY.format(days=days + 1) + (f" DELETE WHERE {where}" if where else "")


def _condition(stream: Stream, rule: RetentionRule) -> str:
    parts = []
    if rule.category:
        parts.append(f"Category = {sql_text(rule.category)}")
    if rule.service:
        parts.append(f"ServiceName = {sql_text(rule.service)}")
    if rule.attribute is not None:
        key, value = map(sql_text, rule.attribute)
        columns = (ATTRIBUTES[stream], "ResourceAttributes")
        parts.append(f"({' OR '.join(f'{column}[{key}] = {value}' for column in columns)})")
    return " AND ".join(parts)


def _none_of(conditions: Sequence[str]) -> str:
    return f"NOT ({' OR '.join(f'({condition})' for condition in conditions)})" if conditions else ""


def _any_of(conditions: Sequence[str]) -> str:
    return "" if "" in conditions else " OR ".join(f"({condition})" for condition in conditions)


def _both(one: str, other: str) -> str:
    return f"({one}) AND ({other})" if one and other else one or other

"""Combinations of conditions, without what has no effect; and whether an index leads to what they are about."""

from __future__ import annotations

from collections.abc import Iterable

from storage.conditions import (
    ALWAYS,
    NEVER,
    AllOf,
    AnyOf,
    Column,
    Condition,
    IntegerWithin,
    IsOneOf,
    Negated,
    Place,
    TimeWithin,
)

__all__ = ["all_of", "any_of", "happened_within", "is_pinpoint", "negated"]

_PINPOINTS = frozenset({"TraceId", "AuditRecordId"})


def all_of(parts: Iterable[Condition]) -> Condition:
    """Return the condition that all conditions hold, without what has no effect."""
    flat: list[Condition] = []
    for part in parts:
        flat += part.parts if isinstance(part, AllOf) else (part,)
    if NEVER in flat:
        return NEVER
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def any_of(parts: Iterable[Condition]) -> Condition:
    """Return the condition that one of some conditions holds, with the texts of each place in one condition."""
    flat: list[Condition] = []
    texts: dict[Place, dict[str, None]] = {}
    for part in parts:
        for one in part.parts if isinstance(part, AnyOf) else (part,):
            if isinstance(one, IsOneOf):
                texts.setdefault(one.place, {}).update(dict.fromkeys(one.texts))
            else:
                flat.append(one)
    if ALWAYS in flat:
        return ALWAYS
    flat = [*(IsOneOf(place, tuple(values)) for place, values in texts.items()), *flat]
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def happened_within(since: int | None, until: int | None) -> Condition:
    """Return the condition that a record happened in [since, until), in nanoseconds since the epoch.

    Ends that are None are open. A record without a time of its own happened when it was received.
    """
    if since is None and until is None:
        return ALWAYS
    return TimeWithin(Column("Timestamp"), since, until, or_received=True)


def negated(part: Condition) -> Condition:
    """Return the condition that another one does not hold."""
    if isinstance(part, Negated):
        return part.part
    if part == ALWAYS:
        return NEVER
    return ALWAYS if part == NEVER else Negated(part)


def is_pinpoint(condition: Condition) -> bool:
    """Return whether an index leads to the few rows of a condition, wherever in time they are."""
    if isinstance(condition, IsOneOf):
        return isinstance(condition.place, Column) and condition.place.name in _PINPOINTS and all(condition.texts)
    if isinstance(condition, AllOf):
        return any(map(is_pinpoint, condition.parts)) or _is_leaf(condition)
    return isinstance(condition, AnyOf) and bool(condition.parts) and all(map(is_pinpoint, condition.parts))


def _is_leaf(condition: AllOf) -> bool:
    """Return whether a condition names a log, and at most some leaves of it."""
    places = {part.place for part in condition.parts if isinstance(part, IsOneOf)}
    leaves = {
        part.column.name
        for part in condition.parts
        if isinstance(part, IntegerWithin) and part.low is not None and part.high is not None
    }
    return Column("LogId") in places and "LeafIndex" in leaves

"""Facets: which values the fields of the records of a query have, and how often; and the names of attributes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from server.notary.canonical_columns import Kind, canonical_columns
from server.notary.origin import Stream
from server.query.counted_fields import CountedField
from server.query.limits import QueryLimits
from server.query.narrowing import Narrowed, answer_latest
from server.query.resolve import Query
from storage.conditions import NEVER, ascii_lower
from storage.counted_rows import Rows
from storage.counting import Facet, Key, count_keys, count_values
from storage.engine import Engine
from storage.lookups import first_time

__all__ = ["Among", "Facets", "Names", "facets", "names_of_attributes"]

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Among:
    """Records whose values are counted.

    Attributes:
        query: the query, which says nothing about evidence.
        streams: the streams, at least one.
        since: earliest time of a record, in nanoseconds since the epoch; None for any.
        until: time after the latest one; None for any.
    """

    query: Query
    streams: tuple[Stream, ...]
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Facets:
    """Values of fields.

    Attributes:
        records: number of records whose values were counted.
        facets: the values of each field, in the order of the fields.
        since: start of the range of these records, in nanoseconds since the epoch; None if it is open.
        is_partial: True if a limit was reached, so that they are only the latest ones of the query.
    """

    records: int
    facets: tuple[Facet, ...]
    since: int | None
    is_partial: bool


@dataclass(frozen=True, slots=True)
class Names:
    """Names of attributes.

    Attributes:
        keys: the most frequent ones.
        different: number of all.
        since: as for ``Facets``.
        is_partial: as for ``Facets``.
    """

    keys: tuple[Key, ...]
    different: int
    since: int | None
    is_partial: bool


def facets(
    engine: Engine, among: Among, fields: list[CountedField], most: int, beginning: str, limits: QueryLimits
) -> Facets:
    """Count the values of fields.

    Args:
        engine: the storage.
        among: the records.
        fields: the fields.
        most: number of values of each field, at most.
        beginning: beginning of values, of which case is ignored; others are left out.
        limits: limits; if one of them is reached, only the latest records are looked at.

    Raises:
        QueryTooExpensiveError: a limit was reached, even for the latest records.
        StorageError: storage cannot be read.
    """
    places = [field.counted for field in fields]

    def ask(engine: Engine, rows: list[Rows]) -> tuple[int, list[Facet]]:
        return count_values(engine, rows, places, most, beginning)

    found = _latest(engine, among, limits, ask, (0, [Facet() for _ in fields]))
    records, counted = found.answer
    return Facets(records, tuple(counted), found.since, found.is_partial)


def names_of_attributes(engine: Engine, among: Among, most: int, beginning: str, limits: QueryLimits) -> Names:
    """Count the names of attributes: ``LogAttributes.key`` and the like.

    Args:
        engine: the storage.
        among: the records.
        most: number of names, at most.
        beginning: beginning of names or of keys, of which case is ignored; others are left out.
        limits: as for ``facets``, with the same errors.
    """
    maps = _maps(among.streams, ascii_lower(beginning))

    def ask(engine: Engine, rows: list[Rows]) -> tuple[int, list[Key]]:
        return count_keys(engine, rows, most, maps)

    none: tuple[int, list[Key]] = (0, [])
    found = _latest(engine, among, limits, ask, none)
    different, keys = found.answer
    return Names(tuple(keys), different, found.since, found.is_partial)


def _maps(streams: tuple[Stream, ...], beginning: str) -> Mapping[str, str]:
    """Return the columns of attributes that may have a name with a beginning, and the beginning of keys in them."""
    columns = {column.name for stream in streams for column in canonical_columns(stream) if column.kind is Kind.MAP}
    named = {column: beginning[len(column) + 1 :] for column in columns if beginning.startswith(f"{column.lower()}.")}
    return named or {
        column: "" if f"{column.lower()}.".startswith(beginning) else beginning for column in sorted(columns)
    }


def _latest(
    engine: Engine,
    among: Among,
    limits: QueryLimits,
    ask: Callable[[Engine, list[Rows]], _Answer],
    none: _Answer,
) -> Narrowed[_Answer]:
    conditions = {stream: among.query.condition(stream) for stream in among.streams}
    rows = [
        Rows(stream, condition, among.since, among.until)
        for stream, condition in conditions.items()
        if condition != NEVER
    ]
    if not rows:
        return Narrowed(none, among.since, is_partial=False)

    def bounds(engine: Engine) -> tuple[int, int]:
        now = time.time_ns()
        since = first_time(engine) if among.since is None else among.since
        return since, max(since, now if among.until is None else min(among.until, now))

    return answer_latest(
        engine,
        limits,
        among.since,
        bounds,
        lambda limited, begin: ask(limited, [replace(one, since=begin) for one in rows]),
    )

"""Search: the records of one or several streams that a query finds, in pages, with their evidence."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.query.checked_rows import Checked
from server.query.limits import LimitedEngine, QueryLimits
from server.query.pages import Page, Position, read_page
from server.query.resolve import Query
from server.query.side_by_side import SideBySide
from server.query.windows import Windows
from server.verification.tree import TileCache
from storage.condition_algebra import all_of, happened_within, is_pinpoint
from storage.conditions import ALWAYS, NEVER, Condition
from storage.counted_rows import Rows
from storage.counting import count_all
from storage.engine import Engine
from storage.lookups import count_up_to, first_time, of_condition
from storage.records import Lookup

__all__ = ["Count", "Found", "Search", "admitted", "count_later", "search", "windows_of"]


@dataclass(frozen=True, slots=True)
class Search:
    """A search.

    Attributes:
        query: the query.
        streams: the streams whose records are looked for, at least one.
        since: earliest time of a record, in nanoseconds since the epoch; the time of receipt if it has none.
        until: time after the latest one.
        latest_first: True for the order from the latest to the earliest record.
        size: number of records of a page, at most.
        position: position from which the page begins.
        rehash: as for ``gather_evidence``.
        count_up_to: number up to which matching records are counted; 0 for no count.
    """

    query: Query
    streams: tuple[Stream, ...]
    since: int | None = None
    until: int | None = None
    latest_first: bool = True
    size: int = 100
    position: Position = Position()  # noqa: RUF009 - it is immutable
    rehash: bool = True
    count_up_to: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """Number of records that match, whether they can be proved or not.

    Attributes:
        number: the number.
        is_exact: False if there are more.
    """

    number: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search.

    Attributes:
        page: the page; the query's states of evidence have been applied.
        count: number of all records of the search; None if it was not asked for.
    """

    page: Page
    count: Count | None


def search(
    engine: Engine,
    keys: TrustedKeys,
    wanted: Search,
    limits: QueryLimits,
    together: SideBySide | None = None,
    cache: TileCache | None = None,
) -> Found:
    """Search; ``together`` and ``cache`` as for ``read_page``.

    Raises:
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    limited = LimitedEngine(engine, limits)
    conditions = {stream: _condition(wanted, stream) for stream in wanted.streams}
    lookups = [
        of_condition(stream, condition, latest_first=wanted.latest_first)
        for stream, condition in conditions.items()
        if condition != NEVER
    ]
    if not lookups:
        return Found(Page([], None, others_follow=False), Count(0, is_exact=True) if wanted.count_up_to else None)
    is_direct = all(is_pinpoint(condition) for condition in conditions.values() if condition != NEVER)
    windows = None if is_direct else windows_of(limited, wanted.since, wanted.until, latest_first=wanted.latest_first)
    page = read_page(
        limited,
        keys,
        lookups,
        wanted.size,
        wanted.position,
        rehash=wanted.rehash,
        windows=windows,
        together=together,
        cache=cache,
    )
    count = _count(limited, lookups, wanted.count_up_to) if wanted.count_up_to else None
    return Found(admitted(page, wanted.query), count)


def count_later(
    engine: Engine, query: Query, streams: Sequence[Stream], end: int, limits: QueryLimits, also: Condition = ALWAYS
) -> int:
    """Return the number of records that a query finds from a time on, whether they can be proved or not.

    Args:
        engine: the storage.
        query: the query; what it says of evidence is ignored.
        streams: the streams whose records are counted.
        end: the time, in nanoseconds since the epoch.
        limits: limits of the statement.
        also: another condition that records must satisfy.

    Raises:
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    conditions = {stream: all_of([query.condition(stream), also]) for stream in streams}
    rows = [Rows(stream, condition, since=end) for stream, condition in conditions.items() if condition != NEVER]
    return count_all(LimitedEngine(engine, limits), rows) if rows else 0


def admitted(page: Page, query: Query) -> Page:
    """Return a page without the records whose state of evidence a query does not admit."""
    states = query.evidence
    if states is None:
        return page
    rows: list[Checked] = [(row, found) for row, found in page.rows if found.state.value.lower() in states]
    return Page(rows, page.following, page.others_follow)


def windows_of(engine: Engine, since: int | None, until: int | None, *, latest_first: bool) -> Windows:
    """Return the windows for a range of time, whose ends are in nanoseconds since the epoch, or None.

    Raises:
        StorageError: storage cannot be read.
    """
    if latest_first:
        now = time.time_ns()
        return Windows(now if until is None else min(now, until), latest_first=True, last=since)
    start = first_time(engine) if since is None else since
    return Windows(start, latest_first=False, last=until)


def _condition(wanted: Search, stream: Stream) -> Condition:
    return all_of([wanted.query.condition(stream), happened_within(wanted.since, wanted.until)])


def _count(engine: Engine, lookups: list[Lookup], most: int) -> Count:
    number = 0
    for lookup in lookups:
        number += count_up_to(engine, lookup, most + 1 - number)
        if number > most:
            return Count(most, is_exact=False)
    return Count(number, is_exact=True)

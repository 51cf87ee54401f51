"""The audit events of one actor or one target: an overview of all, and the events in pages.

An actor is who acted, or on whose behalf or with whose rights somebody else did. Names of actors are not unique, and
whoever sends a record chooses them; so an actor is looked for by its ID only, and a name leads to the IDs that have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.query.limits import LimitedEngine, QueryLimits
from server.query.pages import Page, Position, read_page
from server.query.plausible_times import plausible_times
from server.query.resolve import Query
from server.query.search import admitted, windows_of
from server.query.windows import Windows
from server.verification.tree import TileCache
from storage.condition_algebra import all_of, happened_within, negated
from storage.conditions import NEVER, Column, Condition, IsOneOf
from storage.engine import Engine
from storage.lookups import of_condition
from storage.overviews import FieldValues, Overview, overview_of, values_of
from storage.records import Lookup, count_rows

__all__ = ["ACTOR", "TARGET", "Subject", "Timeline", "TimelineSearch", "read_timeline"]

_MOST_VALUES = 20
_FEW = 1000  # events that are read at once, and not in windows of time
_ACTOR_COLUMNS = ("ActorId", "EffectiveActorId")


@dataclass(frozen=True, slots=True)
class Subject:
    """The kind of what a timeline is about.

    Attributes:
        columns: columns of its ID: an event that has it in one of them is of the timeline.
        name: column of its name; empty if it has none.
        fields: field of the overview -> its column.
    """

    columns: tuple[str, ...]
    name: str
    fields: Mapping[str, str]


_SHARED = {"outcome": "Outcome", "category": "Category", "action": "Action"}
_SOURCE = {"source": "SourceId", "session": "SessionId"}
ACTOR = Subject(_ACTOR_COLUMNS, "ActorName", {**_SHARED, "target": "TargetId", **_SOURCE})
TARGET = Subject(("TargetId",), "", {**_SHARED, "actor": "ActorId", **_SOURCE})


@dataclass(frozen=True, slots=True)
class TimelineSearch:
    """A request for a timeline; times are nanoseconds since the epoch.

    Attributes:
        subject: the kind of what it is about.
        identifier: the ID of the actor or target.
        query: a query that events must match.
        since: earliest time of an event; the time of receipt if it has none.
        until: time after the latest one.
        latest_first: True for the order from the latest to the earliest event.
        size: number of events of a page, at most.
        position: position from which the page begins.
        rehash: as for ``gather_evidence``.
        with_overview: True to make the overview too.
        end: end of the range if none was requested: then later events are counted; None for no such end.
    """

    subject: Subject
    identifier: str
    query: Query
    since: int | None = None
    until: int | None = None
    latest_first: bool = True
    size: int = 100
    position: Position = Position()  # noqa: RUF009 - it is immutable
    rehash: bool = True
    with_overview: bool = True
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of a timeline.

    Attributes:
        page: the events.
        overview: the overview of all events that match, None if it was not asked for.
        of_this_name: if there is no event: IDs of actors that have the ID which was asked for as their name.
        later: number of events from the end on.
    """

    page: Page
    overview: Overview | None
    of_this_name: Sequence[str] = ()
    later: int = 0


def read_timeline(
    engine: Engine, keys: TrustedKeys, wanted: TimelineSearch, limits: QueryLimits, cache: TileCache | None = None
) -> Timeline:
    """Read a page of a timeline. What the query says of evidence is applied to the page, and not to the overview.

    Args:
        engine: the storage.
        keys: trusted public keys.
        wanted: the page.
        limits: limits of its statements.
        cache: as for ``gather_evidence``.

    Raises:
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    limited = LimitedEngine(engine, limits)
    subject = wanted.subject
    lookups = _lookups(wanted)
    if not lookups:
        empty = Overview(0, 0, 0, 0, {field: FieldValues(0, ()) for field in subject.fields})
        return Timeline(Page([], None, others_follow=False), empty if wanted.with_overview else None)
    overview, later = None, 0
    if wanted.with_overview:
        plausible = plausible_times()
        overview = overview_of(
            limited, lookups, subject.fields, "session", _MOST_VALUES, plausible.first, plausible.end
        )
        if wanted.end is not None:
            after = _lookups(replace(wanted, since=wanted.end, end=None))
            later = sum(count_rows(limited, lookup) for lookup in after)
        if not overview.count:
            names = () if later else _of_this_name(limited, wanted)
            return Timeline(Page([], None, others_follow=False), overview, names, later)
        lookups = [lookup for lookup, number in zip(lookups, overview.counts, strict=True) if number]
    page = read_page(
        limited,
        keys,
        lookups,
        wanted.size,
        wanted.position,
        rehash=wanted.rehash,
        windows=_windows(limited, wanted, overview),
        cache=cache,
    )
    return Timeline(admitted(page, wanted.query), overview, later=later)


def _lookups(wanted: TimelineSearch) -> list[Lookup]:
    """Return a lookup for each column of the ID, since each has an index of its own; each row is in one of them."""
    until = wanted.until if wanted.end is None else wanted.end
    rest = [wanted.query.condition(Stream.AUDIT), happened_within(wanted.since, until)]
    found, before = [], list[Condition]()
    for column in wanted.subject.columns:
        is_it = IsOneOf(Column(column), (wanted.identifier,))
        condition = all_of([is_it, *before, *rest])
        if condition != NEVER:
            found.append(of_condition(Stream.AUDIT, condition, latest_first=wanted.latest_first))
        before.append(negated(is_it))
    return found


def _windows(engine: Engine, wanted: TimelineSearch, overview: Overview | None) -> Windows | None:
    if overview is None:
        return windows_of(engine, wanted.since, wanted.until, latest_first=wanted.latest_first)
    if overview.count <= _FEW:
        return None
    start, last = overview.last, overview.first
    if not wanted.latest_first:
        start, last = last, start
    return Windows(start, latest_first=wanted.latest_first, last=last)


def _of_this_name(engine: Engine, wanted: TimelineSearch) -> Sequence[str]:
    if not wanted.subject.name:
        return ()
    condition = IsOneOf(Column(wanted.subject.name), (wanted.identifier,))
    return values_of(
        engine, of_condition(Stream.AUDIT, condition, latest_first=True), wanted.subject.columns[0], _MOST_VALUES
    )

"""The records around a record: by time, by leaf, or by a property that they share with it.

The order of leaves is the order in which a log received its records, and it is signed. So neighbours by leaf are those
that no sender can put elsewhere with the times that it writes. Records that were sent without a time are neighbours by
leaf only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.errors.base import LognotaryError
from server.notary.canonical import Value, decode_record
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.query.checked_rows import Checked, check_rows, is_proved, place_of
from server.query.limits import LimitedEngine, QueryLimits
from server.query.pages import Page, Position, read_page
from server.query.resolve import EVERYTHING, Query
from server.query.search import admitted
from server.query.windows import Windows
from server.verification.last_batches import last_batch_of
from server.verification.tree import TileCache
from storage.bound import sees_all_records
from storage.condition_algebra import all_of, any_of, is_pinpoint
from storage.conditions import ALWAYS, NEVER, Attribute, Column, Condition, IntegerWithin, IsOneOf, TimeWithin
from storage.engine import Engine
from storage.leaves import select_leaves
from storage.lookups import of_condition
from storage.records import Place, select_fitting, select_rows
from storage.stored_records import StoredRecord

__all__ = [
    "BY",
    "NeighbourSearch",
    "Neighbours",
    "NoSuchValueError",
    "neighbours",
    "record_at",
    "records_of_id",
]

_COLUMNS = {
    "actor": "ActorId",
    "session": "SessionId",
    "source": "SourceId",
    "target": "TargetId",
    "host": "SourceHost",
    "service": "ServiceName",
}
BY = ("time", "leaf", *_COLUMNS)
"""Names of the properties that a record may share with its neighbours."""

_TIMED = TimeWithin(Column("Timestamp"), 1, None)  # without a time of its own, a record has no place in time
_HOST = Attribute("ResourceAttributes", "host.name")
_FIRST_LEAVES = 1024  # leaves that are looked at first, with a query
_LARGEST_STEP = 16


class NoSuchValueError(LognotaryError):
    """The record, or all streams of its neighbours, do not have what they should have in common."""


@dataclass(frozen=True, slots=True)
class NeighbourSearch:
    """A search for neighbours.

    Attributes:
        by: one of ``BY``.
        before: number of records before the record, at most.
        after: number of records after it, at most.
        query: a query that neighbours must match.
        streams: streams of the neighbours, at least one.
        rehash: as for ``gather_evidence``.
    """

    by: str
    before: int
    after: int
    query: Query
    streams: tuple[Stream, ...]
    rehash: bool = True


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Neighbours of a record, each list in its order from the first to the last.

    Attributes:
        before: records before it.
        after: records after it.
        more_before: True if there are more.
        more_after: True if there are more.
        unproved_omitted: True if records that cannot be proved were left out, since others come first.
        value: what they have in common; empty for ``time`` and ``leaf``.
        missing: by leaf and without a query: leaves among these that no stored record claims.
    """

    before: Sequence[Checked]
    after: Sequence[Checked]
    more_before: bool
    more_after: bool
    unproved_omitted: bool = False
    value: str = ""
    missing: Sequence[int] = ()


def neighbours(
    engine: Engine,
    keys: TrustedKeys,
    record: Checked,
    wanted: NeighbourSearch,
    limits: QueryLimits,
    cache: TileCache | None = None,
) -> Neighbours:
    """Find the neighbours of a record; ``cache`` as for ``gather_evidence``.

    Raises:
        NoSuchValueError: the record has no such value, or no stream of the neighbours has the field.
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    limited = LimitedEngine(engine, limits)
    row = record[0]
    if wanted.by == "leaf":
        return _Leaves(limited, keys, row.stream, row.log_id, row.leaf_index, wanted, cache).neighbours()
    values = decode_record(row.stream, row.canonical)
    place, value = place_of(row), ""
    shared: Mapping[Stream, Condition] = dict.fromkeys(wanted.streams, ALWAYS)
    if wanted.by == "time":
        if not place.timestamp:
            # A record that was sent without a time is placed by its time of receipt.
            received = values["IngestedAt"]
            place = Place(
                place.stream,
                received if isinstance(received, int) else 0,
                place.log_id,
                place.leaf_index,
                place.batch_id,
                place.leaf_hash,
            )
    else:
        value = _value(values, wanted.by)
        if not value:
            raise NoSuchValueError(f"the record has no {wanted.by}, so nothing has it in common with it")
        shared = {stream: _has(stream, wanted.by, value) for stream in wanted.streams}
        if all(condition == NEVER for condition in shared.values()):
            raise NoSuchValueError(
                f"only audit events have the field {wanted.by}: name audit in streams (--stream audit)"
            )
    conditions = {stream: all_of([wanted.query.condition(stream), shared[stream], _TIMED]) for stream in wanted.streams}
    before, after = (
        _beside(limited, keys, conditions, place, wanted, cache, latest_first=latest_first)
        for latest_first in (True, False)
    )
    return Neighbours(
        admitted(before, wanted.query).rows[::-1],
        admitted(after, wanted.query).rows,
        before.following is not None,
        after.following is not None,
        before.others_follow or after.others_follow,
        value,
    )


def record_at(
    engine: Engine, keys: TrustedKeys, stream: Stream, log_id: str, leaf: int, cache: TileCache | None = None
) -> Checked | None:
    """Return the record of a leaf with its evidence, None if none is stored; of several, one that can be proved.

    ``cache`` as for ``gather_evidence``.

    Raises:
        StorageError: storage cannot be read.
    """
    nothing = NeighbourSearch("leaf", 0, 0, EVERYTHING, ())
    found = _Leaves(engine, keys, stream, log_id, leaf, nothing, cache).read(
        ALWAYS, leaf, leaf + 1, 1, latest_first=False
    )
    return found[0] if found else None


def records_of_id(
    engine: Engine, keys: TrustedKeys, record_id: str, most: int, cache: TileCache | None = None
) -> list[Checked]:
    """Return the audit records that were sent with an ID, with their evidence; at most ``most`` of them.

    If one of them can be proved, those that cannot are left out. ``cache`` as for ``gather_evidence``.

    Raises:
        StorageError: storage cannot be read.
    """
    lookup = of_condition(Stream.AUDIT, IsOneOf(Column("AuditRecordId"), (record_id,)), latest_first=False)
    found = check_rows(engine, keys, select_rows(engine, lookup, most), rehash=True, cache=cache)
    return [one for one in found if is_proved(one)] or found


def _value(values: Mapping[str, Value], by: str) -> str:
    value = values.get(_COLUMNS[by], b"")
    if by == "host" and not value:
        pairs = values.get("ResourceAttributes")
        hosts = (
            (pair[1] for pair in pairs if isinstance(pair, tuple) and pair[0] == b"host.name")
            if isinstance(pairs, list)
            else ()
        )
        value = next(iter(hosts), b"")  # of a repeated key, conditions compare the first value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _has(stream: Stream, by: str, value: str) -> Condition:
    """Return the condition for the records of a stream that have a value; a host is the source's, or the service's."""
    places: list[Column | Attribute] = []
    if by == "service" or stream is Stream.AUDIT:
        places.append(Column(_COLUMNS[by]))
    if by == "host":
        places.append(_HOST)
    return any_of(IsOneOf(place, (value,)) for place in places)


def _beside(
    engine: Engine,
    keys: TrustedKeys,
    conditions: Mapping[Stream, Condition],
    place: Place,
    wanted: NeighbourSearch,
    cache: TileCache | None,
    *,
    latest_first: bool,
) -> Page:
    size = wanted.before if latest_first else wanted.after
    possible = {stream: condition for stream, condition in conditions.items() if condition != NEVER}
    if not size or not possible:
        return Page([], None, others_follow=False)
    windows = Windows(place.timestamp, latest_first=latest_first)
    return read_page(
        engine,
        keys,
        [of_condition(stream, condition, latest_first=latest_first) for stream, condition in possible.items()],
        size,
        Position(place),
        rehash=wanted.rehash,
        windows=None if all(map(is_pinpoint, possible.values())) else windows,
        cache=cache,
    )


@dataclass(frozen=True, slots=True)
class _Leaves:
    engine: Engine
    keys: TrustedKeys
    stream: Stream
    log_id: str
    leaf: int
    wanted: NeighbourSearch
    cache: TileCache | None

    def neighbours(self) -> Neighbours:
        wanted = self.wanted
        condition = wanted.query.condition(self.stream) if self.stream in wanted.streams else NEVER
        last = last_batch_of(self.engine, self.keys, self.log_id)
        size = max(last.largest.tree_size if last else 0, self.leaf + 1)
        if condition == ALWAYS:
            first, end = max(0, self.leaf - wanted.before), min(size, self.leaf + 1 + wanted.after)
            found = self.read(ALWAYS, first, end, end - first, latest_first=False)
            gone = sorted(set(range(first, end)) - {row.leaf_index for row, _ in found} - {self.leaf})
            # A record that the caller may not see is not missing.
            missing = gone if sees_all_records(self.stream) else []
            rows = self._admitted(found)
            return Neighbours(
                [one for one in rows if one[0].leaf_index < self.leaf],
                [one for one in rows if one[0].leaf_index > self.leaf],
                first > 0,
                end < size,
                missing=missing,
            )
        before = self._matching(condition, wanted.before, 0, self.leaf, latest_first=True)
        after = self._matching(condition, wanted.after, self.leaf + 1, size, latest_first=False)
        return Neighbours(
            self._admitted(before[: wanted.before])[::-1],
            self._admitted(after[: wanted.after]),
            len(before) > wanted.before,
            len(after) > wanted.after,
        )

    def _matching(
        self, condition: Condition, wanted: int, first: int, end: int, *, latest_first: bool
    ) -> list[Checked]:
        """Return one record more than wanted, the nearest ones first, from ranges of leaves that grow."""
        found: list[Checked] = []
        width = _FIRST_LEAVES
        while wanted and condition != NEVER and first < end and len(found) <= wanted:
            low, high = (max(first, end - width), end) if latest_first else (first, min(end, first + width))
            found += self.read(condition, low, high, wanted + 1 - len(found), latest_first=latest_first)
            first, end = (first, low) if latest_first else (high, end)
            width *= _LARGEST_STEP
        return found

    def read(self, condition: Condition, first: int, end: int, most: int, *, latest_first: bool) -> list[Checked]:
        """Return the records of leaves in [first, end): of several that claim a leaf, the one that can be proved."""
        limited_to = IntegerWithin(Column("LeafIndex"), first, end - 1)
        of_log = IsOneOf(Column("LogId"), (self.log_id,))
        lookup = of_condition(self.stream, all_of([of_log, limited_to, condition]), latest_first=latest_first)
        claims: dict[int, list[Checked]] = {}
        for checked in self._checked(select_leaves(self.engine, lookup, most)):
            claims.setdefault(checked[0].leaf_index, []).append(checked)
        crowded = [leaf for leaf, rows in claims.items() if len(rows) > 1 and not any(map(is_proved, rows))]
        if crowded:
            # Among more rows than were read of a leaf, there may be the one that was signed.
            these = any_of(IntegerWithin(Column("LeafIndex"), leaf, leaf) for leaf in crowded)
            signed = of_condition(self.stream, all_of([of_log, these, condition]), latest_first=latest_first)
            for checked in self._checked(select_fitting(self.engine, signed, len(crowded))):
                claims[checked[0].leaf_index].append(checked)
        return [next(filter(is_proved, rows), rows[0]) for rows in claims.values()]

    def _checked(self, rows: Sequence[StoredRecord]) -> list[Checked]:
        return check_rows(self.engine, self.keys, rows, rehash=self.wanted.rehash, cache=self.cache)

    def _admitted(self, rows: Sequence[Checked]) -> list[Checked]:
        return admitted(Page(list(rows), None, others_follow=False), self.wanted.query).rows

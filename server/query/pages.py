"""Pages of records with evidence, on which inserted rows displace no record.

Usually all rows of a page are verified, and the next page begins after the last row. If a row is not verified, and
there are more rows than fit on the page, the rows come in two passes: first all verified rows, then all others. So each
row is on one page, and inserted rows displace no record. Rows that name no log, in streams that may have such rows, are
ordered among the verified rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from server.notary.canonical import leaf_of
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.query.side_by_side import SideBySide
from server.query.windows import Windows
from server.verification.record_evidence import RecordEvidence, State, gather_evidence
from storage.engine import Engine
from storage.lookups import within
from storage.records import Lookup, Place, select_all, select_fitting, select_rows
from storage.schema import rank_of
from storage.stored_records import StoredRecord

__all__ = [
    "Checked",
    "Page",
    "Position",
    "admitting",
    "check_rows",
    "is_admissible",
    "is_proved",
    "order_of",
    "place_of",
    "read_page",
]

_CHUNK = 1000  # rows that are read at a time
_ONE_PLACE = 3  # passes
_MOST_ROWS = 10_000  # rows that are read for a page in each pass

_Result = TypeVar("_Result")
Checked = tuple[StoredRecord, RecordEvidence]
_Select = Callable[[Engine, Lookup, int, Place | None], list[StoredRecord]]


@dataclass(frozen=True, slots=True)
class Position:
    """Position from which a page begins.

    Attributes:
        after: place of the last row that was read in this pass; None at its start.
        passes: 0 before a row was found that is not verified; 1 and 2 in the two passes; 3 as 0, but among rows of one
            place, in the order of all fields of ``Place``.
        others_after: place after which the second pass begins; None for the first row.
    """

    after: Place | None = None
    passes: int = 0
    others_after: Place | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows with their evidence.

    Attributes:
        rows: the rows, in the order of the lookup.
        following: position of the next page, None if this is the last one.
        others_follow: True if rows were left out because they are unsigned or tampered with; they are on later pages.
    """

    rows: list[Checked]
    following: Position | None
    others_follow: bool


def read_page(
    engine: Engine,
    keys: TrustedKeys,
    lookups: Sequence[Lookup],
    size: int,
    position: Position,
    *,
    rehash: bool,
    windows: Windows | None = None,
    together: SideBySide | None = None,
) -> Page:
    """Read a page of rows. It may have fewer rows than its size, and be followed by others nevertheless.

    Args:
        engine: the storage.
        keys: trusted public keys.
        lookups: the rows of at least one stream, all in the same direction.
        size: number of rows, at most.
        position: position from which the page begins.
        rehash: as for ``gather_evidence``.
        windows: windows of time in which rows are looked for; None if an index leads to them.
        together: threads that read several streams at the same time; None for one after the other.

    Raises:
        StorageError: storage cannot be read.
    """
    lookups = [admitting(lookup, keys) for lookup in lookups]
    reader = _Reader(engine, keys, lookups, windows, together)
    if position.passes in (0, _ONE_PLACE):
        if (page := _all_admissible(reader, size, position, rehash=rehash)) is not None:
            return page
        position = Position(position.after, 1, position.after)
    following: Position | None = position
    found: list[Checked] = []
    if position.passes == 1:
        found, following = _one_pass(reader, size, position)
    if following is not None and following.passes == 2 and len(found) < size:
        others, following = _one_pass(reader, size - len(found), following)
        found += others
    found.sort(key=lambda checked: _order(place_of(checked[0])), reverse=lookups[0].latest_first)
    if not rehash:
        found = [(row, _as_signed(evidence)) for row, evidence in found]
    return Page(found, following, others_follow=following is not None)


def check_rows(
    engine: Engine,
    keys: TrustedKeys,
    rows: Sequence[StoredRecord],
    *,
    rehash: bool,
    together: SideBySide | None = None,
) -> list[Checked]:
    """Return rows of any streams with their evidence; args and errors as for ``gather_evidence`` and ``read_page``."""
    numbers: dict[Stream, list[int]] = {}
    for number, row in enumerate(rows):
        numbers.setdefault(row.stream, []).append(number)
    reads = [
        partial(gather_evidence, engine, keys, stream, [rows[number] for number in own], rehash=rehash)
        for stream, own in numbers.items()
    ]
    found: dict[int, RecordEvidence] = {}
    for own, evidence in zip(numbers.values(), _all(reads, together), strict=True):
        found.update(zip(own, evidence, strict=True))
    return [(row, found[number]) for number, row in enumerate(rows)]


def is_proved(checked: Checked) -> bool:
    """Return whether a row is what was signed."""
    _, evidence = checked
    return evidence.state in (State.VERIFIED, State.SIGNED) and not evidence.tiles_altered


def is_admissible(checked: Checked) -> bool:
    """Return whether a row was verified, or names no log in a stream that may have such rows."""
    return is_proved(checked) or checked[1].is_expected


def admitting(lookup: Lookup, keys: TrustedKeys) -> Lookup:
    """Return a lookup with ``without_log`` set if its stream may have rows that name no log."""
    return replace(lookup, without_log=keys.expects_unsigned(lookup.stream))


def place_of(row: StoredRecord) -> Place:
    """Return the place of a row in the order of lookups."""
    return Place(row.stream, row.timestamp, row.log_id, row.leaf_index, row.batch_id, leaf_of(row.canonical))


def _all_admissible(reader: _Reader, size: int, position: Position, *, rehash: bool) -> Page | None:
    """Return a page in one pass; None if it needs two, because more rows follow and some are not admissible."""
    among_one = position.passes == _ONE_PLACE
    rows = reader.select(select_all if among_one else select_rows, size + 1, position.after)
    checked = reader.check(rows, rehash=rehash)
    if len(rows) <= size:
        return Page(checked, None, others_follow=False)
    if not all(map(is_admissible, checked)):
        return None
    if among_one:
        passes = _ONE_PLACE if order_of(rows[size - 1]) == order_of(rows[size]) else 0
        return Page(checked[:size], Position(place_of(rows[size - 1]), passes), others_follow=False)
    if end := _end_of_page(rows):
        last = _last_place(rows[:end], latest_first=reader.lookups[0].latest_first)
        return Page(checked[:end], Position(last), others_follow=False)
    return _all_admissible(reader, size, Position(position.after, _ONE_PLACE), rehash=rehash)


def _end_of_page(rows: Sequence[StoredRecord]) -> int:
    """Return the number of rows in a page, given one more row than fits; 0 if all have the same place.

    The next page begins after the place of the last row, so the page must have all rows of that place. Rows that a
    Collector wrote name no leaf, so rows of the same time have the same place.
    """
    end = len(rows) - 1
    while end and order_of(rows[end - 1]) == order_of(rows[end]):
        end -= 1
    return end


def _last_place(rows: Sequence[StoredRecord], *, latest_first: bool) -> Place:
    """Return the place of the last row; of rows that name the same leaf, the last one in the order of all fields."""
    alike = [place_of(row) for row in rows if order_of(row) == order_of(rows[-1])]
    pick = min if latest_first else max
    return pick(alike, key=lambda place: place.leaf_hash)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Rows of several lookups in one order: by time, log, leaf and stream, then by the other fields of ``Place``."""

    engine: Engine
    keys: TrustedKeys
    lookups: Sequence[Lookup]
    windows: Windows | None
    together: SideBySide | None

    def select(self, select: _Select, limit: int, after: Place | None) -> list[StoredRecord]:
        """Return the first rows after a place."""
        if self.windows is None:
            return self._merged(select, self.lookups, limit, after)
        found: list[StoredRecord] = []
        growing = self.windows.growing(None if after is None else after.timestamp)
        while (window := growing.next(len(found), limit)) is not None:
            lookups = [within(lookup, window.first, window.end) for lookup in self.lookups]
            found += self._merged(select, lookups, limit - len(found), after)
            if len(found) == limit:
                break
        return found

    def _merged(
        self, select: _Select, lookups: Sequence[Lookup], limit: int, after: Place | None
    ) -> list[StoredRecord]:
        reads = [partial(select, self.engine, lookup, limit, after) for lookup in lookups]
        rows = [row for found in _all(reads, self.together) for row in found]
        if len(lookups) > 1:
            rows.sort(key=order_of, reverse=lookups[0].latest_first)  # keeps the order of equal ones
        return rows[:limit]

    def check(self, rows: Sequence[StoredRecord], *, rehash: bool) -> list[Checked]:
        """Return rows with their evidence."""
        return check_rows(self.engine, self.keys, rows, rehash=rehash, together=self.together)


def _all(reads: Sequence[Callable[[], _Result]], together: SideBySide | None) -> list[_Result]:
    return [read() for read in reads] if together is None else together.all(reads)


def _one_pass(reader: _Reader, room: int, position: Position) -> tuple[list[Checked], Position | None]:
    """Read rows of a pass until there is no room, there are no more, or enough were read; and say what follows."""
    first = position.passes == 1
    select: _Select = select_fitting if first else select_all
    found: list[Checked] = []
    for checked in _checked(reader, select, position.after):
        if checked is None:
            return found, position
        position = replace(position, after=place_of(checked[0]))
        if is_admissible(checked) == first:
            found.append(checked)
            if len(found) == room:
                return found, position
    return found, Position(position.others_after, 2) if first else None


def _checked(reader: _Reader, select: _Select, after: Place | None) -> Iterator[Checked | None]:
    """Yield rows with their evidence; None at the end if there may be more."""
    for _ in range(_MOST_ROWS // _CHUNK):
        rows = reader.select(select, _CHUNK, after)
        ended = len(rows) < _CHUNK
        if not ended:
            # Equal rows must be checked together, and more like the last one may follow.
            last = place_of(rows[-1])
            while len(rows) > 2 and place_of(rows[-1]) == last:
                rows.pop()
        yield from reader.check(rows, rehash=True)
        if ended:
            return
        after = place_of(rows[-1])
    yield None


def _as_signed(evidence: RecordEvidence) -> RecordEvidence:
    return replace(evidence, state=State.SIGNED) if evidence.state is State.VERIFIED else evidence


def _order(place: Place) -> tuple[int, str, int, int]:
    return place.timestamp, place.log_id, place.leaf_index, rank_of(place.stream)


def order_of(row: StoredRecord) -> tuple[int, str, int, int]:
    """Return the sort key of a row in answers."""
    return row.timestamp, row.log_id, row.leaf_index, rank_of(row.stream)

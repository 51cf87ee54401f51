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
from itertools import islice

from server.notary.trust import TrustedKeys
from server.query.checked_rows import Checked, admitting, check_rows, is_admissible, order_of, place_of
from server.query.side_by_side import SideBySide
from server.query.windows import Windows
from server.verification.record_evidence import RecordEvidence, State
from server.verification.tree import TileCache
from storage.engine import Engine
from storage.lookups import within
from storage.records import Lookup, Place, select_all, select_fitting, select_rows
from storage.stored_records import StoredRecord

__all__ = [
    "Page",
    "Position",
    "read_page",
    "read_pages",
]

_CHUNK = 1000  # rows that are read at a time
_ONE_PLACE = 3  # passes
_MOST_ROWS = 10_000  # rows that are read for a page in each pass

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
    cache: TileCache | None = None,
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
        cache: as for ``gather_evidence``.

    Raises:
        StorageError: storage cannot be read.
    """
    reader = _Reader(engine, keys, [admitting(lookup, keys) for lookup in lookups], windows, together, cache)
    first = reader.check(_first_rows(reader, size, position), rehash=rehash)
    page = _in_one_pass(reader, first, size, position, rehash=rehash)
    return _in_two_passes(reader, size, position, rehash=rehash) if page is None else page


def read_pages(
    engine: Engine,
    keys: TrustedKeys,
    asked: Sequence[tuple[Lookup, Position]],
    size: int,
    *,
    rehash: bool,
    together: SideBySide,
    cache: TileCache | None = None,
) -> list[Page]:
    """Read a page of each of several lookups at the same time; their rows are checked together.

    Args:
        engine: as for ``read_page``, and all that follow.
        keys: trusted public keys.
        asked: the lookups, and the position from which the page of each begins.
        size: number of rows of each page, at most.
        rehash: as for ``gather_evidence``.
        together: threads that read them.
        cache: as for ``gather_evidence``.

    Raises:
        StorageError: storage cannot be read.
    """
    readers = [_Reader(engine, keys, [admitting(lookup, keys)], None, None, cache) for lookup, _ in asked]
    positions = [position for _, position in asked]
    reads = [partial(_first_rows, reader, size, position) for reader, position in zip(readers, positions, strict=True)]
    found = together.all(reads)
    rows_of_all = [row for rows in found for row in rows]
    checked = iter(check_rows(engine, keys, rows_of_all, rehash=rehash, cache=cache))
    pages = [
        _in_one_pass(reader, list(islice(checked, len(rows))), size, position, rehash=rehash)
        for reader, rows, position in zip(readers, found, positions, strict=True)
    ]
    in_two_passes = [
        partial(_in_two_passes, reader, size, position, rehash=rehash)
        for page, reader, position in zip(pages, readers, positions, strict=True)
        if page is None
    ]
    rest = iter(together.all(in_two_passes))
    return [next(rest) if page is None else page for page in pages]


def _first_rows(reader: _Reader, size: int, position: Position) -> list[StoredRecord]:
    """Return the rows of a page, and one that shows whether more follow; none if it needs two passes."""
    if position.passes not in (0, _ONE_PLACE):
        return []
    return reader.select(select_all if position.passes == _ONE_PLACE else select_rows, size + 1, position.after)


def _in_two_passes(reader: _Reader, size: int, position: Position, *, rehash: bool) -> Page:
    """Return a page of which the first pass has the rows that are admissible, and the second the others."""
    if position.passes in (0, _ONE_PLACE):
        position = Position(position.after, 1, position.after)
    following: Position | None = position
    found: list[Checked] = []
    if position.passes == 1:
        found, following = _one_pass(reader, size, position)
    if following is not None and following.passes == 2 and len(found) < size:
        others, following = _one_pass(reader, size - len(found), following)
        found += others
    found.sort(key=lambda checked: order_of(checked[0]), reverse=reader.lookups[0].latest_first)
    if not rehash:
        found = [(row, _as_signed(evidence)) for row, evidence in found]
    return Page(found, following, others_follow=following is not None)


def _in_one_pass(
    reader: _Reader, checked: list[Checked], size: int, position: Position, *, rehash: bool
) -> Page | None:
    """Return a page of the rows of ``_first_rows``; None if it needs two passes.

    It needs two if more rows follow and one of the rows is not admissible.
    """
    if position.passes not in (0, _ONE_PLACE):
        return None
    if len(checked) <= size:
        return Page(checked, None, others_follow=False)
    if not all(map(is_admissible, checked)):
        return None
    rows = [row for row, _ in checked]
    if position.passes == _ONE_PLACE:
        passes = _ONE_PLACE if order_of(rows[size - 1]) == order_of(rows[size]) else 0
        return Page(checked[:size], Position(place_of(rows[size - 1]), passes), others_follow=False)
    if end := _end_of_page(rows):
        last = _last_place(rows[:end], latest_first=reader.lookups[0].latest_first)
        return Page(checked[:end], Position(last), others_follow=False)
    position = Position(position.after, _ONE_PLACE)
    checked = reader.check(_first_rows(reader, size, position), rehash=rehash)
    return _in_one_pass(reader, checked, size, position, rehash=rehash)


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
    cache: TileCache | None

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
        several = [read() for read in reads] if self.together is None else self.together.all(reads)
        rows = [row for found in several for row in found]
        if len(lookups) > 1:
            rows.sort(key=order_of, reverse=lookups[0].latest_first)  # keeps the order of equal ones
        return rows[:limit]

    def check(self, rows: Sequence[StoredRecord], *, rehash: bool) -> list[Checked]:
        """Return rows with their evidence."""
        return check_rows(self.engine, self.keys, rows, rehash=rehash, cache=self.cache)


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
        # All pages of both passes rest on the same hashes, whatever is cached when they are read.
        yield from check_rows(reader.engine, reader.keys, rows, rehash=True)
        if ended:
            return
        after = place_of(rows[-1])
    yield None


def _as_signed(evidence: RecordEvidence) -> RecordEvidence:
    return replace(evidence, state=State.SIGNED) if evidence.state is State.VERIFIED else evidence

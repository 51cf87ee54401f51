"""Traces in which matching records happened, the trace of the latest one first, in pages.

A trace has its place by its latest matching record. Pages are about the records that were received before the first
page was asked for, so that a trace whose place changes meanwhile is neither shown twice nor left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from server.notary.canonical import decode_record
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.query.checked_rows import Checked, admitting, check_rows, is_admissible, order_of, place_of
from server.query.limits import LimitedEngine, QueryLimits
from server.query.plausible_times import plausible_times
from server.query.resolve import Query
from server.query.search import windows_of
from server.query.side_by_side import SideBySide
from server.query.windows import Windows
from server.verification.tree import TileCache
from storage.condition_algebra import all_of, happened_within, is_pinpoint
from storage.conditions import NEVER, Column, Condition, IsOneOf, TimeWithin
from storage.engine import Engine
from storage.lookups import of_condition, within
from storage.records import Place
from storage.schema import RECORD_TABLES
from storage.stored_records import StoredRecord
from storage.traces import WITH_TRACE, TraceRows, latest_of_traces, traces_of, traces_until

__all__ = ["FoundTraces", "TracePlace", "TraceSearch", "TraceSummary", "find_traces"]

_MOST_LOOKED_AT = 2000  # traces of which a page reads what each has in all
_LARGEST_CHUNK = 200


@dataclass(frozen=True, slots=True)
class TracePlace:
    """Position from which a page begins.

    Attributes:
        received: time of the first page, in nanoseconds since the epoch: later records are left out.
        after: place of the matching record of the last trace that was looked at; None for the first page.
        only_fitting: True from the page on that found a matching record that cannot be proved.
    """

    received: int
    after: Place | None = None
    only_fitting: bool = False


@dataclass(frozen=True, slots=True)
class TraceSearch:
    """A search for traces; times and durations are nanoseconds.

    Attributes:
        query: the query; it must not be about evidence.
        streams: streams in which matching records are looked for, at least one.
        position: position from which the page begins.
        since: earliest time of a matching record; the time of receipt if it has none.
        until: time after the latest one.
        with_errors: True for traces with an error only.
        min_duration: duration of a trace, at least.
        size: number of traces, at most.
        rehash: as for ``gather_evidence``.
    """

    query: Query
    streams: tuple[Stream, ...]
    position: TracePlace
    since: int | None = None
    until: int | None = None
    with_errors: bool = False
    min_duration: int = 0
    size: int = 20
    rehash: bool = True


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """A trace as a whole; its times are nanoseconds since the epoch.

    Attributes:
        trace_id: the trace.
        rows: what each stream has of it.
        match: its latest matching record.
    """

    trace_id: str
    rows: Mapping[Stream, TraceRows]
    match: Checked

    @property
    def first(self) -> int:
        """Time of the first record, of those with plausible times if there are any."""
        return min(rows.first for rows in _dated(self.rows))

    @property
    def last(self) -> int:
        """Time of the last record, or the end of a span; of those with plausible times if there are any."""
        return max(rows.last for rows in _dated(self.rows))

    @property
    def implausible(self) -> int:
        """Number of records whose times are not plausible."""
        return sum(rows.implausible for rows in self.rows.values())

    @property
    def errors(self) -> int:
        """Number of errors."""
        return sum(rows.errors for rows in self.rows.values())


@dataclass(frozen=True, slots=True)
class FoundTraces:
    """A page of traces.

    Attributes:
        traces: the traces, the one of the latest matching record first.
        following: position of the next page, None if this is the last one.
        unproved_omitted: True if matching records were passed over that cannot be proved.
    """

    traces: list[TraceSummary]
    following: TracePlace | None
    unproved_omitted: bool


def find_traces(
    engine: Engine,
    keys: TrustedKeys,
    wanted: TraceSearch,
    limits: QueryLimits,
    together: SideBySide,
    cache: TileCache | None = None,
) -> FoundTraces:
    """Find a page of traces. It may have fewer traces than its size, and be followed by others nevertheless.

    Args:
        engine: the storage.
        keys: trusted public keys.
        wanted: the search.
        limits: limits of its statements.
        together: threads that read several streams at the same time.
        cache: as for ``gather_evidence``.

    Raises:
        QueryTooExpensiveError: a limit was reached.
        StorageError: storage cannot be read.
    """
    limited = LimitedEngine(engine, limits)
    found = _find(_Reader(limited, keys, wanted, together), cache)
    if not wanted.position.only_fitting and not all(is_admissible(trace.match) for trace in found.traces):
        # Rows that somebody inserted must not take the place of records.
        fitting = replace(wanted, position=replace(wanted.position, only_fitting=True))
        found = _find(_Reader(limited, keys, fitting, together), cache)
    return found


def _find(reader: _Reader, cache: TileCache | None) -> FoundTraces:
    wanted = reader.wanted
    page: list[tuple[str, StoredRecord, Mapping[Stream, TraceRows]]] = []
    position: TracePlace | None = None
    for at, candidates in reader.chunks():
        rows = reader.rows_of([trace for trace, _ in candidates])
        position = at
        for number, (trace, match) in enumerate(candidates, 1):
            if reader.admits(rows[trace]):
                page.append((trace, match, rows[trace]))
            if len(page) == wanted.size:
                position = replace(wanted.position, after=place_of(match)) if number < len(candidates) else at
                break
        if len(page) == wanted.size:
            break
    matches = [match for _, match, _ in page]
    checked = check_rows(reader.engine, reader.keys, matches, rehash=wanted.rehash, cache=cache)
    traces = [TraceSummary(trace, rows, match) for (trace, _, rows), match in zip(page, checked, strict=True)]
    return FoundTraces(traces, position, unproved_omitted=wanted.position.only_fitting)


@dataclass(frozen=True, slots=True)
class _Reader:
    engine: Engine
    keys: TrustedKeys
    wanted: TraceSearch
    together: SideBySide

    def chunks(self) -> Iterator[tuple[TracePlace | None, list[tuple[str, StoredRecord]]]]:
        """Yield traces with their latest matching rows, each trace once; with the position after them.

        The position is None after the last ones.
        """
        wanted, position = self.wanted, self.wanted.position
        conditions = {stream: self._condition(stream) for stream in wanted.streams}
        conditions = {stream: condition for stream, condition in conditions.items() if condition != NEVER}
        is_direct = all(is_pinpoint(condition) for condition in conditions.values())
        windows = None if is_direct else windows_of(self.engine, wanted.since, wanted.until, latest_first=True)
        seen: set[str] = set()
        size = wanted.size + 1  # if there are no more than a page has, this is the last page
        while conditions:
            rows = self._latest(conditions, windows, size, position.after)
            if rows:
                position = replace(position, after=place_of(rows[-1][1]))
            new = [(trace, row) for trace, row in rows if trace not in seen]
            known = self._on_earlier_pages(conditions, [trace for trace, _ in new])
            seen.update(trace for trace, _ in new)
            is_last = len(rows) < size
            yield None if is_last else position, [(trace, row) for trace, row in new if trace not in known]
            if is_last or len(seen) >= _MOST_LOOKED_AT:
                return
            size = min(2 * size, _LARGEST_CHUNK)

    def rows_of(self, traces: Sequence[str]) -> Mapping[str, Mapping[Stream, TraceRows]]:
        """Return what each trace has in all streams."""
        found: dict[str, dict[Stream, TraceRows]] = {trace: {} for trace in traces}
        plausible = plausible_times()
        reads = [
            partial(traces_of, self.engine, stream, traces, plausible.first, plausible.end) for stream in RECORD_TABLES
        ]
        for stream, of_stream in zip(RECORD_TABLES, self.together.all(reads), strict=True):
            for rows in of_stream:
                found[rows.trace_id][stream] = rows
        return found

    def admits(self, rows: Mapping[Stream, TraceRows]) -> bool:
        """Return whether a trace passes the filters that are about the whole of it."""
        if not rows:  # retention has dropped it meanwhile
            return False
        if self.wanted.with_errors and not any(one.errors for one in rows.values()):
            return False
        dated = _dated(rows)
        return max(one.last for one in dated) - min(one.first for one in dated) >= self.wanted.min_duration

    def _condition(self, stream: Stream) -> Condition:
        wanted = self.wanted
        return all_of(
            [
                wanted.query.condition(stream),
                WITH_TRACE,
                happened_within(wanted.since, wanted.until),
                TimeWithin(Column("IngestedAt"), None, wanted.position.received),
            ]
        )

    def _latest(
        self, conditions: Mapping[Stream, Condition], windows: Windows | None, limit: int, after: Place | None
    ) -> list[tuple[str, StoredRecord]]:
        """Return the first traces after a place, each with its latest row."""
        lookups = [
            admitting(of_condition(stream, condition, latest_first=True), self.keys)
            for stream, condition in conditions.items()
        ]
        only_fitting = self.wanted.position.only_fitting
        found: dict[str, StoredRecord] = {}
        growing = None if windows is None else windows.growing(None if after is None else after.timestamp)
        while len(found) < limit:
            narrow = lookups
            if growing is not None:
                window = growing.next(len(found), limit)
                if window is None:
                    break
                narrow = [within(lookup, window.first, window.end) for lookup in lookups]
            # Traces of later windows are in earlier ones too.
            reads = [
                partial(latest_of_traces, self.engine, lookup, limit, after, only_fitting=only_fitting)
                for lookup in narrow
            ]
            rows = [row for of_stream in self.together.all(reads) for row in of_stream]
            rows.sort(key=order_of, reverse=True)
            for row in rows:
                if len(found) < limit:
                    found.setdefault(_trace_of(row), row)
            if growing is None:
                break
        return list(found.items())

    def _on_earlier_pages(self, conditions: Mapping[Stream, Condition], traces: Sequence[str]) -> Collection[str]:
        """Return the traces, among some, with a place before this page."""
        start = self.wanted.position
        if start.after is None or not traces:
            return ()
        of_traces = IsOneOf(Column("TraceId"), tuple(traces))
        found: set[str] = set()
        for stream, condition in conditions.items():
            lookup = admitting(of_condition(stream, all_of([of_traces, condition]), latest_first=True), self.keys)
            found |= traces_until(self.engine, lookup, start.after, only_fitting=start.only_fitting)
        return found


def _dated(rows: Mapping[Stream, TraceRows]) -> Sequence[TraceRows]:
    """Return what has plausible times, or all if nothing has."""
    return [one for one in rows.values() if one.implausible < one.count] or list(rows.values())


def _trace_of(row: StoredRecord) -> str:
    value = decode_record(row.stream, row.canonical)["TraceId"]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""

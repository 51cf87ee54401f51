"""Tail: the records that a query finds, as they are committed, from a position in each log on.

A tail holds its position, and no records: storage has the records that it has not read yet. So a slow reader costs
nothing. A reader that keeps falling further behind is notified of the leaves that it missed, and continues with the
latest ones.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.query.backlog import read_backlog
from server.query.batch_feed import BatchFeed
from server.query.checked_rows import Checked, check_rows
from server.query.errors import QueryTooExpensiveError
from server.query.limits import LimitedEngine, QueryLimits
from server.query.log_heads import Committed, Head, Heads
from server.query.positions import name_positions, parse_positions
from server.query.tail_reads import FEWEST_ROWS, is_same, mean_size, merged, pass_missing
from server.query.tail_steps import Missed, MissedWhy, TailStep, Wanted
from server.verification.tree import TileCache
from storage.conditions import NEVER
from storage.engine import Engine
from storage.lookups import of_condition
from storage.new_batches import read_ranges
from storage.records import Lookup
from storage.stored_records import StoredRecord

__all__ = ["Tail"]

_MOST_LEAVES = 100_000  # leaves in a step
_LONG_STEP = 1.0  # seconds; the step after a longer one has fewer leaves
_FIRST_LEAVES = 2000  # leaves in a step until the proportion that matches is known
_MOST_RANGES = 256
_FIRST_ROWS = 100  # rows in a step until their size is known
_MOST_ROWS = 500
_MOST_BYTES = 4 << 20  # approximate size of the records in a step


class Tail:
    """A tail; may be used by one thread at a time."""

    def __init__(
        self,
        engine: Engine,
        keys: Callable[[], TrustedKeys],
        feed: BatchFeed,
        wanted: Wanted,
        positions: Mapping[str, int] | None,
        limits: QueryLimits,
        clock: Callable[[], float] = time.monotonic,
        cache: Callable[[], TileCache | None] = lambda: None,
    ) -> None:
        """Start at positions in logs (logs without a position: at their first leaf), or now.

        Args:
            engine: the storage.
            keys: function that returns the trusted public keys.
            feed: feed of batches.
            wanted: the records.
            positions: the positions of a step; None to begin with what is committed from now on.
            limits: limits of each step.
            clock: monotonic clock, in seconds.
            cache: function that returns the cache of ``gather_evidence``.

        Raises:
            StorageError: storage cannot be read.
        """
        self._engine = engine
        self._cache = cache
        self._keys = keys
        self._feed = feed
        self._wanted = wanted
        self._limits = limits
        self._clock = clock
        heads = feed.now()
        self._number = heads.number
        self._plan: deque[Committed] = deque()
        self._backlog: Iterator[Committed] = iter(())
        self._after: StoredRecord | None = None  # last row read of the plan's first range, if a leaf has very many rows
        self._rows = _FIRST_ROWS
        self._leaves = min(_FIRST_LEAVES, _MOST_LEAVES)
        self._most_leaves = _MOST_LEAVES  # fewer after a step that cost too much
        self._lag: int | None = None  # leaves behind when the feed was last read; None if up to date since
        self._doubted = {log_id: head for log_id, head in heads.logs.items() if not head.trusted}
        if positions is None:
            self._positions = {log_id: head.size for log_id, head in heads.logs.items()}
        else:
            others = {log_id: head.size for log_id, head in heads.logs.items() if head.stream not in wanted.streams}
            self._positions = {**others, **parse_positions(engine, keys(), heads.logs, positions)}
            self._plan_backlog(heads)
        self._lookups: dict[Stream, Lookup] = {}
        for stream in wanted.streams:
            condition = wanted.query.condition(stream)
            if condition != NEVER:
                self._lookups[stream] = of_condition(stream, condition, latest_first=False)

    def position(self) -> TailStep:
        """Return a step that has only the current position."""
        return self._step([], [])

    def read(self) -> list[TailStep] | None:
        """Continue to read, and return the next steps, none of them very large; None if the tail is up to date.

        Raises:
            QueryTooExpensiveError: a limit was reached.
            StorageError: storage cannot be read.
        """
        if ranges := self._next_ranges():
            return self._read(ranges)
        if missed := self._look():
            return [self._step([], missed)]
        return None if self._lag is None else []

    def _look(self) -> list[Missed]:
        """Plan to read the leaves committed meanwhile; if the tail falls behind, skip and return them instead."""
        heads = self._feed.now()
        self._learn(heads.logs)
        behind = self._behind(heads.logs)
        if behind == 0:
            self._number, self._lag = heads.number, None
            for log_id, head in heads.logs.items():  # logs of the other streams
                self._positions[log_id] = max(head.size, self._positions.get(log_id, 0))
            return []
        if self._lag is not None and behind > self._wanted.most_behind and behind >= self._lag:
            self._number, self._lag = heads.number, None
            return self._skip(heads)
        self._lag = behind
        found = self._feed.after(self._number)
        if found is None or heads.number == self._number:  # the feed does not have all ranges up to the heads
            self._plan_backlog(heads)
        else:
            found = found[: heads.number - self._number]
            # Once a trusted key has signed a log, leaves without a trusted signature do not belong to it.
            self._plan.extend(one for one in found if one.trusted or not heads.logs[one.log_id].trusted)
        self._number = heads.number
        return []

    def _learn(self, logs: Mapping[str, Head]) -> None:
        """Restart logs that now have a trusted signature, if the earlier leaves do not belong to them."""
        for log_id, head in logs.items():
            if not head.trusted:
                self._doubted[log_id] = head
            elif self._doubted.pop(log_id, None) is not None and head.anew:
                self._positions[log_id] = 0

    def _plan_backlog(self, heads: Heads) -> None:
        logs = {log_id: head for log_id, head in heads.logs.items() if head.stream in self._wanted.streams}
        self._backlog = read_backlog(self._engine, logs, dict(self._positions))

    def _skip(self, heads: Heads) -> list[Missed]:
        missed = []
        for log_id, head in heads.logs.items():
            at = self._positions.get(log_id, 0)
            if head.stream in self._wanted.streams and head.size > at:
                missed.append(Missed(head.origin, at, head.size, MissedWhy.TOO_SLOW))
            self._positions[log_id] = max(at, head.size)
        return missed

    def _behind(self, logs: Mapping[str, Head]) -> int:
        return sum(
            max(0, head.size - self._positions.get(log_id, 0))
            for log_id, head in logs.items()
            if head.stream in self._wanted.streams
        )

    def _step(self, rows: list[Checked], missed: list[Missed]) -> TailStep:
        positions = name_positions(self._positions, self._doubted)
        return TailStep(rows, missed, positions, self._behind(self._feed.now().logs))

    def _next_ranges(self) -> list[Committed]:
        """Take ranges from the plan for a step; none if everything is read."""
        taken: list[Committed] = []
        ends: dict[str, int] = {}
        leaves = 0
        while len(taken) < _MOST_RANGES and leaves < self._leaves:
            one = self._plan.popleft() if self._plan else next(self._backlog, None)
            if one is None:
                break
            at = ends.get(one.log_id, self._positions.get(one.log_id, one.first))
            if one.stream not in self._lookups or one.end <= at:
                if one.log_id not in ends:
                    self._positions[one.log_id] = max(at, one.end)
                continue
            end = min(one.end, at + self._leaves)
            if end < one.end:
                self._plan.appendleft(replace(one, first=end))
            taken.append(replace(one, first=at, end=end))
            ends[one.log_id] = end
            leaves += end - at
            if self._after is not None:
                break
        return taken

    def _read(self, ranges: list[Committed]) -> list[TailStep]:
        plan, after = self._plan.copy(), self._after
        leaves = sum(one.end - one.first for one in ranges)
        began = self._clock()
        try:
            steps = self._read_planned(ranges)
        except QueryTooExpensiveError:
            if leaves <= 1 and self._rows <= FEWEST_ROWS:
                raise
            self._plan, self._after = plan, after
            self._plan.extendleft(reversed(ranges))
            self._leaves = self._most_leaves = max(1, leaves // 2)
            self._rows = max(FEWEST_ROWS, self._rows // 2)
            return []
        if self._clock() - began > _LONG_STEP:  # other tails are waiting
            self._leaves = self._most_leaves = max(1, leaves // 2)
        else:
            self._most_leaves = min(_MOST_LEAVES, self._most_leaves + self._most_leaves // 8 + 1)
        return steps

    def _read_planned(self, ranges: list[Committed]) -> list[TailStep]:
        limited = LimitedEngine(self._engine, self._limits)
        while len(found := self._select(limited, ranges)) > self._rows and len(ranges) > 1:
            half = len(ranges) // 2
            self._plan.extendleft(reversed(ranges[half:]))
            ranges = ranges[:half]
            self._leaves = sum(one.end - one.first for one in ranges)
        begun, self._after = self._after is not None, None
        if len(found) > self._rows:
            ranges, found = self._cut(ranges[0], found)
            self._leaves = max(1, ranges[0].end - ranges[0].first)
        elif len(found) <= self._rows // 4:
            self._leaves = min(4 * self._leaves, self._most_leaves)
        missed = [] if begun else self._missing(limited, ranges)
        states = self._wanted.query.evidence
        checked: dict[str, list[Checked]] = {}
        rehash = self._wanted.rehash
        for row, evidence in check_rows(limited, self._keys(), found, rehash=rehash, cache=self._cache()):
            if states is None or evidence.state.value.lower() in states:
                checked.setdefault(row.log_id, []).append((row, evidence))
        if found:
            self._rows = max(FEWEST_ROWS, min(_MOST_ROWS, _MOST_BYTES // mean_size(found)))
        return self._steps(ranges, checked, missed)

    def _select(self, engine: Engine, ranges: list[Committed]) -> list[StoredRecord]:
        """Return the rows of ranges; if there are more than ``self._rows``, at least one more, but maybe not all."""
        found: list[StoredRecord] = []
        for stream, lookup in self._lookups.items():
            own = merged(ranges, stream)
            if own and len(found) <= self._rows:
                found += read_ranges(engine, lookup, own, self._rows + 1, self._after)
        return found

    def _cut(self, one: Committed, found: list[StoredRecord]) -> tuple[list[Committed], list[StoredRecord]]:
        """Return the first part of a range, with its rows; the rest stays in the plan."""
        last = found[-1]
        whole = [row for row in found if row.leaf_index < last.leaf_index]
        self._plan.appendleft(replace(one, first=last.leaf_index))
        if not whole:
            # Equal rows must be checked together, and more rows equal to the last one may follow.
            while len(found) > 2 and is_same(found[-1], last):
                found.pop()
            self._after = found[-1]
            whole = found
        return [replace(one, end=last.leaf_index)], whole

    def _missing(self, engine: Engine, ranges: list[Committed]) -> list[Missed]:
        logs = self._feed.now().logs
        return [
            Missed(logs[one.log_id].origin, one.first, one.end, MissedWhy.NOT_STORED)
            for one in pass_missing(engine, self._lookups, ranges, self._plan)
        ]

    def _steps(
        self, ranges: list[Committed], checked: dict[str, list[Checked]], missed: list[Missed]
    ) -> list[TailStep]:
        steps: list[TailStep] = []
        rows: list[Checked] = []
        size = 0
        for one in ranges:
            left = deque(checked.get(one.log_id, ()))
            while left and (len(ranges) == 1 or left[0][0].leaf_index < one.end):
                row = left.popleft()
                rows.append(row)
                size += len(row[0].canonical)
                at = row[0].leaf_index
                if size >= _MOST_BYTES and left and left[0][0].leaf_index > at:
                    self._positions[one.log_id] = at + 1
                    steps.append(self._step(rows, missed))
                    rows, missed, size = [], [], 0
            checked[one.log_id] = list(left)
            self._positions[one.log_id] = one.end
        return [*steps, self._step(rows, missed)] if rows or missed else steps

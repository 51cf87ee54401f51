"""Tails over the logs of a store, read to their ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from server.notary.origin import Stream
from server.query.batch_feed import BatchFeed
from server.query.limits import QueryLimits
from server.query.resolve import read_query
from server.query.tail import Tail
from server.query.tail_steps import Missed, TailStep, Wanted
from tests.api.store import LOGS, Writer

ALL = tuple(Stream)
OPERATIONAL = LOGS[Stream.OPERATIONAL].log_id
EVERYTHING = Wanted(read_query(""), ALL)


class Reader:
    """A tail with its own feed, as on another server."""

    def __init__(
        self, writer: Writer, wanted: Wanted = EVERYTHING, positions: Mapping[str, int] | None = None, kept: int = 100
    ) -> None:
        self.feed = BatchFeed(writer.engine, lambda: writer.keys, kept=kept)
        self.feed.begin()
        self.tail = Tail(writer.engine, lambda: writer.keys, self.feed, wanted, positions, QueryLimits())

    def rest(self) -> list[TailStep]:
        """Return all steps up to now."""
        self.feed.poll()
        found: list[TailStep] = []
        while (steps := self.tail.read()) is not None:
            found += steps
        return found


def leaves(steps: list[TailStep]) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for step in steps:
        for row, _ in step.rows:
            found[row.log_id].append(row.leaf_index)
    return dict(found)


def missed(steps: list[TailStep]) -> list[Missed]:
    return [one for step in steps for one in step.missed]

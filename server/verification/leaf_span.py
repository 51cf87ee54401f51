"""Translation of a range of time into a range of a log's leaves, by signed statements.

The times in the rows of batches are not signed, so they do not decide what is verified. Signed statements say how many
entries a log had at a time, and from which entry on records were received at a time or later.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.notary.checkpoint import Checkpoint
from server.notary.statement_check import LogStatements

__all__ = ["LeafSpan", "leaf_span"]


@dataclass(frozen=True, slots=True)
class LeafSpan:
    """A range of a log's leaves.

    Attributes:
        after: signed checkpoint at which the range begins; None for the beginning of the log.
        end: number of entries at which the range ends, which a checkpoint signs; None for the end of the log.
    """

    after: Checkpoint | None = None
    end: int | None = None

    @property
    def first(self) -> int:
        """First leaf of the range."""
        return self.after.size if self.after else 0

    def misses(self, lowest: int, highest: int) -> bool:
        """Return whether none of the leaves from ``lowest`` to ``highest`` is in the range."""
        return highest < self.first or (self.end is not None and lowest >= self.end)

    def entries(self, size: int) -> int:
        """Return how many of a log's entries are in the range; ``size`` is the log's number of entries."""
        return max(0, (size if self.end is None else min(size, self.end)) - self.first)


def leaf_span(stated: LogStatements, since: int | None, until: int | None) -> LeafSpan:
    """Return the shortest range that certainly has all entries of a range of time.

    Args:
        stated: the valid statements of the log.
        since: earliest time of receipt, in nanoseconds since the epoch; None for no limit.
        until: upper limit of the time of receipt, exclusive; None for no limit.
    """
    return LeafSpan(_last_before(stated, since), _first_after(stated, until))


def _last_before(stated: LogStatements, since: int | None) -> Checkpoint | None:
    """Return the largest checkpoint that was signed at or before a time: its entries were received before."""
    last: Checkpoint | None = None
    for _, statement in sorted(stated.statements.items()):
        # A statement after one that is too late does not count, even if the clock was set back between the two.
        # Its time has no fractions of the second in which it was signed.
        if since is None or (statement.time + 1) * 10**9 > since:
            break
        if statement.checkpoint.size > (last.size if last else 0):
            last = statement.checkpoint
    return last


def _first_after(stated: LogStatements, until: int | None) -> int | None:
    """Return the smallest signed number of entries after which all entries were received at a time or later."""
    if until is None:
        return None
    firsts = [bound.first for bound in stated.receipt_bounds() if bound.earliest * 10**9 >= until]
    sizes = {statement.checkpoint.size for statement in stated.statements.values()}
    return min((size for size in sizes if firsts and size >= min(firsts)), default=None)

"""History of a log: the order of its batches, by the tree sizes and roots that their checkpoints sign."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from server.notary.batch import Batch
from server.notary.canonical import CANONICAL_VERSION, versions_of
from server.notary.chain import Gap, batch_finding, frontier_root
from server.notary.checkpoint import Checkpoint
from server.notary.findings import Finding, FindingKind
from server.notary.merkle import CompactRange
from server.notary.origin import LogName

__all__ = ["History", "restore"]


class History:
    """Chains valid batches, given in the order of their tree sizes.

    The number in a batch's row is not signed, so it is checked, not trusted. If two batches follow
    the same batch, the first one is taken for the log, and the other for a fork.
    """

    def __init__(self) -> None:
        """Start an empty history, at the beginning of the log."""
        self.tip: Batch | None = None
        self.gaps: list[Gap] = []
        self._start = -1
        self._forks: list[list[Batch]] = []

    def begin_after(self, batch: Batch) -> None:
        """Start after a batch."""
        self.tip = batch

    def begin_within(self, size: int) -> None:
        """Start with a batch whose FirstLeaf is at most this, if one comes first: batches before it are not missed."""
        self._start = size

    def add(self, rows: Sequence[Batch], recorded: Callable[[Batch], bool]) -> tuple[list[Batch], list[Finding]]:
        """Add valid batches of one tree size.

        Args:
            rows: the batches, which ``check_batch`` found valid.
            recorded: returns whether stored records name a batch.

        Returns:
            The batches whose records are to be checked, and findings about the rows. A batch that
            was given another number is returned with its correct number.
        """
        batches: list[Batch] = []
        findings: list[Finding] = []
        by_root: dict[bytes, list[Batch]] = {}
        for row in rows:
            by_root.setdefault(row.root_hash, []).append(row)
        for copies in by_root.values():
            copies.sort(key=lambda batch: (not self._goes_on(batch), not recorded(batch), batch.sequence))
            chosen, *others = copies
            placed = self._place(chosen)
            if placed != chosen:
                what = f"its number was changed: it is batch {placed.sequence}"
                findings.append(batch_finding(FindingKind.BATCH_ALTERED, chosen, what))
            batches.append(placed)
            findings += [_copy(other, chosen) for other in others]
        return batches, findings

    @property
    def is_broken(self) -> bool:
        """True if batches are missing, or there is more than one history."""
        return bool(self.gaps or self._forks)

    def forks(self) -> list[Finding]:
        """Return a finding for each additional signed history."""
        return [
            batch_finding(
                FindingKind.LOG_FORKED,
                fork[0],
                "it is signed, but does not continue from the batch before it: another history of the log begins here, "
                f"with {len(fork)} batch(es)",
                record_count=sum(batch.record_count for batch in fork),
            )
            for fork in self._forks
        ]

    def _goes_on(self, batch: Batch) -> bool:
        return _follows(batch, self.tip) and batch.sequence == (self.tip.sequence if self.tip else 0) + 1

    def _place(self, batch: Batch) -> Batch:
        end = self.tip.tree_size if self.tip else 0
        if self.tip is None and batch.first_leaf <= self._start:
            self.tip = batch
        elif _follows(batch, self.tip):
            batch = self.tip = replace(batch, sequence=(self.tip.sequence if self.tip else 0) + 1)
        elif (fork := next((fork for fork in self._forks if _follows(batch, fork[-1])), None)) is not None:
            fork.append(batch)
        elif batch.first_leaf > end:
            self.gaps.append(Gap(self.tip, batch))
            self.tip = batch
        else:
            self._forks.append([batch])
        return batch


def _follows(batch: Batch, before: Batch | None) -> bool:
    if before is None:
        return batch.first_leaf == 0
    return batch.first_leaf == before.tree_size and frontier_root(batch) == before.root_hash


def _copy(batch: Batch, of: Batch) -> Finding:
    if batch == of:
        return batch_finding(FindingKind.BATCH_DUPLICATED, batch, "its row is stored more than once")
    what = f"its checkpoint is also in another row, as batch {of.sequence}"
    return batch_finding(FindingKind.BATCH_DUPLICATED, batch, what)


def restore(
    broken: Collection[Batch],
    name: LogName,
    before: Batch | None,
    after: Batch | None,
    signed: Mapping[Batch, Checkpoint],
    range_after: Callable[[Batch], CompactRange | None],
) -> dict[Batch, Batch]:
    """Rebuild batches whose rows were altered from other signed data, so that their records can be checked.

    Args:
        broken: the rows of all batches between two valid ones.
        name: their log.
        before: the valid batch before them, None at the log's beginning.
        after: the valid batch after them, None at the log's end.
        signed: the checkpoints of the rows whose signature is valid.
        range_after: returns the compact range after a batch, from its stored hashes, if they are valid.

    Returns:
        Row -> rebuilt batch, in order, up to the first that cannot be rebuilt. The columns
        that do not matter for the records, such as MinTimestamp, and the batch ID are as they are stored.
    """
    restored: dict[Batch, Batch] = {}
    versions = versions_of(name.stream)
    in_order = sorted(broken, key=lambda batch: signed[batch].size if batch in signed else 1 << 64)
    for batch in in_order:
        first_leaf = before.tree_size if before else 0
        sequence = (before.sequence if before else 0) + 1
        if batch.first_leaf != first_leaf and batch.sequence != sequence:
            break  # it is not the next one
        if batch in signed:
            tree_size, root_hash = signed[batch].size, signed[batch].root
        elif after is not None and batch is in_order[-1]:
            tree_size, root_hash = after.first_leaf, frontier_root(after)
        else:
            break
        frontier = _frontier(batch, before, range_after)
        if frontier is None or tree_size <= first_leaf:
            break
        before = replace(
            batch,
            log_id=name.log_id,
            origin=name.origin,
            sequence=sequence,
            first_leaf=first_leaf,
            tree_size=tree_size,
            record_count=tree_size - first_leaf,
            root_hash=root_hash,
            frontier=frontier,
            canonical_version=batch.canonical_version if batch.canonical_version in versions else CANONICAL_VERSION,
        )
        restored[batch] = before
    return restored


def _frontier(batch: Batch, before: Batch | None, range_after: Callable[[Batch], CompactRange | None]) -> bytes | None:
    if before is None:
        return b""
    stored = replace(batch, first_leaf=before.tree_size)
    if frontier_root(stored) == before.root_hash:
        return batch.frontier
    rebuilt = range_after(before)
    return rebuilt.to_bytes() if rebuilt else None

"""Comparison of what senders know with what is stored; pure."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.faults.ledger import Outcome, SentRequest, bounds
from tests.faults.stored import StoredBatch, StoredRecords

__all__ = ["Verdict", "disorder", "judge"]


_WRONG = ("lost", "doubled", "doubled_refused", "unsigned", "unknown_sender", "disorder", "findings", "late")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Verdict on a schedule: everything that is wrong.

    Attributes:
        lost: IDs that are stored less often than they were acknowledged.
        doubled: IDs that are stored more often than their senders' outcomes allow.
        doubled_refused: doubled IDs of which every surplus copy may come from a refused attempt.
        unsigned: IDs of records outside committed batches.
        unknown_sender: IDs that nobody sent.
        repeats: copies that unknown outcomes explain.
        disorder: sentences about batches and records that are not in order.
        findings: findings of ``lognotary verify``.
        late: sentences about what should have happened after all faults had ended.
    """

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    doubled_refused: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()
    unknown_sender: tuple[str, ...] = ()
    repeats: int = 0
    disorder: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    late: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        return not any(getattr(self, name) for name in _WRONG)

    @property
    def records(self) -> tuple[str, ...]:
        """Sentences about single records, each beginning with its ID."""
        return self.lost + self.doubled + self.doubled_refused + self.unsigned

    def lines(self, most: int = 5) -> Iterator[str]:
        """Yield lines about what is wrong, each kind with a few examples."""
        for name in _WRONG:
            wrong: Sequence[str] = getattr(self, name)
            if wrong:
                shown = "".join(f"\n      {one}" for one in wrong[:most])
                yield f"{name}: {len(wrong)}{shown}"


def judge(
    requests: Iterable[SentRequest],
    records: StoredRecords,
    batches: Sequence[StoredBatch],
    *,
    workers: int = 1,
    findings: Sequence[str] = (),
    late: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on a schedule.

    Args:
        requests: all requests, those of each sender in the order in which they were sent.
        records: the stored records.
        batches: all committed batches, in the order of each log.
        workers: number of the server's workers.
        findings: findings of ``lognotary verify``.
        late: sentences about what did not happen in time.
    """
    requests = list(requests)
    lost: list[str] = []
    doubled: list[str] = []
    doubled_refused: list[str] = []
    repeats = 0
    sent_by_anyone = set[str]()
    for request in requests:
        allowed = bounds(request.outcomes, request.slack, workers=workers)
        story = "; ".join(request.story) or ", ".join(outcome.value for outcome in request.outcomes)
        for name in request.ids:
            sent_by_anyone.add(name)
            # A row outside committed batches does not count as stored.
            count = records.signed[name]
            if count < allowed.least:
                lost.append(f"{name} is stored {count} times ({story})")
            elif count + records.unsigned[name] > allowed.most:
                more = count + records.unsigned[name] - allowed.most
                told = doubled_refused if more <= request.outcomes.count(Outcome.REFUSED) else doubled
                told.append(f"{name} is stored {count}+{records.unsigned[name]} times ({story})")
            else:
                repeats += max(0, count - max(1, allowed.least))
    strangers = sorted((records.signed.keys() | records.unsigned.keys()) - sent_by_anyone)
    return Verdict(
        lost=tuple(lost),
        doubled=tuple(doubled),
        doubled_refused=tuple(doubled_refused),
        unsigned=tuple(sorted(records.unsigned)),
        unknown_sender=tuple(strangers),
        repeats=repeats,
        disorder=(*disorder(batches), *_out_of_order(requests, records)),
        findings=tuple(findings),
        late=tuple(late),
    )


def disorder(batches: Sequence[StoredBatch]) -> Iterator[str]:
    """Yield sentences about batches of a log that do not follow one another, or do not have their records.

    Args:
        batches: the batches, sorted by log and sequence.
    """
    for log_id, group in itertools.groupby(batches, key=lambda batch: batch.log_id):
        sequence, size = 0, 0
        for batch in group:
            if (batch.sequence, batch.first_leaf) != (sequence + 1, size):
                yield (
                    f"log {log_id}: batch {batch.sequence} from leaf {batch.first_leaf} follows batch {sequence}, "
                    f"which ends with {size} leaves"
                )
            sequence, size = batch.sequence, batch.tree_size
            wanted = batch.tree_size - batch.first_leaf
            if (batch.rows, batch.leaves) != (wanted, wanted):
                yield (
                    f"log {log_id}: batch {batch.sequence} is of {wanted} records, and has {batch.rows} rows with "
                    f"{batch.leaves} leaves"
                )


def _out_of_order(requests: Sequence[SentRequest], records: StoredRecords) -> Iterator[str]:
    """Yield sentences about records that come before others in a log that were acknowledged before they were sent."""
    last: dict[tuple[str, str], tuple[int, str]] = defaultdict(lambda: (-1, ""))
    for request in requests:
        if request.outcomes.count(Outcome.ACKNOWLEDGED) != 1 or request.slack:
            continue
        places = [(records.places[name], name) for name in request.ids if name in records.places]
        if request.sender.endswith("collector"):  # several of its requests are in flight at a time
            continue
        for (log_id, leaf), name in places:
            before, earlier = last[request.sender, log_id]
            if leaf < before:
                yield f"log {log_id}: {name} has leaf {leaf}, and {earlier}, which was acknowledged before, {before}"
        for (log_id, leaf), name in places:
            key = request.sender, log_id
            last[key] = max(last[key], (leaf, name))

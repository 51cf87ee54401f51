"""Checking the records of consecutive batches against what was signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from server.notary.batch import Batch, TileFragment
from server.notary.canonical import leaf_of
from server.notary.chain import batch_finding
from server.notary.diagnosis import ClaimedRecord, check_fragments, check_records, diagnose, signed_leaves
from server.notary.findings import Finding, FindingKind
from server.notary.origin import LogName
from storage.engine import Engine
from storage.evidence import BatchGroup, StoredRecord, read_fragments, read_records, read_records_of_batch

__all__ = ["RecordChecker"]


@dataclass(slots=True)
class RecordChecker:
    """Checks the records of one log.

    Attributes:
        engine: the storage.
        name: the log.
        groups: how many rows name which batch, and the leaves they claim.
        known_ids: IDs of the log's batches.
        missing: leaf hash -> finding, for records that are not where they belong; a record of that
            content may still turn up among those of no batch.
    """

    engine: Engine
    name: LogName
    groups: Mapping[UUID, BatchGroup]
    known_ids: set[UUID]
    missing: dict[bytes, Finding] = field(default_factory=dict)

    def check(self, batches: Sequence[Batch]) -> Iterator[Finding]:
        """Check the records of batches that follow on each other."""
        first, end = batches[0].first_leaf, batches[-1].tree_size
        by_leaf: defaultdict[int, list[ClaimedRecord]] = defaultdict(list)
        for stored in read_records(self.engine, self.name.stream, self.name.log_id, first, end):
            by_leaf[stored.leaf_index].append(_claim(stored))
        fragments: defaultdict[UUID, list[TileFragment]] = defaultdict(list)
        for fragment, batch_id in read_fragments(self.engine, self.name.log_id, first, end):
            fragments[batch_id].append(fragment)
        for batch in batches:
            claims = [claim for leaf in range(batch.first_leaf, batch.tree_size) for claim in by_leaf.get(leaf, ())]
            yield from self._check_batch(batch, claims, fragments[batch.batch_id])

    def _check_batch(
        self, batch: Batch, claims: list[ClaimedRecord], fragments: list[TileFragment]
    ) -> Iterator[Finding]:
        own = [claim for claim in claims if claim.batch_id == batch.batch_id]
        complete = check_records(batch, own)
        if complete:
            yield from self._check_tiles(batch, [claim.leaf_hash for claim in own], fragments)
            if self._claims_no_other_leaf(batch):
                return
        hashes = signed_leaves(batch, fragments)
        if hashes is None:
            # Without the signed hashes, the records themselves are the only witnesses left.
            witnesses = _without_repeats(own)
            if not check_records(batch, witnesses):
                yield self._undecidable(batch, own)
                return
            hashes = [claim.leaf_hash for claim in witnesses]
        if not complete:
            yield from self._check_tiles(batch, hashes, fragments)
        yield from self._diagnose(batch, hashes, claims)

    def _check_tiles(self, batch: Batch, leaf_hashes: list[bytes], fragments: list[TileFragment]) -> Iterator[Finding]:
        finding = check_fragments(batch, leaf_hashes, fragments)
        if finding is not None:
            yield finding

    def _claims_no_other_leaf(self, batch: Batch) -> bool:
        group = self.groups.get(batch.batch_id)
        return group is not None and (group.count, group.min_leaf, group.max_leaf) == (
            batch.record_count,
            batch.first_leaf,
            batch.tree_size - 1,
        )

    def _diagnose(self, batch: Batch, signed: list[bytes], claims: list[ClaimedRecord]) -> Iterator[Finding]:
        nameless = [claim for claim in claims if claim.batch_id not in self.known_ids]
        ids = {claim.batch_id for claim in nameless}
        if len(ids) == 1 and [claim.leaf_hash for claim in nameless] == signed:
            self.known_ids |= ids
            yield batch_finding(FindingKind.BATCH_ALTERED, batch, f"its records name another batch ID, {ids.pop()}")
            return
        stored = read_records_of_batch(
            self.engine, self.name.stream, batch.log_id, batch.batch_id, 4 * batch.record_count + 1000
        )
        findings, missing = diagnose(batch, signed, [*map(_claim, stored), *nameless])
        yield from findings
        for leaf_hash, leaf_index in missing.items():
            self.missing[leaf_hash] = Finding(
                FindingKind.RECORD_MISSING,
                f"record {leaf_index} of {batch.origin} (batch {batch.sequence}): it was signed, and is not stored",
                log_id=batch.log_id,
                origin=batch.origin,
                batch_id=batch.batch_id,
                sequence=batch.sequence,
                leaf_index=leaf_index,
                record_count=1,
            )

    def _undecidable(self, batch: Batch, own: list[ClaimedRecord]) -> Finding:
        return batch_finding(
            FindingKind.RECORD_CHANGED,
            batch,
            f"its {len(own)} stored records are not the {batch.record_count} that were signed; which of them was "
            "changed cannot be told, because their hashes in log_tiles are gone or altered too",
        )


def _claim(stored: StoredRecord) -> ClaimedRecord:
    return ClaimedRecord(
        stored.batch_id, stored.leaf_index, leaf_of(stored.canonical), stored.canonical, stored.computed_ok
    )


def _without_repeats(claims: list[ClaimedRecord]) -> list[ClaimedRecord]:
    return list({claim.leaf_index: claim for claim in claims}.values())

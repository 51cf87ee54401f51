"""Checking a batch's records, and naming what was done to them.

The fast way hashes the records as they stand and compares the root. Only where that fails, each
record is compared with the hash it was signed with (from the tree's tiles), which tells a changed
record from a missing, an inserted, a moved or a doubled one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from server.notary.batch import Batch, TileFragment, tile_fragments
from server.notary.findings import Finding, FindingKind
from server.notary.merkle import CompactRange, split_hashes

__all__ = ["ClaimedRecord", "check_fragments", "check_records", "diagnose", "signed_leaves"]


@dataclass(frozen=True, slots=True)
class ClaimedRecord:
    """A stored record and the place it claims.

    Attributes:
        batch_id: the batch it names.
        leaf_index: the leaf it names.
        leaf_hash: the hash of its content.
        record: the canonical record.
        computed_ok: its MATERIALIZED columns are what their expressions give.
    """

    batch_id: UUID
    leaf_index: int
    leaf_hash: bytes
    record: bytes
    computed_ok: bool = True


def check_records(batch: Batch, records: Sequence[ClaimedRecord]) -> bool:
    """Tell whether records, in the order of their leaves, are exactly those of a batch."""
    if len(records) != batch.record_count:
        return False
    for leaf_index, record in enumerate(records, batch.first_leaf):
        if record.leaf_index != leaf_index or record.batch_id != batch.batch_id or not record.computed_ok:
            return False
    after, _ = _extended(batch, [record.leaf_hash for record in records])
    return after.root() == batch.root_hash


def signed_leaves(batch: Batch, fragments: Iterable[TileFragment]) -> list[bytes] | None:
    """Return the leaf hashes a batch was signed with, from the tile fragments it brought.

    Returns:
        The hashes in order, or None where the fragments do not lead to the batch's root.
    """
    leaves = split_hashes(b"".join(fragment.hashes for fragment in fragments if fragment.level == 0))
    if len(leaves) != batch.record_count:
        return None
    after, _ = _extended(batch, leaves)
    return leaves if after.root() == batch.root_hash else None


def check_fragments(batch: Batch, leaf_hashes: list[bytes], fragments: Sequence[TileFragment]) -> Finding | None:
    """Check the tile fragments that a batch brought against its records' leaf hashes."""
    _, tiles = _extended(batch, leaf_hashes)
    if sorted(fragments, key=_place) == sorted(tile_fragments(batch.first_leaf, tiles), key=_place):
        return None
    return Finding(
        FindingKind.TILE_ALTERED,
        f"batch {batch.sequence} of {batch.origin}: its hashes in log_tiles are not those of its records",
        log_id=batch.log_id,
        origin=batch.origin,
        batch_id=batch.batch_id,
        sequence=batch.sequence,
    )


def _place(fragment: TileFragment) -> tuple[int, int, int]:
    return fragment.level, fragment.tile_index, fragment.offset


def _extended(batch: Batch, leaf_hashes: list[bytes]) -> tuple[CompactRange, list[list[bytes]]]:
    return CompactRange.from_bytes(batch.first_leaf, batch.frontier).extend(leaf_hashes)


def diagnose(
    batch: Batch, signed: Sequence[bytes], records: Iterable[ClaimedRecord]
) -> tuple[list[Finding], dict[bytes, int]]:
    """Name what was done to a batch's records.

    Args:
        batch: the batch.
        signed: the leaf hashes it was signed with, in order.
        records: every stored record that names this batch, and those that claim one of its leaves but
            name no batch that exists.

    Returns:
        The findings, and the leaf hashes of records that are missing (with their leaves): a record of
        that content may stand somewhere else, under another log's name.
    """
    placed: defaultdict[int, list[ClaimedRecord]] = defaultdict(list)
    for record in records:
        placed[record.leaf_index].append(record)
    findings: list[Finding] = []
    left: list[ClaimedRecord] = []  # not what was signed at the leaf they claim
    open_leaves: set[int] = set()
    for leaf_index, leaf_hash in enumerate(signed, batch.first_leaf):
        claims = placed.pop(leaf_index, [])
        # A record that names the batch is taken before one with the same content that does not.
        claims.sort(key=lambda record: (record.leaf_hash != leaf_hash, record.batch_id != batch.batch_id))
        if not claims or claims[0].leaf_hash != leaf_hash:
            open_leaves.add(leaf_index)
            left += claims
            continue
        if claims[0].batch_id != batch.batch_id:
            findings.append(_record_finding(FindingKind.RECORD_CHANGED, batch, claims[0], "its BatchId was changed"))
        elif not claims[0].computed_ok:
            what = "a computed column (__otel_materialized_*) was changed"
            findings.append(_record_finding(FindingKind.RECORD_CHANGED, batch, claims[0], what))
        left += claims[1:]
    left += [record for claims in placed.values() for record in claims]
    findings += _explain(batch, signed, left, open_leaves)
    missing = {signed[leaf_index - batch.first_leaf]: leaf_index for leaf_index in sorted(open_leaves)}
    return findings, missing


def _explain(
    batch: Batch, signed: Sequence[bytes], left: list[ClaimedRecord], open_leaves: set[int]
) -> Iterable[Finding]:
    """Say of each record that is out of place where it comes from; takes leaves out of ``open_leaves``."""
    content = Counter(signed)
    wanted: defaultdict[bytes, list[int]] = defaultdict(list)
    for leaf_index in sorted(open_leaves, reverse=True):
        wanted[signed[leaf_index - batch.first_leaf]].append(leaf_index)
    strangers = []
    for record in sorted(left, key=lambda record: record.leaf_index):
        if record.batch_id != batch.batch_id:
            continue  # of no batch: reported as unsigned
        if wanted[record.leaf_hash]:
            leaf_index = wanted[record.leaf_hash].pop()
            open_leaves.discard(leaf_index)
            what = f"it was signed as leaf {leaf_index}"
            yield _record_finding(FindingKind.RECORD_REORDERED, batch, record, what)
        elif content[record.leaf_hash]:
            yield _record_finding(FindingKind.RECORD_DUPLICATED, batch, record, "it is stored more than once")
        else:
            strangers.append(record)
    for record in strangers:
        if record.leaf_index in open_leaves:
            open_leaves.discard(record.leaf_index)
            yield _record_finding(FindingKind.RECORD_CHANGED, batch, record, "its content is not what was signed")
        else:
            yield _record_finding(FindingKind.RECORD_INSERTED, batch, record, "it was not signed with this batch")


def _record_finding(kind: FindingKind, batch: Batch, record: ClaimedRecord, what: str) -> Finding:
    return Finding(
        kind,
        f"record {record.leaf_index} of {batch.origin} (batch {batch.sequence}): {what}",
        log_id=batch.log_id,
        origin=batch.origin,
        batch_id=batch.batch_id,
        sequence=batch.sequence,
        leaf_index=record.leaf_index,
        record=record.record,
        record_count=1,
    )

"""Checks of a batch's records, and of the tree hashes that it added.

The fast path hashes the stored records and compares the root. Only if that fails is each
record compared with the hash it was signed with (from the tree's tiles); mismatches are
explained by ``settlement``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from server.notary.batch import Batch, TileFragment, tile_fragments
from server.notary.findings import Finding, FindingKind
from server.notary.hashing import hash_pairs
from server.notary.merkle import HASH_SIZE, CompactRange, split_hashes

__all__ = [
    "WRONG_BESIDE_CONTENT",
    "ClaimedRecord",
    "Comparison",
    "borne_id",
    "check_fragments",
    "check_records",
    "compare",
    "is_untouched",
    "record_finding",
    "signed_leaves",
]

WRONG_BESIDE_CONTENT = (
    "the order of the values of an attribute that it has several times was changed, or a column that is empty in every "
    "record of its version"
)


@dataclass(frozen=True, slots=True)
class ClaimedRecord:
    """A stored record and the leaf that it claims.

    Attributes:
        batch_id: the batch it names.
        leaf_index: the leaf it names.
        leaf_hash: the hash of its content, in the version of the batch.
        record: the canonical record, in the version of new records.
        right_beside: the values of an attribute that it has several times are in order, and the columns that its
            version does not have are empty.
    """

    batch_id: UUID
    leaf_index: int
    leaf_hash: bytes
    record: bytes
    right_beside: bool = True


def borne_id(batch: Batch, claims: Sequence[ClaimedRecord], by_id: Mapping[UUID, Sequence[TileFragment]]) -> UUID:
    """Return the batch ID that a batch's records and hashes carry: its own, unless its row was altered."""
    named = {claim.batch_id for claim in claims}
    if batch.batch_id in by_id or batch.batch_id in named:
        return batch.batch_id
    for batch_id, fragments in by_id.items():
        if signed_leaves(batch, fragments) is not None:
            return batch_id
    for batch_id in named:
        theirs = [claim for claim in claims if claim.batch_id == batch_id]
        if check_records(replace(batch, batch_id=batch_id), theirs):
            return batch_id
    return batch.batch_id


def check_records(batch: Batch, records: Sequence[ClaimedRecord]) -> bool:
    """Return whether records, in the order of their leaves, are exactly those of a batch."""
    if len(records) != batch.record_count:
        return False
    for leaf_index, record in enumerate(records, batch.first_leaf):
        if record.leaf_index != leaf_index or record.batch_id != batch.batch_id or not record.right_beside:
            return False
    after, _ = _extended(batch, b"".join(record.leaf_hash for record in records))
    return after.root() == batch.root_hash


def signed_leaves(batch: Batch, fragments: Iterable[TileFragment]) -> list[bytes] | None:
    """Return the leaf hashes a batch was signed with, from the tile fragments it added.

    Returns:
        The hashes in order, or None if the fragments do not lead to the batch's root.
    """
    once = sorted({fragment for fragment in fragments if fragment.level == 0}, key=_place)
    joined = b"".join(fragment.hashes for fragment in once)
    if len(joined) != batch.record_count * HASH_SIZE:
        return None
    after, _ = _extended(batch, joined)
    return split_hashes(joined) if after.root() == batch.root_hash else None


def is_untouched(batch: Batch, leaf_hashes: bytes, fragments: Sequence[TileFragment] | None) -> bool:
    """Return whether a batch was signed with these leaves and added these tile fragments (the fast path).

    Args:
        batch: the batch.
        leaf_hashes: 32 bytes each.
        fragments: the tile fragments; None if they cannot be read.
    """
    after, tiles = _extended(batch, leaf_hashes)
    return after.root() == batch.root_hash and (fragments is None or _are_of(batch, tiles, fragments))


def check_fragments(batch: Batch, leaf_hashes: list[bytes], fragments: Sequence[TileFragment]) -> Finding | None:
    """Check the tile fragments that a batch added against its records' leaf hashes."""
    _, tiles = _extended(batch, b"".join(leaf_hashes))
    if _are_of(batch, tiles, fragments):
        return None
    return Finding(
        FindingKind.TILE_ALTERED,
        f"batch {batch.sequence} of {batch.origin}: its hashes in log_tiles do not match its records",
        log_id=batch.log_id,
        origin=batch.origin,
        batch_id=batch.batch_id,
        sequence=batch.sequence,
    )


def _are_of(batch: Batch, tiles: list[bytes], fragments: Sequence[TileFragment]) -> bool:
    return sorted(fragments, key=_place) == sorted(tile_fragments(batch.first_leaf, tiles), key=_place)


def _place(fragment: TileFragment) -> tuple[int, int, int]:
    return fragment.level, fragment.tile_index, fragment.offset


def _extended(batch: Batch, leaf_hashes: bytes) -> tuple[CompactRange, list[bytes]]:
    return CompactRange.from_bytes(batch.first_leaf, batch.frontier).extend(leaf_hashes, hash_pairs)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Result of comparing the records that name a batch with what was signed.

    Attributes:
        findings: findings about records in their proper place of which something beside their content was changed.
        vacancies: leaf -> signed leaf hash, for leaves whose signed record is not stored.
        strays: records that do not match what was signed at the leaf they claim.
    """

    findings: list[Finding]
    vacancies: dict[int, bytes]
    strays: list[ClaimedRecord]


def compare(batch: Batch, signed: Sequence[bytes], records: Iterable[ClaimedRecord]) -> Comparison:
    """Compare records with what was signed.

    Args:
        batch: the batch.
        signed: the leaf hashes it was signed with, in order.
        records: every stored record that names this batch.
    """
    claims: defaultdict[int, list[ClaimedRecord]] = defaultdict(list)
    for record in records:
        claims[record.leaf_index].append(record)
    result = Comparison([], {}, [])
    for leaf_index, leaf_hash in enumerate(signed, batch.first_leaf):
        here = claims.pop(leaf_index, [])
        # Of several that hold what was signed, the one that is wholly unharmed stands.
        here.sort(key=lambda record: (record.leaf_hash != leaf_hash, not record.right_beside))
        if not here or here[0].leaf_hash != leaf_hash:
            result.vacancies[leaf_index] = leaf_hash
            result.strays.extend(here)
            continue
        if not here[0].right_beside:
            finding = record_finding(FindingKind.RECORD_CHANGED, batch, leaf_index, WRONG_BESIDE_CONTENT, here[0])
            result.findings.append(finding)
        result.strays.extend(here[1:])
    for elsewhere in claims.values():
        result.strays.extend(elsewhere)
    return result


def record_finding(
    kind: FindingKind, batch: Batch, leaf_index: int, what: str, record: ClaimedRecord | None
) -> Finding:
    """Create a finding about one record; ``record`` is None if it is not stored."""
    return Finding(
        kind,
        f"record {leaf_index} of {batch.origin} (batch {batch.sequence}): {what}",
        log_id=batch.log_id,
        origin=batch.origin,
        batch_id=batch.batch_id,
        sequence=batch.sequence,
        leaf_index=leaf_index,
        record=record.record if record else None,
        record_count=1,
    )

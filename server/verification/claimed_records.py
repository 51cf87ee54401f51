"""Stored rows as claimed records of batches, hashed in the version of the canonical record that was signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from server.notary.batch import Batch, TileFragment, compute_batch_id
from server.notary.canonical import VERSIONS, leaf_of, versions_of
from server.notary.diagnosis import ClaimedRecord, check_records, signed_leaves
from storage.stored_records import StoredRecord

__all__ = ["as_signed", "claim_of", "in_other_version"]


def claim_of(stored: StoredRecord, version: int) -> ClaimedRecord:
    """Hash a stored record, in a version of the canonical record."""
    record, ok = stored.as_signed(version)
    return ClaimedRecord(stored.batch_id, stored.leaf_index, leaf_of(record), stored.canonical, ok)


def as_signed(batch: Batch) -> Batch:
    """Return a batch with the canonical version that its ID was computed with, if one of them was.

    The version in a batch's row is not signed, but the ID that its records name is a digest of the row.
    """
    forms = (replace(batch, canonical_version=version) for version in VERSIONS)
    return next((form for form in forms if compute_batch_id(form) == batch.batch_id), batch)


def in_other_version(
    batch: Batch, rows: Sequence[StoredRecord], own: Sequence[ClaimedRecord], fragments: Sequence[TileFragment]
) -> tuple[Batch, list[ClaimedRecord]] | None:
    """Return a batch in another canonical version, with its records, if that is the one in which it was signed.

    Either all records are what was signed then, or the tree's hashes have one of them and none in the row's version.

    Args:
        batch: the batch, in the version of its row.
        rows: the rows that claim its leaves.
        own: those that name it, in that version.
        fragments: the hashes that it added to the tree.
    """
    signed = dict(enumerate(signed_leaves(batch, fragments) or (), batch.first_leaf))

    def has_any(claims: Sequence[ClaimedRecord]) -> bool:
        return any(signed.get(claim.leaf_index) == claim.leaf_hash for claim in claims)

    if has_any(own):
        return None
    versions = versions_of(rows[0].stream) if rows else ()
    for version in versions:
        if version != batch.canonical_version:
            form = replace(batch, canonical_version=version)
            claims = [claim_of(row, version) for row in rows if row.batch_id == batch.batch_id]
            if check_records(form, claims) or has_any(claims):
                return form, claims
    return None

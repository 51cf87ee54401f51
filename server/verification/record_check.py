"""Checks of the records of consecutive batches against what was signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from uuid import UUID

from server.notary.batch import Batch, TileFragment, compute_batch_id
from server.notary.canonical import VERSIONS, leaf_of
from server.notary.chain import Gap, batch_finding, frontier_root
from server.notary.diagnosis import (
    ClaimedRecord,
    borne_id,
    check_fragments,
    check_records,
    compare,
    is_untouched,
    signed_leaves,
)
from server.notary.findings import Finding, FindingKind
from server.notary.hashing import hash_pairs
from server.notary.leaf_rows import LeafHashes, LeafRange
from server.notary.merkle import CompactRange, split_hashes
from server.notary.origin import LogName
from server.notary.settlement import Stray, Vacancy, settle, settle_placed
from server.verification.expiry import Expiry
from server.verification.read_limits import READ_LIMITS, ReadLimits
from server.verification.stored_leaves import hash_records
from storage.engine import Engine
from storage.evidence import read_fragments
from storage.inventory import TileGroup
from storage.read_settings import FULL_SCAN
from storage.record_groups import RecordGroup
from storage.rowbinary import uuid_bytes
from storage.stored_records import StoredRecord, read_records, read_records_of_batch

__all__ = ["Inventory", "Pending", "RecordChecker", "claim_of"]


@dataclass(slots=True)
class Pending:
    """Vacancies and strays that are not settled yet."""

    vacancies: list[Vacancy] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    limits: ReadLimits = READ_LIMITS

    def settle(self) -> tuple[list[Finding], list[Stray]]:
        """Settle everything pending; see ``settlement.settle``."""
        vacancies, strays = self.vacancies, self.strays
        self.vacancies, self.strays = [], []
        return settle(vacancies, strays)

    def settle_placed(self) -> list[Finding]:
        """Settle what needs no records of other logs; see ``settlement.settle_placed``."""
        findings, self.vacancies, self.strays = settle_placed(self.vacancies, self.strays)
        return findings

    def settle_overflow(self) -> list[Finding]:
        """Settle early if too much is pending; moves to batches that are read later are then not recognised."""
        if len(self.vacancies) + len(self.strays) <= self.limits.pending:
            return []
        return self.settle()[0]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Inventory of the rows that name each batch of a log.

    Attributes:
        records: the rows of the log's table, by batch ID.
        tiles: the rows of ``log_tiles``, by batch ID; None if that table cannot be read.
    """

    records: Mapping[UUID, RecordGroup]
    tiles: Mapping[UUID, TileGroup] | None


@dataclass(slots=True)
class RecordChecker:
    """Checks the records of one log, and the tree hashes that its batches added.

    Attributes:
        engine: the storage.
        name: the log.
        expiry: knows which records retention may have dropped.
        inventory: inventory of the stored rows.
        pending: receives vacancies and strays.
        known_ids: batch IDs that rows of this log may name, including the original IDs of altered batches.
        excused: batches whose row is already reported as altered.
        altered_tiles: batches whose hashes were altered; filled by the checks.
        limits: how much is read at once.
    """

    engine: Engine
    name: LogName
    expiry: Expiry
    inventory: Inventory
    pending: Pending
    known_ids: set[UUID]
    excused: set[Batch] = field(default_factory=set)
    altered_tiles: list[Batch] = field(default_factory=list)
    limits: ReadLimits = READ_LIMITS

    def check(self, batches: Sequence[Batch]) -> Iterator[Finding]:
        """Check the records of consecutive batches."""
        for version, some in groupby(batches, key=lambda batch: batch.canonical_version):
            yield from self._check_version(list(some), version)

    def _check_version(self, batches: Sequence[Batch], version: int) -> Iterator[Finding]:
        ranges = [LeafRange(batch.tree_size, uuid_bytes(batch.batch_id)) for batch in batches]
        hashes = hash_records(self.engine, self.name, batches[0].first_leaf, ranges, version)
        for group in _groups(batches, self.limits.group):
            fragments = self._fragments(group[0].first_leaf, group[-1].tree_size)
            touched = [batch for batch in group if not self._is_untouched(batch, hashes, fragments)]
            for some in _groups(touched, self.limits.touched):
                yield from self._check_touched(some, fragments)

    def _check_touched(self, batches: Sequence[Batch], by_id: Mapping[UUID, list[TileFragment]]) -> Iterator[Finding]:
        rows = self._rows(batches)
        for batch in batches:
            own = [row for leaf in range(batch.first_leaf, batch.tree_size) for row in rows.pop(leaf, ())]
            if not own and self.expiry.covers(batch) and self._has_gone(batch):
                yield from self._check_expired(batch, by_id)  # retention has dropped them just now
            else:
                yield from self._check_batch(batch, own, by_id)
        yield from self.pending.settle_overflow()

    def check_without_records(self, batches: Sequence[Batch]) -> Iterator[Finding]:
        """Check consecutive batches whose records retention has dropped, by their stored hashes."""
        for group in _groups(batches, self.limits.group):
            by_id = self._fragments(group[0].first_leaf, group[-1].tree_size)
            for batch in group:
                yield from self._check_expired(batch, by_id)

    def _has_gone(self, batch: Batch) -> bool:
        """Return whether no stored record names a batch any more."""
        return not list(read_records_of_batch(self.engine, self.name.stream, batch.log_id, batch.batch_id, 1))

    def _check_expired(self, batch: Batch, by_id: Mapping[UUID, list[TileFragment]]) -> Iterator[Finding]:
        self.expiry.add(batch)
        borne = borne_id(batch, (), by_id)
        if borne != batch.batch_id and batch not in self.excused:
            what = f"its row was altered: its hashes name the batch ID {borne}"
            yield batch_finding(FindingKind.BATCH_ALTERED, batch, what)
        own = replace(batch, batch_id=borne)
        self.known_ids.add(borne)
        fragments = by_id.get(borne, [])
        signed = signed_leaves(own, fragments)
        if signed is None:
            self.altered_tiles.append(own)
            what = "its records have expired, and their hashes in log_tiles are gone or altered"
            yield batch_finding(FindingKind.TILE_ALTERED, batch, what)
        else:
            yield from self._check_tiles(own, signed, fragments)

    def _rows(self, batches: Sequence[Batch]) -> dict[int, list[StoredRecord]]:
        """Return the records that claim the leaves of some batches, by leaf; adjacent batches are read together."""
        by_leaf: dict[int, list[StoredRecord]] = {}
        place = 0
        while place < len(batches):
            first_leaf = batches[place].first_leaf
            end_leaf = batches[place].tree_size
            place += 1
            while place < len(batches) and batches[place].first_leaf == end_leaf:
                end_leaf = batches[place].tree_size
                place += 1
            rows = read_records(
                self.engine, self.name.stream, self.name.log_id, first_leaf, end_leaf, settings=FULL_SCAN
            )
            for stored in rows:
                by_leaf.setdefault(stored.leaf_index, []).append(stored)
        return by_leaf

    def _is_untouched(self, batch: Batch, hashes: LeafHashes, by_id: Mapping[UUID, list[TileFragment]]) -> bool:
        """Return whether everything stored with a batch is unchanged, and nothing else is there (the fast path)."""
        leaf_hashes = hashes.of(batch.first_leaf, batch.tree_size)
        if leaf_hashes is None:
            return False
        self.known_ids.add(batch.batch_id)
        fragments = by_id.get(batch.batch_id, [])
        return (
            is_untouched(batch, leaf_hashes, fragments if self.inventory.tiles is not None else None)
            and self._has_its_rows(batch)
            and self._has_its_times(batch)
            and self._are_in_place(batch, fragments)
        )

    def holds_all(self, gap: Gap) -> bool:
        """Return whether the records of missing batches are all stored, unchanged and once each."""
        ends = (gap.before.canonical_version if gap.before else VERSIONS[0], gap.after.canonical_version)
        versions = [version for version in VERSIONS if min(ends) <= version <= max(ends)]
        return any(self._holds_all(gap, some) for some in (*([version] for version in versions), versions))

    def _holds_all(self, gap: Gap, versions: Sequence[int]) -> bool:
        tree = self.range_after(gap.before) if gap.before else CompactRange()
        for first in range(gap.first_leaf, gap.end_leaf, self.limits.hashed):
            leaf_hashes = self._leaves(first, min(first + self.limits.hashed, gap.end_leaf), versions)
            if tree is None or leaf_hashes is None:
                return False
            tree, _ = tree.extend(leaf_hashes, hash_pairs)
        return tree is not None and tree.root() == frontier_root(gap.after)

    def _leaves(self, first: int, end: int, versions: Sequence[int]) -> bytes | None:
        """Return the leaf hashes of the records [first, end), each in one of some versions; None if one is not there.

        Which version a record was signed in, its batch said. Without that, the tree's hashes tell it.
        """
        ranges = [LeafRange(end, None)]
        parts = [hash_records(self.engine, self.name, first, ranges, version) for version in versions]
        if len(parts) == 1:
            return parts[0].of(first, end)
        fragments = [fragment for some in self._fragments(first, end).values() for fragment in some]
        told = {leaf for fragment in fragments if fragment.level == 0 for leaf in split_hashes(fragment.hashes)}
        leaves = []
        for place in range(first, end):
            forms = [form for part in parts if (form := part.of(place, place + 1)) is not None]
            leaves.append(next((form for form in forms if form in told), b""))
        return b"".join(leaves) if all(leaves) else None

    def range_after(self, batch: Batch) -> CompactRange | None:
        """Return the compact range after a batch, from its stored hashes, if they are valid."""
        for fragments in self._fragments(batch.first_leaf, batch.tree_size).values():
            leaves = signed_leaves(batch, fragments)
            if leaves is not None:
                return CompactRange.from_bytes(batch.first_leaf, batch.frontier).extend(b"".join(leaves), hash_pairs)[0]
        return None

    def _fragments(self, first_leaf: int, end_leaf: int) -> dict[UUID, list[TileFragment]]:
        fragments: dict[UUID, list[TileFragment]] = {}
        if self.inventory.tiles is None:
            return fragments
        for fragment, batch_id in read_fragments(self.engine, self.name.log_id, first_leaf, end_leaf):
            fragments.setdefault(batch_id, []).append(fragment)
        return fragments

    def _check_batch(
        self, batch: Batch, rows: list[StoredRecord], by_id: Mapping[UUID, list[TileFragment]]
    ) -> Iterator[Finding]:
        claims = [claim_of(row, batch.canonical_version) for row in rows]
        borne = borne_id(batch, claims, by_id)
        if borne != batch.batch_id:
            if batch not in self.excused:
                what = f"its row was altered: its records name the batch ID {borne}"
                yield batch_finding(FindingKind.BATCH_ALTERED, batch, what)
            batch = _as_signed(replace(batch, batch_id=borne))
            claims = [claim_of(row, batch.canonical_version) for row in rows]
            self.excused.add(batch)
        self.known_ids.add(borne)
        fragments = by_id.get(borne, [])
        own = [claim for claim in claims if claim.batch_id == borne]
        if not check_records(batch, own) and (other := _in_other_version(batch, rows, own, fragments)):
            if batch not in self.excused:
                what = f"its row was altered: its records are of canonical version {other[0].canonical_version}"
                yield batch_finding(FindingKind.BATCH_ALTERED, batch, what)
            batch, own = other
            self.excused.add(batch)
        if check_records(batch, own):
            yield from self._check_tiles(batch, [claim.leaf_hash for claim in own], fragments)
            if not self._has_its_rows(batch):
                yield from self._compare(batch, [claim.leaf_hash for claim in own], own)
            elif not self._has_its_times(batch) and batch not in self.excused:
                what = "its row was altered: its times are not those of its records"
                yield batch_finding(FindingKind.BATCH_ALTERED, batch, what)
        else:
            signed = signed_leaves(batch, fragments)
            if signed is None:
                # Without the signed hashes, the records themselves are the only witnesses left.
                witnesses = list({claim.leaf_index: replace(claim, right_beside=True) for claim in own}.values())
                if not check_records(batch, witnesses):
                    yield self._undecidable(batch, own)
                    return
                signed = [claim.leaf_hash for claim in witnesses]
            yield from self._check_tiles(batch, signed, fragments)
            yield from self._compare(batch, signed, own)

    def _check_tiles(self, batch: Batch, leaf_hashes: list[bytes], fragments: list[TileFragment]) -> Iterator[Finding]:
        if self.inventory.tiles is None:
            return
        finding = check_fragments(batch, leaf_hashes, fragments)
        if finding is None and not self._are_in_place(batch, fragments):
            what = "its hashes in log_tiles name another batch number, or are stored in further places"
            finding = batch_finding(FindingKind.TILE_ALTERED, batch, what, record_count=0)
        if finding is not None:
            self.altered_tiles.append(batch)
            yield finding

    def _are_in_place(self, batch: Batch, fragments: list[TileFragment]) -> bool:
        """Return whether a batch's hashes are stored nowhere else, and name the batch's number."""
        group = self.inventory.tiles.get(batch.batch_id) if self.inventory.tiles is not None else None
        return group is None or ((group.count, group.sequences) == (len(fragments), (batch.sequence, batch.sequence)))

    def _has_its_rows(self, batch: Batch) -> bool:
        """Return whether as many rows as a batch has records name it, and claim none but its leaves."""
        group = self.inventory.records.get(batch.batch_id)
        if group is None or group.count != batch.record_count:
            return False
        return batch.first_leaf <= group.min_leaf and group.max_leaf < batch.tree_size

    def _has_its_times(self, batch: Batch) -> bool:
        """Return whether the times in a batch's row, which are not signed, are those of its records, which are."""
        group = self.inventory.records.get(batch.batch_id)
        times = (batch.min_timestamp, batch.max_timestamp, batch.ingested_at)
        return group is not None and times == (group.min_timestamp, group.max_timestamp, group.newest)

    def _compare(self, batch: Batch, signed: list[bytes], own: list[ClaimedRecord]) -> Iterator[Finding]:
        unseen = 0
        if not self._has_its_rows(batch):
            limit = 4 * batch.record_count + 1000
            stored = read_records_of_batch(self.engine, self.name.stream, batch.log_id, batch.batch_id, limit)
            own = [claim_of(record, batch.canonical_version) for record in stored]
            group = self.inventory.records.get(batch.batch_id)
            unseen = (group.count if group else 0) - len(own)
        comparison = compare(batch, signed, own)
        yield from comparison.findings
        content = set(signed)
        self.pending.vacancies += [
            Vacancy(batch, leaf_index, leaf_hash) for leaf_index, leaf_hash in comparison.vacancies.items()
        ]
        self.pending.strays += [
            Stray(self.name.stream, batch.log_id, claim, batch, claim.leaf_hash in content)
            for claim in comparison.strays
        ]
        if unseen > 0:
            what = f"{unseen} more records name this batch than were checked"
            yield batch_finding(FindingKind.RECORD_INSERTED, batch, what, record_count=unseen)

    def _undecidable(self, batch: Batch, own: list[ClaimedRecord]) -> Finding:
        self.altered_tiles.append(batch)
        gone = "their hashes in log_tiles are gone or altered too"
        if not own:
            return batch_finding(FindingKind.RECORD_MISSING, batch, f"none of its records is stored; {gone}")
        return batch_finding(
            FindingKind.RECORD_CHANGED,
            batch,
            f"its {len(own)} stored records are not the {batch.record_count} signed ones; it is not known which were "
            f"changed, because {gone}",
        )


def _groups(batches: Sequence[Batch], most: int) -> Iterator[list[Batch]]:
    """Split batches, in order, into groups with a maximum number of records, except for the last batch."""
    for _, group in groupby(batches, key=lambda batch: batch.first_leaf // most):
        yield list(group)


def _as_signed(batch: Batch) -> Batch:
    """Return a batch with the canonical version that its ID was computed with, if one of them was.

    The version in a batch's row is not signed, but the ID that its records name is a digest of the row.
    """
    forms = (replace(batch, canonical_version=version) for version in VERSIONS)
    return next((form for form in forms if compute_batch_id(form) == batch.batch_id), batch)


def _in_other_version(
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
    for version in VERSIONS:
        if version != batch.canonical_version:
            form = replace(batch, canonical_version=version)
            claims = [claim_of(row, version) for row in rows if row.batch_id == batch.batch_id]
            if check_records(form, claims) or has_any(claims):
                return form, claims
    return None


def claim_of(stored: StoredRecord, version: int) -> ClaimedRecord:
    """Hash a stored record, in a version of the canonical record."""
    record, ok = stored.as_signed(version)
    return ClaimedRecord(stored.batch_id, stored.leaf_index, leaf_of(record), stored.canonical, ok)

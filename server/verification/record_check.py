"""Checks of the records of consecutive batches against what was signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from uuid import UUID

from server.notary.batch import Batch, TileFragment
from server.notary.chain import batch_finding
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
from server.notary.leaf_rows import LeafHashes
from server.notary.origin import LogName
from server.notary.settlement import Stray, Vacancy, settle, settle_placed
from server.verification.claimed_records import as_signed, claim_of, in_other_version
from server.verification.expiry import Expiry
from server.verification.left_records import left_leaves, unexpired_vacancies
from server.verification.lookup_check import LookupCheck
from server.verification.read_limits import READ_LIMITS, ReadLimits
from server.verification.stored_leaves import hash_batches
from server.verification.stored_tree import StoredTree
from storage.engine import Engine
from storage.inventory import TileGroup
from storage.read_settings import FULL_SCAN
from storage.record_groups import RecordGroup
from storage.stored_records import StoredRecord, read_records, read_records_of_batch

__all__ = ["Inventory", "Pending", "RecordChecker"]


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
        explained: ranges of leaves whose records need no finding of their own; filled by the checks.
        limits: how much is read at once.
        lookups: looks up records that are as they were signed; None to look up none.
        tree: what storage has of the log's tree.
    """

    engine: Engine
    name: LogName
    expiry: Expiry
    inventory: Inventory
    pending: Pending
    known_ids: set[UUID]
    excused: set[Batch] = field(default_factory=set)
    altered_tiles: list[Batch] = field(default_factory=list)
    explained: list[tuple[int, int]] = field(default_factory=list)
    limits: ReadLimits = READ_LIMITS
    lookups: LookupCheck | None = None
    tree: StoredTree = field(init=False)

    def __post_init__(self) -> None:
        self.tree = StoredTree(self.engine, self.name, self.limits, readable=self.inventory.tiles is not None)

    def is_recorded(self, batch: Batch) -> bool:
        """Return whether any stored record names a batch."""
        return batch.batch_id in self.inventory.records

    def check(self, batches: Sequence[Batch]) -> Iterator[Finding | None]:
        """Check the records of consecutive batches; yields findings, and may yield None after a part."""
        for _, some in groupby(batches, key=lambda batch: batch.canonical_version):
            for part, hashes in hash_batches(self.engine, self.name, list(some), self.limits.blocks):
                if isinstance(hashes, Finding):
                    self.explained += [(batch.first_leaf, batch.tree_size) for batch in part]
                    yield hashes
                else:
                    yield from self._check_hashed(part, hashes)

    def _check_hashed(self, batches: Sequence[Batch], hashes: LeafHashes) -> Iterator[Finding | None]:
        for group in _groups(batches, self.limits.group):
            fragments = self.tree.fragments(group[0].first_leaf, group[-1].tree_size)
            touched = [
                batch
                for batch in group
                if not self._is_untouched(batch, hashes, fragments) and not self._is_left_over(batch, hashes, fragments)
            ]
            for some in _groups(touched, self.limits.touched):
                yield from self._check_touched(some, fragments)
            if self.lookups is not None:
                yield from self.lookups.take([batch for batch in group if batch not in touched])

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
            by_id = self.tree.fragments(group[0].first_leaf, group[-1].tree_size)
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

    def _is_left_over(self, batch: Batch, hashes: LeafHashes, by_id: Mapping[UUID, list[TileFragment]]) -> bool:
        """Return whether retention may have dropped some records of a batch, and all else is unchanged; count them."""
        if self.inventory.tiles is None or not self.expiry.covers(batch):
            return False
        fragments = by_id.get(batch.batch_id, [])
        left = left_leaves(batch, hashes, fragments)
        if not left or not (self._has_rows(batch, left) and self._has_times_within(batch)):
            return False
        if not self._are_in_place(batch, fragments):
            return False
        self.known_ids.add(batch.batch_id)
        self.expiry.add(batch, batch.record_count - left)
        return True

    def _check_batch(
        self, batch: Batch, rows: list[StoredRecord], by_id: Mapping[UUID, list[TileFragment]]
    ) -> Iterator[Finding]:
        claims = [claim_of(row, batch.canonical_version) for row in rows]
        borne = borne_id(batch, claims, by_id)
        if borne != batch.batch_id:
            if batch not in self.excused:
                what = f"its row was altered: its records name the batch ID {borne}"
                yield batch_finding(FindingKind.BATCH_ALTERED, batch, what)
            batch = as_signed(replace(batch, batch_id=borne))
            claims = [claim_of(row, batch.canonical_version) for row in rows]
            self.excused.add(batch)
        self.known_ids.add(borne)
        fragments = by_id.get(borne, [])
        own = [claim for claim in claims if claim.batch_id == borne]
        if not check_records(batch, own) and (other := in_other_version(batch, rows, own, fragments)):
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
        return self._has_rows(batch, batch.record_count)

    def _has_rows(self, batch: Batch, count: int) -> bool:
        group = self.inventory.records.get(batch.batch_id)
        if group is None or group.count != count:
            return False
        return batch.first_leaf <= group.min_leaf and group.max_leaf < batch.tree_size

    def _has_its_times(self, batch: Batch) -> bool:
        """Return whether the times in a batch's row, which are not signed, are those of its records, which are."""
        group = self.inventory.records.get(batch.batch_id)
        times = (batch.min_timestamp, batch.max_timestamp, batch.ingested_at)
        return group is not None and times == (group.min_timestamp, group.max_timestamp, group.newest)

    def _has_times_within(self, batch: Batch) -> bool:
        """Return whether the times of the records that are left are within those in a batch's row."""
        group = self.inventory.records.get(batch.batch_id)
        return group is not None and (
            batch.min_timestamp <= group.min_timestamp
            and group.max_timestamp <= batch.max_timestamp
            and group.newest <= batch.ingested_at
        )

    def _compare(self, batch: Batch, signed: list[bytes], own: list[ClaimedRecord]) -> Iterator[Finding]:
        unseen = 0
        if not self._has_its_rows(batch):
            limit = 4 * batch.record_count + 1000
            stored = read_records_of_batch(self.engine, self.name.stream, batch.log_id, batch.batch_id, limit)
            own = [claim_of(record, batch.canonical_version) for record in stored]
            group = self.inventory.records.get(batch.batch_id)
            unseen = (group.count if group else 0) - len(own)
            if len(own) < limit and self.expiry.covers(batch):
                unseen = 0  # retention has dropped them since they were counted
        comparison = compare(batch, signed, own)
        yield from comparison.findings
        content = set(signed)
        vacancies: Mapping[int, bytes] = comparison.vacancies
        if vacancies and self.expiry.covers(batch):
            yield from self._check_times(batch)
            vacancies = unexpired_vacancies(comparison)
            self.expiry.add(batch, len(comparison.vacancies) - len(vacancies))
        self.pending.vacancies += [Vacancy(batch, leaf_index, leaf_hash) for leaf_index, leaf_hash in vacancies.items()]
        self.pending.strays += [
            Stray(self.name.stream, batch.log_id, claim, batch, claim.leaf_hash in content)
            for claim in comparison.strays
        ]
        if unseen > 0:
            what = f"{unseen} more records name this batch than were checked"
            yield batch_finding(FindingKind.RECORD_INSERTED, batch, what, record_count=unseen)

    def _check_times(self, batch: Batch) -> Iterator[Finding]:
        if batch not in self.excused and not self._has_times_within(batch):
            what = "its row was altered: its times are not those of its records"
            yield batch_finding(FindingKind.BATCH_ALTERED, batch, what)

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

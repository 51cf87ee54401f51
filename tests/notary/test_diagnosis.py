"""Tampering with a batch's records is named, record by record."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bundles import audit_record
from server.notary.batch import Batch, LogState, TileFragment, notarize
from server.notary.canonical import leaf_of
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
from server.notary.merkle import CompactRange
from server.notary.origin import LogName, Stream
from server.notary.settlement import Stray, Vacancy, settle, settle_placed
from server.notary.signers import Signer

CHANGED = FindingKind.RECORD_CHANGED
INSERTED = FindingKind.RECORD_INSERTED
REORDERED = FindingKind.RECORD_REORDERED
DUPLICATED = FindingKind.RECORD_DUPLICATED

FIRST, COUNT = 251, 8  # over the border of a tile
SIGNED = [sha256(b"signed %d" % n).digest() for n in range(COUNT)]
_BEFORE = CompactRange().extend(b"".join(sha256(b"before %d" % n).digest() for n in range(FIRST)))[0]
_NOTARIZED = notarize(
    LogState(LogName("example.org", Stream.AUDIT, "node-1"), 4, _BEFORE),
    b"".join(SIGNED),
    Signer.generate(),
    min_timestamp=0,
    max_timestamp=0,
    ingested_at=0,
)
BATCH: Batch = _NOTARIZED.batch
FRAGMENTS: tuple[TileFragment, ...] = _NOTARIZED.fragments
NO_BATCH = UUID(int=7)


def record(place: int, content: bytes, batch_id: UUID = BATCH.batch_id) -> ClaimedRecord:
    return ClaimedRecord(batch_id, FIRST + place, content, b"record " + content)


def stranger(number: int) -> bytes:
    return sha256(b"stranger %d" % number).digest()


def stored() -> list[ClaimedRecord]:
    return [record(place, content) for place, content in enumerate(SIGNED)]


def diagnose(signed: list[bytes], records: list[ClaimedRecord]) -> list[Finding]:
    """Return the findings about a batch, when nothing else is tampered with."""
    own = [record for record in records if record.batch_id == BATCH.batch_id]
    comparison = compare(BATCH, signed, own)
    vacancies = [Vacancy(BATCH, leaf_index, content) for leaf_index, content in comparison.vacancies.items()]
    strays = [
        Stray(Stream.AUDIT, BATCH.log_id, record, BATCH, is_copy=record.leaf_hash in signed)
        for record in comparison.strays
    ]
    strays += [Stray(Stream.AUDIT, BATCH.log_id, record) for record in records if record.batch_id != BATCH.batch_id]
    findings, unsigned = settle(vacancies, strays)
    assert all(stray.batch is None for stray in unsigned)
    return [*comparison.findings, *findings]


def verdict(records: list[ClaimedRecord]) -> tuple[list[tuple[FindingKind, int]], set[int]]:
    """The findings about stored records as (kind, place), and the places that are missing."""
    named: list[tuple[FindingKind, int]] = []
    missing: set[int] = set()
    for finding in diagnose(SIGNED, records):
        assert finding.batch_id == BATCH.batch_id
        if finding.leaf_index is None:  # all of them, in one
            assert (finding.kind, finding.record_count) == (FindingKind.RECORD_MISSING, COUNT)
            missing |= set(range(COUNT))
            continue
        assert finding.record_count == 1
        assert str(finding.leaf_index) in finding.message
        if finding.kind is FindingKind.RECORD_MISSING:
            assert finding.record is None
            missing.add(finding.leaf_index - FIRST)
        else:
            assert finding.record is not None
            named.append((finding.kind, finding.leaf_index - FIRST))
    return sorted(named, key=lambda pair: (pair[1], pair[0].value)), missing


def test_records_as_they_were_signed_are_good() -> None:
    assert check_records(BATCH, stored())
    assert verdict(stored()) == ([], set())


def test_a_changed_record_is_named() -> None:
    records = stored()
    records[3] = record(3, stranger(0))
    assert not check_records(BATCH, records)
    assert verdict(records) == ([(CHANGED, 3)], set())


def test_a_missing_record_is_named() -> None:
    records = stored()
    del records[3]
    assert not check_records(BATCH, records)
    assert verdict(records) == ([], {3})


def test_all_records_missing_are_named() -> None:
    assert verdict([]) == ([], set(range(COUNT)))


@pytest.mark.parametrize("place", [-1, 3, COUNT])
def test_an_inserted_record_is_named_wherever_it_claims_to_be(place: int) -> None:
    records = [*stored(), record(place, stranger(0))]
    assert not check_records(BATCH, records)
    assert verdict(records) == ([(INSERTED, place)], set())


def test_swapped_records_are_both_reordered() -> None:
    records = stored()
    records[2], records[5] = record(2, SIGNED[5]), record(5, SIGNED[2])
    assert not check_records(BATCH, records)
    assert verdict(records) == ([(REORDERED, 2), (REORDERED, 5)], set())


@pytest.mark.parametrize("place", [-1, 3, COUNT])
def test_a_duplicated_record_is_named_at_the_place_of_the_copy(place: int) -> None:
    records = [*stored(), record(place, SIGNED[3])]
    assert not check_records(BATCH, records)
    assert verdict(records) == ([(DUPLICATED, place)], set())


@pytest.mark.parametrize("place", [-1, 6, COUNT])
def test_a_moved_record_is_reordered_and_not_missing(place: int) -> None:
    records = [*stored()[:3], *stored()[4:], record(place, SIGNED[3])]
    assert not check_records(BATCH, records)
    assert verdict(records) == ([(REORDERED, place)], set())


def test_a_record_moved_over_a_deleted_one_leaves_that_one_missing() -> None:
    records = [*stored()[:2], *stored()[3:5], *stored()[6:], record(2, SIGNED[5])]
    assert verdict(records) == ([(REORDERED, 2)], {2})


def test_a_record_overwritten_with_another_is_changed() -> None:
    records = stored()
    records[3] = record(3, SIGNED[1])
    assert verdict(records) == ([(CHANGED, 3)], set())


def test_a_record_that_lost_its_batch_id_is_changed() -> None:
    records = stored()
    records[3] = record(3, SIGNED[3], NO_BATCH)
    assert not check_records(BATCH, records)
    assert verdict(records) == ([(CHANGED, 3)], set())


def test_a_record_of_no_batch_that_was_not_signed_here_is_left_to_others() -> None:
    assert verdict([*stored(), record(3, stranger(0), NO_BATCH)]) == ([], set())


def test_a_copy_that_names_no_batch_does_not_accuse_the_original() -> None:
    assert verdict([record(3, SIGNED[3], NO_BATCH), *stored()]) == ([], set())


def test_a_record_whose_computed_columns_were_changed_is_changed() -> None:
    records = stored()
    records[3] = dataclasses.replace(records[3], right_beside=False)
    assert not check_records(BATCH, records)
    assert verdict(records) == ([(CHANGED, 3)], set())


def test_records_with_the_same_content_may_stand_for_each_other() -> None:
    twins = [stranger(0), SIGNED[1], stranger(0)]
    records = [record(place, content) for place, content in enumerate(twins)]
    assert diagnose(twins, records) == []
    findings = diagnose(twins, [records[0], records[1], record(9, stranger(0))])
    assert [(finding.kind, finding.leaf_index) for finding in findings] == [(REORDERED, FIRST + 9)]


def test_every_one_of_several_missing_records_with_the_same_content_is_missing() -> None:
    twins = [stranger(0), SIGNED[1], stranger(0)]
    findings = diagnose(twins, [record(1, SIGNED[1])])
    assert [(finding.kind, finding.leaf_index) for finding in findings] == [
        (FindingKind.RECORD_MISSING, FIRST),
        (FindingKind.RECORD_MISSING, FIRST + 2),
    ]


_OPERATIONS = ("keep", "change", "delete", "duplicate", "move", "swap", "rename", "insert")


@given(
    st.lists(st.sampled_from(_OPERATIONS), min_size=COUNT, max_size=COUNT),
    st.randoms(use_true_random=False),
)
def test_any_combination_of_tampering_is_named_exactly(operations: list[str], rng: random.Random) -> None:
    records: list[ClaimedRecord] = []
    expected: list[tuple[FindingKind, int]] = []
    missing: set[int] = set()
    swaps = [place for place, operation in enumerate(operations) if operation == "swap"]
    partner = dict(zip(swaps, [*swaps[1:], *swaps[:1]], strict=True))  # one cycle through them all
    free = COUNT + 5  # places that nobody was signed for

    for place, operation in enumerate(operations):
        match operation:
            case "change":
                records.append(record(place, stranger(place)))
                expected.append((CHANGED, place))
            case "delete":
                missing.add(place)
            case "move":
                records.append(record(free + place, SIGNED[place]))
                expected.append((REORDERED, free + place))
            case "swap":
                records.append(record(place, SIGNED[partner[place]]))
                if partner[place] != place:
                    expected.append((REORDERED, place))
            case "rename":
                records.append(record(place, SIGNED[place], NO_BATCH))
                expected.append((CHANGED, place))
            case _:
                records.append(record(place, SIGNED[place]))
        if operation == "duplicate":
            copy = rng.choice([place, free + place])
            records.append(record(copy, SIGNED[place]))
            expected.append((DUPLICATED, copy))
        if operation == "insert":
            at = rng.choice([place, free + place])
            records.append(record(at, stranger(place)))
            expected.append((INSERTED, at))
    rng.shuffle(records)
    findings, gone = verdict(records)
    assert Counter(findings) == Counter(expected)
    assert gone == missing


@given(st.permutations(range(COUNT)))
def test_only_the_signed_order_is_good_and_every_record_out_of_place_is_reordered(order: list[int]) -> None:
    records = [record(place, SIGNED[number]) for place, number in enumerate(order)]
    out_of_place = [(REORDERED, place) for place, number in enumerate(order) if place != number]
    assert check_records(BATCH, records) == (not out_of_place)
    assert verdict(records) == (out_of_place, set())


def test_records_of_another_batch_or_leaf_are_not_good_although_their_content_is() -> None:
    for changes in ({"batch_id": NO_BATCH}, {"leaf_index": 7}):
        records = stored()
        records[3] = dataclasses.replace(records[3], **changes)
        assert not check_records(BATCH, records)


def test_the_signed_leaves_are_read_from_the_batchs_fragments() -> None:
    assert len([fragment for fragment in FRAGMENTS if fragment.level == 0]) == 2
    assert signed_leaves(BATCH, FRAGMENTS) == SIGNED
    assert signed_leaves(BATCH, [*FRAGMENTS, FRAGMENTS[0]][::-1]) == SIGNED


def test_fragments_that_do_not_lead_to_the_root_say_nothing() -> None:
    altered = dataclasses.replace(FRAGMENTS[0], hashes=bytes(len(FRAGMENTS[0].hashes)))
    assert signed_leaves(BATCH, [altered, *FRAGMENTS[1:]]) is None
    assert signed_leaves(BATCH, FRAGMENTS[1:]) is None
    assert signed_leaves(BATCH, []) is None


def test_fragments_are_those_of_the_records_or_a_tile_was_altered() -> None:
    assert {fragment.level for fragment in FRAGMENTS} == {0, 1}
    assert check_fragments(BATCH, SIGNED, FRAGMENTS[::-1]) is None
    upper = dataclasses.replace(FRAGMENTS[-1], hashes=bytes(32))
    moved = dataclasses.replace(FRAGMENTS[0], offset=0)
    for fragments in (
        [*FRAGMENTS[:-1], upper],
        [moved, *FRAGMENTS[1:]],
        FRAGMENTS[1:],
        [*FRAGMENTS, FRAGMENTS[0]],
        [],
    ):
        finding = check_fragments(BATCH, SIGNED, fragments)
        assert finding is not None
        assert finding.kind is FindingKind.TILE_ALTERED
        assert finding.batch_id == BATCH.batch_id


class TestBorneId:
    """The ID that records and hashes bear tells what a batch's row was before somebody altered it."""

    ALTERED = dataclasses.replace(BATCH, batch_id=UUID(int=1))

    def test_it_is_the_rows_own_where_records_or_hashes_bear_that(self) -> None:
        assert borne_id(BATCH, stored(), {}) == BATCH.batch_id
        assert borne_id(BATCH, [], {BATCH.batch_id: []}) == BATCH.batch_id

    def test_it_is_that_of_hashes_that_lead_to_the_root(self) -> None:
        altered = dataclasses.replace(FRAGMENTS[0], hashes=bytes(len(FRAGMENTS[0].hashes)))
        by_id = {NO_BATCH: [altered, *FRAGMENTS[1:]], BATCH.batch_id: list(FRAGMENTS)}
        assert borne_id(self.ALTERED, [], by_id) == BATCH.batch_id

    def test_without_such_hashes_it_is_that_of_records_that_lead_to_the_root(self) -> None:
        claims = [record(0, stranger(0), NO_BATCH), *stored()]
        assert borne_id(self.ALTERED, claims, {NO_BATCH: []}) == BATCH.batch_id

    def test_where_nothing_leads_to_the_root_it_is_the_rows_own(self) -> None:
        assert borne_id(self.ALTERED, stored()[1:], {NO_BATCH: list(FRAGMENTS[1:])}) == self.ALTERED.batch_id
        assert borne_id(self.ALTERED, [], {}) == self.ALTERED.batch_id


def test_a_batch_is_untouched_with_its_records_and_its_hashes_only() -> None:
    leaf_hashes = b"".join(SIGNED)
    assert is_untouched(BATCH, leaf_hashes, FRAGMENTS)
    assert not is_untouched(BATCH, leaf_hashes, FRAGMENTS[1:])
    assert not is_untouched(BATCH, stranger(0) + leaf_hashes[32:], FRAGMENTS)


def neighbour(log: LogName) -> Batch:
    """Return another batch, of the same or of another log, whose records are strangers."""
    hashes = b"".join(stranger(number) for number in range(COUNT))
    return notarize(LogState(log), hashes, Signer.generate(), min_timestamp=0, max_timestamp=0, ingested_at=0).batch


def test_a_record_moved_to_another_batch_of_its_log_is_reordered_there() -> None:
    other = neighbour(LogName("example.org", Stream.AUDIT, "node-1"))
    moved = ClaimedRecord(other.batch_id, 2, SIGNED[3], b"record")
    vacancies = [Vacancy(BATCH, FIRST + 3, SIGNED[3])]
    (finding,), left = settle(vacancies, [Stray(Stream.AUDIT, other.log_id, moved, other)])
    assert (finding.kind, finding.batch_id, finding.leaf_index, left) == (REORDERED, other.batch_id, 2, [])
    assert f"as leaf {FIRST + 3}, in batch {BATCH.sequence}" in finding.message


def test_a_record_put_under_another_log_is_changed() -> None:
    other = neighbour(LogName("example.org", Stream.AUDIT, "node-2"))
    moved = ClaimedRecord(NO_BATCH, FIRST + 3, SIGNED[3], b"record")
    (finding,), left = settle([Vacancy(BATCH, FIRST + 3, SIGNED[3])], [Stray(Stream.AUDIT, other.log_id, moved)])
    assert (finding.kind, finding.batch_id, finding.leaf_index, left) == (CHANGED, BATCH.batch_id, FIRST + 3, [])
    assert "its LogId was changed" in finding.message


def test_a_record_of_version_1_is_recognised_under_a_batch_of_version_2() -> None:
    now, then = audit_record(1, 2), audit_record(1, 1)
    batch = dataclasses.replace(BATCH, canonical_version=1)
    moved = ClaimedRecord(NO_BATCH, FIRST + 3, leaf_of(now), now)
    (finding,), left = settle([Vacancy(batch, FIRST + 3, leaf_of(then))], [Stray(Stream.AUDIT, BATCH.log_id, moved)])
    assert (finding.kind, finding.leaf_index, left) == (CHANGED, FIRST + 3, [])
    assert "its BatchId was changed" in finding.message


def test_what_cannot_be_read_as_a_record_of_version_1_is_none() -> None:
    batch = dataclasses.replace(BATCH, canonical_version=1)
    stray = Stray(Stream.AUDIT, BATCH.log_id, record(3, stranger(1), NO_BATCH))
    (finding,), left = settle([Vacancy(batch, FIRST + 3, SIGNED[3])], [stray])
    assert (finding.kind, left) == (FindingKind.RECORD_MISSING, [stray])


def test_what_needs_no_records_of_no_batch_is_settled_before_them() -> None:
    def vacancy(place: int) -> Vacancy:
        return Vacancy(BATCH, FIRST + place, SIGNED[place])

    changed = Stray(Stream.AUDIT, BATCH.log_id, record(0, stranger(0)), BATCH)
    swapped = [Stray(Stream.AUDIT, BATCH.log_id, record(place, SIGNED[3 - place]), BATCH) for place in (1, 2)]
    inserted = Stray(Stream.AUDIT, BATCH.log_id, record(COUNT, stranger(1)), BATCH)
    vacancies = [vacancy(place) for place in range(4)]
    findings, gone, left = settle_placed(vacancies, [changed, *swapped, inserted])
    assert Counter((finding.kind, finding.leaf_index) for finding in findings) == Counter(
        [(CHANGED, FIRST), (REORDERED, FIRST + 1), (REORDERED, FIRST + 2)]
    )
    assert (gone, left) == ([vacancy(3)], [inserted])
    moved = Stray(Stream.AUDIT, BATCH.log_id, record(3, SIGNED[3], NO_BATCH))
    findings, unsigned = settle(gone, [*left, moved])
    assert {(finding.kind, finding.leaf_index) for finding in findings} == {
        (CHANGED, FIRST + 3),
        (INSERTED, FIRST + COUNT),
    }
    assert unsigned == []


def test_hashes_that_cannot_be_read_are_left_out_of_the_check() -> None:
    assert is_untouched(BATCH, b"".join(SIGNED), None)
    assert not is_untouched(BATCH, b"".join([stranger(1), *SIGNED[1:]]), None)

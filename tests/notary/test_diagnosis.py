"""Tampering with a batch's records is named, record by record."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.diagnosis import ClaimedRecord, check_records
from server.notary.findings import FindingKind
from server.notary.origin import Stream
from server.notary.settlement import Stray, Vacancy, settle, settle_placed
from tests.notary.diagnosed import (
    BATCH,
    CHANGED,
    COUNT,
    DUPLICATED,
    FIRST,
    INSERTED,
    NO_BATCH,
    REORDERED,
    SIGNED,
    diagnose,
    record,
    stored,
    stranger,
)


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

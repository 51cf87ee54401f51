"""The hashes of a batch: what they settle, and what follows if they were altered."""

from __future__ import annotations

import dataclasses
from uuid import UUID

from server.notary.diagnosis import borne_id, check_fragments, is_untouched, signed_leaves
from server.notary.findings import FindingKind
from tests.notary.diagnosed import BATCH, FRAGMENTS, NO_BATCH, SIGNED, record, stored, stranger


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


def test_hashes_that_cannot_be_read_are_left_out_of_the_check() -> None:
    assert is_untouched(BATCH, b"".join(SIGNED), None)
    assert not is_untouched(BATCH, b"".join([stranger(1), *SIGNED[1:]]), None)

"""The last batch of a log, with both engines, in the presence of inserted rows."""

from __future__ import annotations

import pytest

from server.notary.batch import Batch
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from server.verification import last_batches as module
from server.verification.last_batches import is_signed_size, last_batch_of, last_batches, last_valid_batches
from storage.engine import Engine
from tests.api.growing import NAME, GrowingLog, insert_copy


@pytest.fixture
def log(engine: Engine) -> GrowingLog:
    return GrowingLog(engine)


def last_of(log: GrowingLog) -> Batch:
    found = last_valid_batches(log.engine, log.keys)[NAME.log_id]
    alone = last_batch_of(log.engine, log.keys, NAME.log_id)
    assert alone is not None
    assert alone.largest == alone.valid == found
    return found


def test_a_copy_of_an_old_batch_is_not_the_last_whatever_its_number_and_time_are(log: GrowingLog) -> None:
    old, last = log.grow(2, 3)
    insert_copy(log.engine, old, sequence=1 << 60, ingested_at=1 << 62)
    assert last_of(log) == last


def test_a_last_row_that_somebody_else_signed_does_not_hide_the_log(log: GrowingLog) -> None:
    (last,) = log.grow(2)
    other = GrowingLog(log.engine)
    other.grow(*[100] * 30)
    assert last_of(log) == last


def test_rows_that_were_altered_are_passed_however_many_there_are(
    log: GrowingLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FIRST_ROWS", 3)
    monkeypatch.setattr(module, "_MOST_ROWS", 5)
    old, last = log.grow(2, 3)
    for number in range(20):
        insert_copy(log.engine, old, tree_size=100 + number // 8, min_timestamp=number)
        insert_copy(log.engine, last, record_count=7, min_timestamp=number)
    assert last_of(log) == last


def test_a_log_is_found_if_its_largest_row_has_another_origin(log: GrowingLog) -> None:
    (last,) = log.grow(2)
    other = LogName("shop", Stream.OPERATIONAL, "other")
    insert_copy(log.engine, last, tree_size=100, origin=other.origin)
    assert last_of(log) == last


def test_a_log_of_which_nothing_is_valid_has_no_last_batch_and_says_why(log: GrowingLog) -> None:
    (batch,) = log.grow(2)
    assert last_valid_batches(log.engine, TrustedKeys()) == {}
    (last,) = last_batches(log.engine, TrustedKeys())
    ((row, problem),) = last.others
    assert (last.valid, row) == (None, batch)
    assert "signed by no known key" in problem.message
    alone = last_batch_of(log.engine, TrustedKeys(), NAME.log_id)
    assert alone == last
    assert alone.largest == batch
    assert last_batch_of(log.engine, log.keys, "0" * 16) is None


def test_a_size_is_signed_if_a_valid_batch_ends_there_with_this_root(log: GrowingLog) -> None:
    first, last = log.grow(2, 3)
    insert_copy(log.engine, first, tree_size=4)
    for size, root, signed in (
        (2, first.root_hash, True),
        (5, last.root_hash[:8], True),
        (5, first.root_hash, False),
        (4, first.root_hash, False),
        (3, first.root_hash, False),
    ):
        assert is_signed_size(log.engine, log.keys, NAME.log_id, size, root) == signed

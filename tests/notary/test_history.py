"""Putting a log's batches in order by what their checkpoints sign."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from hashlib import sha256

import pytest

from server.notary.batch import Batch, LogState, notarize
from server.notary.chain import Gap
from server.notary.findings import Finding, FindingKind
from server.notary.history import History
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()


def grow(counts: list[int], seed: str = "") -> list[Batch]:
    state, batches = LogState(NAME), []
    for count in counts:
        hashes = b"".join(sha256(f"{seed}{state.range.size + n}".encode()).digest() for n in range(count))
        step = notarize(state, hashes, SIGNER, min_timestamp=1, max_timestamp=2, ingested_at=3)
        state = step.state
        batches.append(step.batch)
    return batches


FIRST, SECOND, THIRD, FOURTH = grow([3, 4, 5, 6])
OTHER_FIRST, OTHER_SECOND, OTHER_THIRD = grow([3, 4, 5], seed="other ")


def add(history: History, *rows: Sequence[Batch]) -> tuple[list[Batch], list[Finding]]:
    """Give a history rows, those of one tree size together."""
    batches, findings = [], []
    for together in rows:
        taken, found = history.add(together, lambda _: True)
        batches += taken
        findings += found
    return batches, findings


def test_batches_that_go_on_from_each_other_are_a_log_without_findings() -> None:
    history = History()
    assert add(history, [FIRST], [SECOND], [THIRD]) == ([FIRST, SECOND, THIRD], [])
    assert (history.tip, history.gaps, history.forks()) == (THIRD, [], [])


@pytest.mark.parametrize("rows", [[SECOND, OTHER_SECOND], [OTHER_SECOND, SECOND]])
def test_of_two_signed_batches_the_one_that_follows_is_the_log_and_the_other_a_fork(rows: list[Batch]) -> None:
    history = History()
    add(history, [FIRST])
    batches, findings = add(history, rows)
    assert sorted(batches, key=lambda batch: batch.batch_id) == sorted(rows, key=lambda batch: batch.batch_id)
    assert not findings
    assert history.tip == SECOND
    (fork,) = history.forks()
    assert (fork.kind, fork.batch_id) == (FindingKind.LOG_FORKED, OTHER_SECOND.batch_id)


def test_batches_that_go_on_from_a_fork_are_counted_to_it() -> None:
    history = History()
    add(history, [FIRST], [SECOND, OTHER_SECOND], [THIRD, OTHER_THIRD])
    (fork,) = history.forks()
    assert fork.record_count == OTHER_SECOND.record_count + OTHER_THIRD.record_count
    assert history.tip == THIRD


def test_a_batch_of_another_history_is_a_fork_even_when_it_is_the_only_one() -> None:
    history = History()
    add(history, [FIRST], [OTHER_SECOND])
    assert [fork.batch_id for fork in history.forks()] == [OTHER_SECOND.batch_id]
    assert not history.gaps


def test_a_row_that_is_there_several_times_is_duplicated_and_no_fork() -> None:
    history = History()
    add(history, [FIRST])
    batches, findings = add(history, [SECOND, SECOND, SECOND])
    assert batches == [SECOND]
    assert [finding.kind for finding in findings] == 2 * [FindingKind.BATCH_DUPLICATED]
    assert not history.forks()


def test_a_batch_of_another_number_has_its_right_one_given_back() -> None:
    history = History()
    renumbered = dataclasses.replace(SECOND, sequence=9)
    add(history, [FIRST])
    batches, (finding,) = add(history, [renumbered])
    assert batches == [SECOND]
    assert (finding.kind, finding.sequence) == (FindingKind.BATCH_ALTERED, 9)
    assert add(history, [THIRD]) == ([THIRD], [])


def test_what_is_not_there_is_a_gap() -> None:
    history = History()
    assert add(history, [SECOND], [FOURTH]) == ([SECOND, FOURTH], [])
    assert history.gaps == [Gap(None, SECOND), Gap(SECOND, FOURTH)]
    assert not history.forks()


def test_a_history_that_begins_after_a_batch_goes_on_from_it() -> None:
    history = History()
    history.begin_after(SECOND)
    assert add(history, [THIRD]) == ([THIRD], [])
    assert not history.gaps
    assert not history.forks()


def test_copies_of_a_checkpoint_in_rows_of_other_numbers_are_named_with_the_batch_they_copy() -> None:
    history = History()
    add(history, [FIRST])
    copy = dataclasses.replace(SECOND, sequence=9)
    batches, (finding,) = add(history, [copy, SECOND])
    assert batches == [SECOND]
    assert (finding.kind, finding.sequence) == (FindingKind.BATCH_DUPLICATED, 9)
    assert "as batch 2" in finding.message


@pytest.mark.parametrize(("size", "gaps"), [(3, []), (2, [Gap(None, SECOND)])])
def test_where_reading_begins_within_a_batch_none_before_it_is_missed(size: int, gaps: list[Gap]) -> None:
    history = History()
    history.begin_within(size)
    assert add(history, [SECOND], [THIRD]) == ([SECOND, THIRD], [])
    assert history.gaps == gaps


@pytest.mark.parametrize(
    ("rows", "broken"),
    [([[FIRST], [SECOND]], False), ([[FIRST], [THIRD]], True), ([[FIRST], [OTHER_SECOND]], True)],
    ids=["whole", "with a gap", "with a fork"],
)
def test_a_history_is_broken_by_gaps_and_by_forks(rows: list[list[Batch]], broken: bool) -> None:
    history = History()
    add(history, *rows)
    assert history.is_broken is broken

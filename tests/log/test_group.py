"""Groups: as many waiting batches as fit, of one day, and never across what has to stand between two of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors.ingest import JournalDamagedError
from server.log.group import Group, GroupLimits, gather
from server.log.group_mark import GroupMark
from server.log.journal_entry import Entry, SignedBatch
from server.notary.batch import Batch, LogState, compute_batch_id, notarize
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.native import Block

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()
DAY = 86_400 * 10**9
SMALL = GroupLimits(rows=10, size=100)


def entries(*batches: tuple[int, int, int]) -> tuple[list[tuple[int, Entry]], list[LogState]]:
    """Return numbered entries, given by records, bytes and day, and the states of their log, from the first on."""
    state = LogState(NAME)
    made, states = [], [state]
    for number, (records, size, day) in enumerate(batches, 1):
        hashes = b"".join(bytes([leaf % 256]) * 32 for leaf in range(records))
        done = notarize(state, hashes, SIGNER, min_timestamp=0, max_timestamp=0, ingested_at=day * DAY)
        state = done.state
        states.append(state)
        made.append((number, Entry((SignedBatch(done.batch, hashes),), Block(bytes(size), (size,)))))
    return made, states


def never(_: Batch) -> bool:
    return False


def after(state: LogState) -> Callable[[Batch], LogState]:
    return lambda _: state


def groups_of(waiting: Sequence[tuple[int, Entry]], limits: GroupLimits = SMALL) -> list[Group]:
    made: list[Group] = []
    while left := [(number, entry) for number, entry in waiting if not made or number > made[-1].last]:
        made.append(gather(left, after(made[-1].states[NAME.origin] if made else LogState(NAME)), never, limits))
    return made


_BATCHES = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 120), st.integers(20_000, 20_001)), min_size=1)


@given(_BATCHES)
def test_groups_have_all_batches_in_order_within_limits_and_days_and_are_as_large_as_they_can_be(
    batches: list[tuple[int, int, int]],
) -> None:
    waiting, states = entries(*batches)
    groups = groups_of(waiting)
    assert [entry for group in groups for entry in group.entries] == [entry for _, entry in waiting]
    assert [group.states for group in groups] == [{NAME.origin: states[group.last]} for group in groups]

    def fit(several: Sequence[Entry]) -> bool:
        rows, size = sum(one.rows for one in several), sum(one.size for one in several)
        return rows <= SMALL.rows and size <= SMALL.size and len({one.day for one in several}) == 1

    assert all(fit(group.entries) for group in groups if len(group.entries) > 1)
    assert not any(fit([*group.entries, following.entries[0]]) for group, following in pairwise(groups))


def test_a_group_ends_where_something_has_to_stand_between_two_batches() -> None:
    waiting, states = entries(*3 * [(1, 1, 20_000)])
    group = gather(waiting, after(states[0]), lambda batch: batch.tree_size >= 2, SMALL)
    assert (group.last, len(group.entries)) == (2, 2)


def test_a_group_that_was_begun_is_the_same_again_whatever_the_limits_are_now() -> None:
    waiting, states = entries(*4 * [(8, 80, 20_000)])
    assert gather(waiting, after(states[0]), never, SMALL).last == 1
    assert gather(waiting, after(states[0]), lambda _: True, SMALL, last=3).last == 3


def test_a_block_of_an_earlier_version_goes_alone() -> None:
    waiting, states = entries(*3 * [(1, 1, 20_000)])
    number, old = waiting[1]
    waiting[1] = number, replace(old, block=Block(old.block.data, ()))
    assert [len(group.entries) for group in groups_of(waiting)] == [1, 1, 1]
    assert gather(waiting[2:], after(states[2]), never, SMALL).last == 3


def test_batches_that_do_not_follow_each_other_are_no_group() -> None:
    waiting, states = entries(*2 * [(1, 1, 20_000)])
    (second,) = waiting[1][1].signed
    wrong = replace(second.batch, sequence=5)
    second = replace(second, batch=replace(wrong, batch_id=compute_batch_id(wrong)))
    waiting[1] = 2, replace(waiting[1][1], signed=(second,))
    with pytest.raises(JournalDamagedError, match="does not continue the log"):
        gather(waiting, after(states[0]), never, SMALL)


class TestMark:
    def test_it_tells_where_the_group_of_an_entry_ends(self, tmp_path: Path) -> None:
        mark = GroupMark(tmp_path)
        assert mark.end_of(5) == 5
        mark.write(5, 9)
        again = GroupMark(tmp_path)
        assert [again.end_of(first) for first in (4, 5, 6)] == [4, 9, 6]

    def test_only_the_last_one_stays(self, tmp_path: Path) -> None:
        mark = GroupMark(tmp_path)
        mark.write(5, 9)
        mark.write(10, 12)
        mark.write(10, 12)
        assert (mark.end_of(5), mark.end_of(10)) == (5, 12)
        assert len(list(tmp_path.iterdir())) == 1

    def test_it_is_durable_before_it_counts_and_the_earlier_one_stays_until_then(self, tmp_path: Path) -> None:
        GroupMark(tmp_path).write(5, 9)
        synced: list[str] = []

        def sync(descriptor: int) -> None:
            synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
            assert GroupMark(tmp_path).end_of(5) == 9

        GroupMark(tmp_path, sync).write(10, 12)
        assert synced == [f"{10:020d}-{12:020d}.group", tmp_path.name]

    def test_it_is_gone_once_it_is_removed(self, tmp_path: Path) -> None:
        mark = GroupMark(tmp_path)
        mark.write(5, 9)
        assert mark.remove()
        assert mark.end_of(5) == 5

    def test_a_removal_that_is_not_durable_is_said(self, tmp_path: Path) -> None:
        def fail(_: int) -> None:
            raise OSError

        GroupMark(tmp_path).write(5, 9)
        assert not GroupMark(tmp_path, fail).remove()

    def test_other_files_are_no_marks(self, tmp_path: Path) -> None:
        (tmp_path / f"{5:020d}-x.group").touch()
        (tmp_path / f"{5:020d}.journal").touch()
        assert GroupMark(tmp_path).end_of(5) == 5

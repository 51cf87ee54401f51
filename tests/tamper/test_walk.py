"""Self-verification of a real store: its pace, and where it goes on."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from server.notary.trust import TrustedKeys, fingerprint
from server.self_verification.progress_file import ScrubProgress
from server.self_verification.throttle import WorkStoppedError
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, OPERATIONAL, TABLES
from tests.tamper.walking import HOUR, TAMPERINGS, Unsteady, Walk

pytestmark = pytest.mark.parametrize("written", ["embedded"], indirect=True)  # nothing of it is the engine's


def test_an_untouched_store_gives_no_finding_while_it_is_written(walk: Walk, stated: Stated) -> None:
    stated.touch(*TABLES)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            stated.write(OPERATIONAL, 20, ingested_at=time.time_ns())
            stated.write(AUDIT, 20, ingested_at=time.time_ns())

    writer = threading.Thread(target=write)
    writer.start()
    walker = walk.walker()
    try:
        for _ in range(2):
            walker.walk(stated.engine)
    finally:
        stop.set()
        writer.join()
    assert walk.trail.taken == []
    status = walker.status
    assert (status.findings, status.unrecorded, status.walks) == ({}, 0, 2)
    assert status.records >= 2 * sum(batches[-1].tree_size for batches in stated.batches.values())
    assert status.batches >= 2 * sum(map(len, stated.batches.values()))


def test_a_walk_is_spread_over_its_interval(walk: Walk, stated: Stated) -> None:
    walker = walk.walker()
    walker.walk(stated.engine)
    total = sum(batches[-1].tree_size for batches in stated.batches.values())
    audit = stated.batches[AUDIT][-1].tree_size
    sections = [(time, mark) for time, mark in walk.marks if mark.origin]
    assert len(sections) > 4
    for (_, before), (at, mark) in pairwise(sections):
        done = before.leaf + (audit if before.origin == OPERATIONAL.origin else 0)
        assert at >= 12 * HOUR * (done if mark.origin == before.origin else audit) / total - 1
    assert 6 * HOUR < walker.status.walk_seconds <= 12 * HOUR
    assert not walker.status.is_behind


def test_a_walk_goes_on_where_the_process_before_was(walk: Walk, stated: Stated) -> None:
    stated.tamper(TAMPERINGS["RECORD_CHANGED"])
    walk.walker().walk(stated.engine)
    cut = next(place for place, (_, mark) in enumerate(walk.marks) if mark.leaf > 200)
    walk.marks = walk.marks[: cut + 1]
    at = walk.marks[-1][1]
    assert (at.origin, list(at.recorded.values()), len(at.seen)) == (OPERATIONAL.origin, ["RECORD_CHANGED"], 1)
    walker = walk.walker()
    walker.walk(stated.engine)
    left = stated.batches[OPERATIONAL][-1].tree_size - at.leaf
    assert walker.status.records == left
    assert walker.status.findings == {"RECORD_CHANGED": 1}  # found by the one before, and not forgotten
    assert walk.trail.kinds() == ["RECORD_CHANGED"]


def test_progress_that_nobody_signed_is_not_believed(
    walk: Walk, stated: Stated, caplog: pytest.LogCaptureFixture
) -> None:
    forged = stated.batches[OPERATIONAL][-1].checkpoint.replace("\u2014 shop", "\u2014 shot")
    walk.marks.append((0.0, ScrubProgress(0.0, OPERATIONAL.origin, stated.batches[OPERATIONAL][-1].tree_size, forged)))
    walker = walk.walker()
    walker.walk(stated.engine)
    assert walker.status.records == stated.batches[OPERATIONAL][-1].tree_size
    assert "starts over" in caplog.text


def test_where_storage_does_not_answer_it_waits_and_goes_on(walk: Walk, stated: Stated) -> None:
    stated.tamper(TAMPERINGS["RECORD_CHANGED"])
    unsteady = Unsteady(stated.engine)
    walker = walk.walker()
    walker.walk(unsteady)
    assert unsteady.failures > 10
    assert walk.trail.kinds() == ["RECORD_CHANGED"]
    assert walker.status.records == sum(batches[-1].tree_size for batches in stated.batches.values())


def test_a_store_that_is_too_large_for_the_interval_is_told_of_and_not_hurried(
    walk: Walk, stated: Stated, caplog: pytest.LogCaptureFixture
) -> None:
    walk.watch.step = 60.0  # so slow is every step
    walker = walk.walker()
    walker.walk(stated.engine)
    status = walker.status
    assert status.is_behind
    assert status.walk_seconds > 12 * HOUR
    assert caplog.text.count("is behind") == 1
    assert status.busy_seconds <= 0.11 * walk.watch.time


def test_walks_follow_on_each_other_until_they_are_stopped(walk: Walk, stated: Stated) -> None:
    def stop(_: float) -> None:
        if walk.watch.time > 30 * HOUR:
            raise WorkStoppedError

    walk.watch.meanwhile = stop
    walker = walk.walker()
    with pytest.raises(WorkStoppedError):
        walker.run(stated.engine)
    assert walker.status.walks == 2


@pytest.mark.parametrize("hours", [5, 13], ids=["in the middle of a walk", "between two sections of the next"])
def test_a_key_that_is_marked_as_compromised_makes_the_walk_begin_anew_at_once(
    walk: Walk, stated: Stated, hours: int
) -> None:
    both = stated.keys_of(*stated.signers)
    marked = both + TrustedKeys(compromised={fingerprint(stated.signers[0].ed25519.public_key): 1})
    walk.trusted = both

    def mark_and_stop(_: float) -> None:
        if walk.watch.time > hours * HOUR:
            walk.trusted = marked
        if walk.watch.time > (hours + 12) * HOUR:
            raise WorkStoppedError

    walk.watch.meanwhile = mark_and_stop
    with pytest.raises(WorkStoppedError):
        walk.walker().run(stated.engine)
    # Every batch of the log's first key, though the walk had gone past some of them already.
    found = [notice for notice in walk.trail.taken if notice.kind == "SIGNED_BY_COMPROMISED_KEY"]
    assert len(found) == len(walk.trail.taken)
    begun = [at for (_, before), (at, mark) in pairwise(walk.marks) if before.origin > mark.origin]
    assert any(hours * HOUR <= at <= hours * HOUR + 120 for at in begun)
    for name in (AUDIT, OPERATIONAL):
        assert (
            sum(f"batch {number} of {name.origin}:" in notice.message for notice in found for number in range(1, 5))
            == 4
        )

"""Schedules follow from their seeds."""

from __future__ import annotations

import pytest

from tests.faults.derive import derive
from tests.faults.kinds import KINDS
from tests.faults.plan import Deed, Needs


def test_a_seed_gives_the_same_schedule_each_time() -> None:
    plans = [derive(seed) for seed in range(100)]
    assert plans == [derive(seed) for seed in range(100)]
    assert len({plan.describe() for plan in plans}) == len(plans)


def test_seeds_one_after_the_other_go_through_all_kinds_and_deeds() -> None:
    plans = [derive(seed) for seed in range(200)]
    assert {plan.kind for plan in plans} == set(KINDS)
    assert {step.deed for plan in plans for step in plan.steps} == set(Deed)


@pytest.mark.parametrize("kind", KINDS)
def test_every_schedule_has_faults_that_end_or_are_ended(kind: str) -> None:
    for seed in range(50):
        plan = derive(seed, kind)
        assert plan.kind == kind
        assert plan.steps
        assert list(plan.steps) == sorted(plan.steps, key=lambda step: step.at)
        assert all(0 <= step.at < plan.seconds and step.seconds > 0 for step in plan.steps)
        deeds = {step.deed for step in plan.steps}
        assert (Deed.INJECT in deeds) == (Needs.STRACE in plan.needs)
        assert bool(deeds & {Deed.FILL_SERVER, Deed.FILL_CLICKHOUSE}) <= (Needs.TMPFS in plan.needs)


def test_what_is_asked_for_counts_more_than_the_seed() -> None:
    assert {derive(seed, ack="journal").flags["ack"] for seed in range(20)} == {"journal"}
    assert {derive(seed).flags["ack"] for seed in range(20)} == {"commit", "journal"}
    plan = derive(1, "refuse", seconds=3.0)
    assert (plan.seconds, plan.kind) == (3.0, "refuse")
    assert all(step.at < 3.0 for step in plan.steps)

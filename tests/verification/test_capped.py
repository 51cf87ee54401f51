"""Findings of which anyone can cause any number are capped, and the others counted."""

from __future__ import annotations

from server.notary.findings import Finding, FindingKind
from server.verification.capped import capped

ALTERED = [Finding(FindingKind.BATCH_ALTERED, f"row {number}") for number in range(5)]
MISSING = [Finding(FindingKind.BATCH_MISSING, f"gap {number}") for number in range(3)]


def test_the_first_findings_of_each_kind_are_told_and_the_others_counted() -> None:
    told = list(capped([*ALTERED, *MISSING], 3))
    assert told[:6] == [*ALTERED[:3], *MISSING]
    (rest,) = told[6:]
    assert (rest.kind, rest.message) == (
        FindingKind.BATCH_ALTERED,
        "2 further findings of this kind are not told one by one",
    )


def test_other_kinds_and_other_steps_are_all_told() -> None:
    steps = [*MISSING, None, *ALTERED, None]
    told = list(capped(steps, 1, {FindingKind.BATCH_ALTERED}))
    assert told[:-1] == [*MISSING, None, ALTERED[0], None]
    assert len(told) == 7


def test_as_many_as_are_permitted_need_no_count() -> None:
    assert list(capped(ALTERED, 5)) == ALTERED

"""Verification section by section finds what verification of everything at once finds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from server.notary.checkpoint import Checkpoint
from server.notary.findings import Finding
from server.notary.statement import Statement
from server.notary.trust import TrustedKeys, check_checkpoint
from server.verification.section_check import SectionCheck, check_outside
from server.verification.sections import ResumePoint, SectionLimits, next_section, read_context
from tests.tamper.stated import LAST, Stated
from tests.tamper.store import Store
from tests.tamper.test_matrix import MATRIX, NAMES

pytestmark = pytest.mark.parametrize("written", ["embedded"], indirect=True)  # nothing of it is the engine's

WHOLE = SectionLimits()  # more than these logs hold
PARTS = SectionLimits(leaves=40, batches=2)
SINGLE = SectionLimits(leaves=1, batches=1)


def found_in_sections(
    store: Store, limits: SectionLimits, keys: TrustedKeys, kept: Sequence[Checkpoint | Statement] = ()
) -> list[Finding]:
    """Verify the whole store, section by section."""
    ground = read_context(store.engine, keys, lambda: kept)
    found = list(check_outside(store.engine, ground))
    for log in ground.logs:
        place = ResumePoint()
        while section := next_section(store.engine, log, place, limits):
            check = SectionCheck(store.engine, ground, section)
            found += check.findings()
            place = check.place
    return found


def test_an_untouched_store_gives_no_finding(stated: Stated) -> None:
    for limits in (WHOLE, PARTS, SINGLE):
        assert found_in_sections(stated, limits, stated.keys) == []


@pytest.mark.parametrize("what", MATRIX)
def test_whatever_is_done_is_found_in_the_log_that_it_was_done_to(stated: Stated, what: str) -> None:
    change, kinds = MATRIX[what]
    for name in NAMES:
        change(stated, name)
    keys = stated.keys_of(*stated.signers)
    kept = [check_checkpoint(stated.statement(name, LAST).note, keys) for name in NAMES]
    for limits in (WHOLE, PARTS):
        found = found_in_sections(stated, limits, keys, kept if what.startswith("log rolled") else ())
        assert {finding.log_id for finding in found} >= {name.log_id for name in NAMES}
        if limits is WHOLE:
            assert {finding.kind for finding in found} == set(kinds)

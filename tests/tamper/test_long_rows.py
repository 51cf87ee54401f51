"""A row that is too long to be read is a finding about its batch; everything else is verified all the same."""

from __future__ import annotations

import pytest

from server.notary.findings import Finding
from server.notary.findings import FindingKind as Kind
from server.notary.row_blocks import BlockLimits
from server.verification.complete_check import CompleteChecker
from server.verification.expiry import Expiry
from server.verification.read_limits import ReadLimits
from server.verification.scope import Scope, Summary
from server.verification.section_check import SectionCheck
from server.verification.sections import ResumePoint, SectionLimits, next_section, read_context
from server.verification.verification import verify
from storage.conditions import AllOf
from storage.rowbinary import read_rows, uint64, uuid
from storage.schema import RECORD_TABLES
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, OPERATIONAL, Store, batch_row, row
from tests.tamper.test_matrix import copy

LEAF = 250  # in a batch between others
LIMITS = ReadLimits(blocks=BlockLimits(row_bytes=100_000))
LONG = "repeat('x', 200000)"
OTHER_ID = "toUUID('00000000-0000-0000-0000-000000000007')"


def add_long_row(store: Store, **columns: str) -> None:
    table = RECORD_TABLES[OPERATIONAL.stream]
    store.tamper(copy(table, row(OPERATIONAL, LEAF), Body=LONG, **columns))


def check(store: Store, finding: Finding) -> None:
    """Check that a finding is about the batch with the long row, and has a statement that finds this row."""
    batch = store.batch_of(OPERATIONAL, LEAF)
    about = (finding.kind, finding.origin, finding.batch_id, finding.record_count)
    assert about == (Kind.TABLE_ALTERED, OPERATIONAL.origin, batch.batch_id, batch.record_count)
    assert "its records cannot be verified: a row is longer than 100000 bytes" in finding.message
    _, query = finding.message.split("to find the row, run: ")
    ((leaf, _, size),) = read_rows(store.engine.query(query), (uint64, uuid, uint64))
    assert leaf == LEAF
    assert size > LIMITS.blocks.row_bytes


@pytest.mark.parametrize("columns", [{}, {"BatchId": OTHER_ID}], ids=["its batch", "another batch"])
def test_a_row_that_is_too_long_is_one_finding_and_the_rest_is_verified(store: Store, columns: dict[str, str]) -> None:
    add_long_row(store, **columns)
    *steps, summary = verify(store.reader, store.keys, Scope(), LIMITS)
    (finding,) = [step for step in steps if isinstance(step, Finding)]
    check(store, finding)
    assert isinstance(summary, Summary)
    assert summary.mismatched == store.batch_of(OPERATIONAL, LEAF).record_count
    assert summary.records == sum(batches[-1].tree_size for batches in store.batches.values())
    assert (summary.logs, summary.unread) == (2, [])


def test_changes_of_other_batches_and_of_other_logs_are_found_beside_a_row_that_is_too_long(store: Store) -> None:
    add_long_row(store)
    store.tamper(
        f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 7)}",
        f"ALTER TABLE audit_logs UPDATE Body = 'other' WHERE {row(AUDIT, 7)}",
    )
    found = store.findings(limits=LIMITS)
    (long,) = [finding for finding in found if finding.kind is Kind.TABLE_ALTERED]
    check(store, long)
    changed = [(finding.kind, finding.origin, finding.leaf_index) for finding in found if finding is not long]
    assert sorted(changed, key=lambda each: each[1]) == [
        (Kind.RECORD_CHANGED, AUDIT.origin, 7),
        (Kind.RECORD_CHANGED, OPERATIONAL.origin, 7),
    ]


def test_a_signed_record_that_became_too_long_is_the_same_finding(store: Store) -> None:
    store.tamper(f"ALTER TABLE otel_logs UPDATE Body = {LONG} WHERE {row(OPERATIONAL, LEAF)}")
    (finding,) = store.findings(limits=LIMITS)
    check(store, finding)
    assert store.only().kind is Kind.RECORD_CHANGED  # within the limits of verification


def test_the_records_of_a_missing_batch_with_a_row_that_is_too_long_cannot_be_checked(store: Store) -> None:
    store.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(store.batch_of(OPERATIONAL, LEAF))}")
    (finding,) = store.findings(limits=LIMITS)
    assert "these records are all unchanged" in finding.message
    add_long_row(store)
    (finding,) = store.findings(limits=LIMITS)
    assert finding.kind is Kind.BATCH_MISSING
    assert "not all of these records can be checked" in finding.message


@pytest.mark.parametrize("written", ["embedded"], indirect=True)
def test_verification_in_sections_goes_on_after_a_row_that_is_too_long(stated: Stated) -> None:
    add_long_row(stated)
    context = read_context(stated.engine, stated.keys, tuple)
    found: list[Finding] = []
    ends = {}
    for log in context.logs:
        place = ResumePoint()
        while section := next_section(stated.engine, log, place, SectionLimits(leaves=40, batches=2)):
            section_check = SectionCheck(stated.engine, context, section, limits=LIMITS)
            found += section_check.findings()
            place = section_check.place
        ends[log.origin] = place.leaf
    (finding,) = found
    check(stated, finding)
    assert ends == {name.origin: batches[-1].tree_size for name, batches in stated.batches.items()}


def test_a_complete_answer_names_the_batch_with_a_row_that_is_too_long(stated: Stated) -> None:
    add_long_row(stated)
    stated_now = read_context(stated.engine, stated.keys, tuple).stated[OPERATIONAL.log_id]
    checker = CompleteChecker(stated.reader, OPERATIONAL, Expiry(stated_now, 0), AllOf(()))
    checker.limits = LIMITS
    (finding,) = filter(None, checker.check(stated.batches[OPERATIONAL]))
    check(stated, finding)
    batch = stated.batch_of(OPERATIONAL, LEAF)
    left_out = range(batch.first_leaf, batch.tree_size)
    size = stated.batches[OPERATIONAL][-1].tree_size
    assert [found.leaf_index for found in checker.found] == [leaf for leaf in range(size) if leaf not in left_out]

"""Verification that goes on from where it was before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.notary.checkpoint import open_checkpoint
from server.notary.findings import Finding
from server.notary.findings import FindingKind as Kind
from server.notary.origin import LogName
from server.verification.scope import Progress, Scope
from storage.schema import RECORD_TABLES
from tests.tamper.stated import Stated
from tests.tamper.store import AUDIT, OPERATIONAL, batch_row, row

pytestmark = pytest.mark.parametrize("written", ["embedded"], indirect=True)  # nothing of it is the engine's
NAMES = pytest.mark.parametrize("name", [OPERATIONAL, AUDIT], ids=["operational", "audit"])


def resumed(stated: Stated, place: int) -> list[Finding]:
    """Verify both logs from the checkpoint of a batch on."""
    scope = Scope(resume=[open_checkpoint(batches[place].checkpoint)[0] for batches in stated.batches.values()])
    return [step for step in stated.steps(scope) if isinstance(step, Finding)]


def test_an_untouched_store_gives_no_finding_from_any_checkpoint_on(stated: Stated) -> None:
    for place in range(len(stated.batches[AUDIT])):
        assert resumed(stated, place) == []


def test_every_checkpoint_that_progress_offers_is_one_to_resume_from(stated: Stated) -> None:
    offered = [step.checkpoint for step in stated.steps(Scope()) if isinstance(step, Progress)]
    assert offered
    for note in offered:
        scope = Scope(resume=[open_checkpoint(note)[0]])
        assert [step for step in stated.steps(scope) if isinstance(step, Finding)] == []


@NAMES
@pytest.mark.parametrize("place", [1, 4])
def test_tampering_is_found_once_after_the_checkpoint_and_not_looked_at_before(
    stated: Stated, name: LogName, place: int
) -> None:
    batch = stated.batches[name][place]
    table = RECORD_TABLES[name.stream]
    for kind, statement in (
        (Kind.RECORD_CHANGED, f"ALTER TABLE {table} UPDATE Body = '' WHERE {row(name, batch.first_leaf)}"),
        (Kind.RECORD_MISSING, f"ALTER TABLE {table} DELETE WHERE {row(name, batch.tree_size - 1)}"),
        (Kind.BATCH_ALTERED, f"ALTER TABLE log_batches UPDATE RecordCount = 77 WHERE {batch_row(batch)}"),
        (Kind.BATCH_MISSING, f"ALTER TABLE log_batches DELETE WHERE {batch_row(batch)}"),
        (Kind.TILE_ALTERED, f"ALTER TABLE log_tiles DELETE WHERE BatchId = toUUID('{batch.batch_id}')"),
    ):
        stated.tamper(statement)
        assert [(finding.kind, finding.log_id) for finding in resumed(stated, place - 1)] == [(kind, name.log_id)]
        # The last batch of what was verified before is looked at once more: the log must go on from it.
        assert resumed(stated, place + 1) == []
        stated.restore()


@pytest.mark.parametrize("change", ["UPDATE RecordCount = 77", "DELETE"])
def test_a_batch_that_ends_at_the_checkpoint_was_verified_before(stated: Stated, name: LogName, change: str) -> None:
    batches = stated.batches[name]
    stated.tamper(f"ALTER TABLE log_batches {change} WHERE {batch_row(batches[2])}")
    assert resumed(stated, 2) == []
    stated.tamper(f"ALTER TABLE log_batches DELETE WHERE {batch_row(batches[3])}")
    assert [(finding.kind, finding.log_id) for finding in resumed(stated, 2)] == [(Kind.BATCH_MISSING, name.log_id)]


def test_a_log_that_does_not_go_on_from_the_checkpoint_is_forked(stated: Stated, name: LogName) -> None:
    old, other = (open_checkpoint(stated.batches[name][place].checkpoint)[0] for place in (2, 3))
    scope = Scope(resume=[replace(old, root=other.root)])
    found = [(step.kind, step.log_id) for step in stated.steps(scope) if isinstance(step, Finding)]
    assert found == [(Kind.LOG_FORKED, name.log_id)]


def test_a_log_cut_off_before_the_checkpoint_is_truncated(stated: Stated, name: LogName) -> None:
    for batch in stated.batches[name][3:]:
        for table in ("log_batches", RECORD_TABLES[name.stream], "log_tiles"):
            stated.tamper(f"ALTER TABLE {table} DELETE WHERE BatchId = toUUID('{batch.batch_id}')")
    assert [(finding.kind, finding.log_id) for finding in resumed(stated, 5)] == [(Kind.LOG_TRUNCATED, name.log_id)]

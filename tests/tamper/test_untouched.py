from __future__ import annotations

from server.notary.findings import FindingKind
from server.verification.read_limits import ReadLimits
from tests.tamper.store import AUDIT, OPERATIONAL, Store, batch_row, row


def test_an_untouched_store_gives_no_finding(store: Store) -> None:
    assert store.findings() == []


def test_a_store_that_is_read_in_many_parts_gives_the_same(store: Store) -> None:
    limits = ReadLimits(page=2, window=120, window_batches=3, hashed=7, group=50, touched=10)
    assert store.findings(limits=limits) == []
    store.tamper(
        f"ALTER TABLE otel_logs UPDATE Body = 'other' WHERE {row(OPERATIONAL, 305)}",
        f"ALTER TABLE log_batches DELETE WHERE {batch_row(store.batches[OPERATIONAL][1])}",
    )
    changed, missing = sorted(store.findings(limits=limits), key=lambda finding: finding.sequence, reverse=True)
    assert (changed.kind, changed.leaf_index) == (FindingKind.RECORD_CHANGED, 305)
    assert missing.kind is FindingKind.BATCH_MISSING
    assert "unchanged" in missing.message


def test_records_that_were_moved_are_told_as_far_as_they_are_kept_in_mind(store: Store) -> None:
    store.tamper(
        f"ALTER TABLE otel_logs UPDATE LeafIndex = 461 - LeafIndex WHERE LogId = '{OPERATIONAL.log_id}' "
        "AND LeafIndex IN (230, 231)"
    )
    assert [finding.kind for finding in store.findings(limits=ReadLimits(pending=0))] == 2 * [
        FindingKind.RECORD_REORDERED
    ]


def test_an_untouched_store_gives_no_finding_against_any_of_its_checkpoints(store: Store) -> None:
    checkpoints = [batch.checkpoint for name in (AUDIT, OPERATIONAL) for batch in store.batches[name]]
    assert store.findings(*checkpoints) == []

"""Records that were moved between batches or logs, or are of an earlier version, are named."""

from __future__ import annotations

import dataclasses

from harness.bundles import audit_record
from server.notary.batch import Batch, LogState, notarize
from server.notary.canonical import leaf_of
from server.notary.diagnosis import ClaimedRecord, check_records
from server.notary.findings import FindingKind
from server.notary.origin import LogName, Stream
from server.notary.settlement import Stray, Vacancy, settle
from server.notary.signers import Signer
from tests.notary.diagnosed import BATCH, CHANGED, COUNT, FIRST, NO_BATCH, REORDERED, SIGNED, record, stored, stranger


def test_records_of_another_batch_or_leaf_are_not_good_although_their_content_is() -> None:
    for changes in ({"batch_id": NO_BATCH}, {"leaf_index": 7}):
        records = stored()
        records[3] = dataclasses.replace(records[3], **changes)
        assert not check_records(BATCH, records)


def neighbour(log: LogName) -> Batch:
    """Return another batch, of the same or of another log, whose records are strangers."""
    hashes = b"".join(stranger(number) for number in range(COUNT))
    return notarize(LogState(log), hashes, Signer.generate(), min_timestamp=0, max_timestamp=0, ingested_at=0).batch


def test_a_record_moved_to_another_batch_of_its_log_is_reordered_there() -> None:
    other = neighbour(LogName("example.org", Stream.AUDIT, "node-1"))
    moved = ClaimedRecord(other.batch_id, 2, SIGNED[3], b"record")
    vacancies = [Vacancy(BATCH, FIRST + 3, SIGNED[3])]
    (finding,), left = settle(vacancies, [Stray(Stream.AUDIT, other.log_id, moved, other)])
    assert (finding.kind, finding.batch_id, finding.leaf_index, left) == (REORDERED, other.batch_id, 2, [])
    assert f"as leaf {FIRST + 3}, in batch {BATCH.sequence}" in finding.message


def test_a_record_put_under_another_log_is_changed() -> None:
    other = neighbour(LogName("example.org", Stream.AUDIT, "node-2"))
    moved = ClaimedRecord(NO_BATCH, FIRST + 3, SIGNED[3], b"record")
    (finding,), left = settle([Vacancy(BATCH, FIRST + 3, SIGNED[3])], [Stray(Stream.AUDIT, other.log_id, moved)])
    assert (finding.kind, finding.batch_id, finding.leaf_index, left) == (CHANGED, BATCH.batch_id, FIRST + 3, [])
    assert "its LogId was changed" in finding.message


def test_a_record_of_version_1_is_recognised_under_a_batch_of_version_2() -> None:
    now, then = audit_record(1, 2), audit_record(1, 1)
    batch = dataclasses.replace(BATCH, canonical_version=1)
    moved = ClaimedRecord(NO_BATCH, FIRST + 3, leaf_of(now), now)
    (finding,), left = settle([Vacancy(batch, FIRST + 3, leaf_of(then))], [Stray(Stream.AUDIT, BATCH.log_id, moved)])
    assert (finding.kind, finding.leaf_index, left) == (CHANGED, FIRST + 3, [])
    assert "its BatchId was changed" in finding.message


def test_what_cannot_be_read_as_a_record_of_version_1_is_none() -> None:
    batch = dataclasses.replace(BATCH, canonical_version=1)
    stray = Stray(Stream.AUDIT, BATCH.log_id, record(3, stranger(1), NO_BATCH))
    (finding,), left = settle([Vacancy(batch, FIRST + 3, SIGNED[3])], [stray])
    assert (finding.kind, left) == (FindingKind.RECORD_MISSING, [stray])

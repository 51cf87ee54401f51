"""A batch, its records as they were signed, and the diagnosis of other ones."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from server.notary.batch import Batch, LogState, TileFragment, notarize
from server.notary.diagnosis import ClaimedRecord, compare
from server.notary.findings import Finding, FindingKind
from server.notary.merkle import CompactRange
from server.notary.origin import LogName, Stream
from server.notary.settlement import Stray, Vacancy, settle
from server.notary.signers import Signer

CHANGED = FindingKind.RECORD_CHANGED
INSERTED = FindingKind.RECORD_INSERTED
REORDERED = FindingKind.RECORD_REORDERED
DUPLICATED = FindingKind.RECORD_DUPLICATED

FIRST, COUNT = 251, 8  # over the border of a tile
SIGNED = [sha256(b"signed %d" % n).digest() for n in range(COUNT)]
_BEFORE = CompactRange().extend(b"".join(sha256(b"before %d" % n).digest() for n in range(FIRST)))[0]
_NOTARIZED = notarize(
    LogState(LogName("example.org", Stream.AUDIT, "node-1"), 4, _BEFORE),
    b"".join(SIGNED),
    Signer.generate(),
    min_timestamp=0,
    max_timestamp=0,
    ingested_at=0,
)
BATCH: Batch = _NOTARIZED.batch
FRAGMENTS: tuple[TileFragment, ...] = _NOTARIZED.fragments
NO_BATCH = UUID(int=7)


def record(place: int, content: bytes, batch_id: UUID = BATCH.batch_id) -> ClaimedRecord:
    return ClaimedRecord(batch_id, FIRST + place, content, b"record " + content)


def stranger(number: int) -> bytes:
    return sha256(b"stranger %d" % number).digest()


def stored() -> list[ClaimedRecord]:
    return [record(place, content) for place, content in enumerate(SIGNED)]


def diagnose(signed: list[bytes], records: list[ClaimedRecord]) -> list[Finding]:
    """Return the findings about a batch, when nothing else is tampered with."""
    own = [record for record in records if record.batch_id == BATCH.batch_id]
    comparison = compare(BATCH, signed, own)
    vacancies = [Vacancy(BATCH, leaf_index, content) for leaf_index, content in comparison.vacancies.items()]
    strays = [
        Stray(Stream.AUDIT, BATCH.log_id, record, BATCH, is_copy=record.leaf_hash in signed)
        for record in comparison.strays
    ]
    strays += [Stray(Stream.AUDIT, BATCH.log_id, record) for record in records if record.batch_id != BATCH.batch_id]
    findings, unsigned = settle(vacancies, strays)
    assert all(stray.batch is None for stray in unsigned)
    return [*comparison.findings, *findings]

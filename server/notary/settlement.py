"""Explanation of misplaced records: which tampering each one shows.

Checking a batch leaves two things: *vacancies*, leaves whose signed content is not stored there, and
*strays*, stored records that do not match what was signed at their leaf. One act of tampering makes at most
one of each, possibly in different batches or logs. Matching them reports it once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from server.notary.batch import Batch
from server.notary.canonical import leaf_of
from server.notary.diagnosis import ClaimedRecord, record_finding
from server.notary.errors import MalformedError
from server.notary.findings import Finding, FindingKind
from server.notary.origin import Stream
from server.notary.record_forms import in_version

__all__ = ["Stray", "Vacancy", "settle", "settle_placed"]


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A leaf whose signed record is not stored."""

    batch: Batch
    leaf_index: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Stray:
    """A stored record that does not match what was signed at the leaf it claims.

    Attributes:
        stream: stream of the table in which it is stored.
        log_id: the log it names.
        record: the record, with the batch and the leaf it names.
        batch: the batch it names, None if there is no such batch.
        is_copy: True if its content was signed with that batch.
    """

    stream: Stream
    log_id: str
    record: ClaimedRecord
    batch: Batch | None = None
    is_copy: bool = False


def settle(vacancies: Sequence[Vacancy], strays: Sequence[Stray]) -> tuple[list[Finding], list[Stray]]:
    """Match vacancies and strays, and return the findings.

    Args:
        vacancies: the leaves whose records are missing.
        strays: the records that are out of place.

    Returns:
        The findings, and the strays that name no batch and match no vacancy: they were never signed.
    """
    matching = _Matching(vacancies, strays)
    findings = [*_within_their_logs(matching)]
    for stray, vacancy in matching.take(
        lambda vacancy: vacancy.leaf_hash,
        lambda stray: stray.record.leaf_hash,
    ):
        findings.append(_changed(vacancy, stray, "its LogId was changed"))
    findings += _in_place(matching)
    findings += _missing(matching.vacancies)
    for stray in matching.strays:
        if stray.batch is not None:
            findings.append(_added(stray.batch, stray))
    return findings, [stray for stray in matching.strays if stray.batch is None]


def settle_placed(
    vacancies: Sequence[Vacancy], strays: Sequence[Stray]
) -> tuple[list[Finding], list[Vacancy], list[Stray]]:
    """Match vacancies and strays as far as records of other logs, and of no batch, are not needed for it.

    Returns:
        The findings, and the vacancies and strays that are left for ``settle``.
    """
    matching = _Matching(vacancies, strays)
    findings = [*_within_their_logs(matching), *_in_place(matching)]
    return findings, matching.vacancies, matching.strays


def _within_their_logs(matching: _Matching) -> Iterator[Finding]:
    """Match records that are in another place of their log."""
    for stray, vacancy in matching.take(_content_and_place, _own_content_and_place):
        yield _changed(vacancy, stray, "its BatchId was changed")
    # The nearest place counts: content may have been signed more than once.
    for stray, vacancy in matching.take(
        lambda vacancy: (vacancy.leaf_hash, vacancy.batch.batch_id),
        lambda stray: (stray.record.leaf_hash, stray.record.batch_id) if stray.batch else None,
    ):
        yield _reordered(vacancy, stray)
    for stray, vacancy in matching.take(
        lambda vacancy: (vacancy.leaf_hash, vacancy.batch.log_id),
        lambda stray: (stray.record.leaf_hash, stray.log_id),
    ):
        yield _reordered(vacancy, stray)


def _in_place(matching: _Matching) -> Iterator[Finding]:
    """Match records that are in their place and have other content."""
    for stray, vacancy in matching.take(
        lambda vacancy: (vacancy.batch.batch_id, vacancy.leaf_index),
        lambda stray: (stray.record.batch_id, stray.record.leaf_index) if stray.batch else None,
    ):
        yield _changed(vacancy, stray, "content does not match what was signed")


class _Matching:
    """Vacancies and strays that are not matched yet."""

    def __init__(self, vacancies: Sequence[Vacancy], strays: Sequence[Stray]) -> None:
        self.vacancies = list(vacancies)
        # A record of new content rather takes the place it claims than a copy does.
        self.strays = sorted(
            _in_signed_versions(vacancies, strays),
            key=lambda stray: (stray.is_copy, stray.log_id, stray.record.leaf_index),
        )

    def take(
        self, key_of_vacancy: Callable[[Vacancy], Hashable], key_of_stray: Callable[[Stray], Hashable | None]
    ) -> Iterator[tuple[Stray, Vacancy]]:
        """Yield and remove pairs that have a key in common; a stray without a key (None) has no match."""
        waiting: defaultdict[Hashable, list[Vacancy]] = defaultdict(list)
        for vacancy in reversed(self.vacancies):
            waiting[key_of_vacancy(vacancy)].append(vacancy)
        left = []
        pairs = []
        for stray in self.strays:
            key = key_of_stray(stray)
            if key is not None and waiting.get(key):
                pairs.append((stray, waiting[key].pop()))
            else:
                left.append(stray)
        filled = {id(vacancy) for _, vacancy in pairs}
        self.strays = left
        self.vacancies = [vacancy for vacancy in self.vacancies if id(vacancy) not in filled]
        yield from pairs


def _in_signed_versions(vacancies: Sequence[Vacancy], strays: Sequence[Stray]) -> Iterator[Stray]:
    """Yield strays, each hashed in the version in which a vacancy was signed with it, if there is one."""
    signed = {vacancy.leaf_hash for vacancy in vacancies}
    versions = sorted({vacancy.batch.canonical_version for vacancy in vacancies})
    for stray in strays:
        forms = versions if stray.record.leaf_hash not in signed else ()
        hashes = (_leaf_in(stray, version) for version in forms)
        found = next((leaf_hash for leaf_hash in hashes if leaf_hash in signed), stray.record.leaf_hash)
        yield replace(stray, record=replace(stray.record, leaf_hash=found))


def _leaf_in(stray: Stray, version: int) -> bytes:
    try:
        return leaf_of(in_version(stray.stream, stray.record.record, version)[0])
    except MalformedError:
        return stray.record.leaf_hash


def _content_and_place(vacancy: Vacancy) -> Hashable:
    return vacancy.leaf_hash, vacancy.batch.log_id, vacancy.leaf_index


def _own_content_and_place(stray: Stray) -> Hashable:
    return stray.record.leaf_hash, stray.log_id, stray.record.leaf_index


def _changed(vacancy: Vacancy, stray: Stray, what: str) -> Finding:
    return record_finding(FindingKind.RECORD_CHANGED, vacancy.batch, vacancy.leaf_index, what, stray.record)


def _reordered(vacancy: Vacancy, stray: Stray) -> Finding:
    named = stray.batch or vacancy.batch
    what = f"it was signed as leaf {vacancy.leaf_index}"
    if named != vacancy.batch:
        what += f", in batch {vacancy.batch.sequence}"
    return record_finding(FindingKind.RECORD_REORDERED, named, stray.record.leaf_index, what, stray.record)


def _added(batch: Batch, stray: Stray) -> Finding:
    kind, what = (
        (FindingKind.RECORD_DUPLICATED, "it is stored more than once")
        if stray.is_copy
        else (FindingKind.RECORD_INSERTED, "it was not signed with this batch")
    )
    return record_finding(kind, batch, stray.record.leaf_index, what, stray.record)


def _missing(vacancies: Sequence[Vacancy]) -> Iterator[Finding]:
    by_batch: defaultdict[Batch, list[Vacancy]] = defaultdict(list)
    for vacancy in vacancies:
        by_batch[vacancy.batch].append(vacancy)
    for batch, gone in by_batch.items():
        if 1 < len(gone) == batch.record_count:
            yield Finding(
                FindingKind.RECORD_MISSING,
                f"batch {batch.sequence} of {batch.origin}: none of its {len(gone)} records, {batch.first_leaf} to "
                f"{batch.tree_size - 1}, is stored",
                log_id=batch.log_id,
                origin=batch.origin,
                batch_id=batch.batch_id,
                sequence=batch.sequence,
                record_count=len(gone),
            )
            continue
        for vacancy in gone:
            what = "it was signed, but is not stored"
            yield record_finding(FindingKind.RECORD_MISSING, batch, vacancy.leaf_index, what, None)

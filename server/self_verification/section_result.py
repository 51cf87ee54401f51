"""Verification of one section of storage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from server.notary.findings import Finding
from server.self_verification.finding_ledger import Notice, notice_of
from server.verification.definition_check import check_definitions
from server.verification.lookup_check import Lookups
from server.verification.section_check import SectionCheck, check_outside
from server.verification.sections import ResumePoint, Section, VerificationContext
from storage.engine import Engine

__all__ = ["SectionResult", "verify_section", "verify_tables"]

_MOST = 20_000  # notices that are kept, more than are reported


@dataclass(frozen=True, slots=True)
class SectionResult:
    """Result of verifying a section.

    Attributes:
        found: findings, by key.
        place: beginning of the next section.
        batches: number of batches verified.
        records: number of records verified.
        expired: number of records that retention has dropped.
    """

    found: dict[str, Notice]
    place: ResumePoint
    batches: int = 0
    records: int = 0
    expired: int = 0


def verify_tables(engine: Engine) -> dict[str, Notice]:
    """Return the notices, by key, of the differences of tables from what migrations make; raises StorageError."""
    return _notices(check_definitions(engine), None)


def verify_section(
    engine: Engine, context: VerificationContext, section: Section | None, lookups: Lookups | None = None
) -> SectionResult:
    """Verify a section or, if none is given, what lies outside all sections.

    Args:
        engine: the storage.
        context: context of the pass.
        section: the section.
        lookups: records of it that are looked up as answers look them up; None for others each time.

    Raises:
        StorageError: storage cannot be read.
    """
    if section is None:
        return SectionResult(_notices(check_outside(engine, context), None), ResumePoint())
    check = SectionCheck(engine, context, section, lookups)
    found = _notices(check.findings(), (section.place.leaf, section.end - 1))
    return SectionResult(found, check.place, check.batches, check.records, check.expired)


def _notices(findings: Iterator[Finding], leaves: tuple[int, int] | None) -> dict[str, Notice]:
    found: dict[str, Notice] = {}
    for finding in findings:
        notice = notice_of(finding, leaves)
        if len(found) < _MOST:
            found[notice.key] = notice
    return found

"""Looking at one section of what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from server.notary.findings import Finding
from server.self_verification.finding_ledger import Notice, notice_of
from server.verification.section_check import SectionCheck, check_outside
from server.verification.sections import Ground, Place, Section
from storage.engine import Engine

__all__ = ["Look", "look"]

_MOST = 20_000  # notices that are kept, more than are told


@dataclass(frozen=True, slots=True)
class Look:
    """What came of it.

    Attributes:
        found: by key.
        place: where the next section begins.
        batches: how many were verified.
        records: likewise.
    """

    found: dict[str, Notice]
    place: Place
    batches: int = 0
    records: int = 0


def look(engine: Engine, ground: Ground, section: Section | None) -> Look:
    """Verify a section, or, where none is given, what lies in none.

    Raises:
        StorageError: storage cannot be read.
    """
    if section is None:
        return Look(_notices(check_outside(engine, ground), None), Place())
    check = SectionCheck(engine, ground, section)
    found = _notices(check.findings(), (section.place.leaf, section.end - 1))
    return Look(found, check.place, check.batches, check.records)


def _notices(findings: Iterator[Finding], leaves: tuple[int, int] | None) -> dict[str, Notice]:
    found: dict[str, Notice] = {}
    for finding in findings:
        notice = notice_of(finding, leaves)
        if len(found) < _MOST:
            found[notice.key] = notice
    return found

"""The decision about a claim: what all rows of an id say to the process that has just claimed it.

A claim's row is stored before all rows of the id are read. So of two claims, the one whose row is stored last sees the
other; if each sees the other, both withdraw. A claim of another writer is open until that writer says otherwise: the
record may be in its journal, however long ago it was claimed. Of an earlier process of the same writer nothing is on
its way any more once the journal is stored, so its claims are settled by what the log has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from storage.audit_ids import IdRow, IdState, StoredPlace

__all__ = ["Claimant", "Standing", "ended", "newest", "standing_of"]


@dataclass(frozen=True, slots=True)
class Claimant:
    """A process that claims ids.

    Attributes:
        origin: log of its writer.
        instance: identifier of its start.
        tenant: the tenant whose ids it claims.
    """

    origin: str
    instance: UUID
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """State of an id, for a process that has claimed it.

    Attributes:
        stored: row of the stored record, if there is one.
        elsewhere: origins of other writers with open claims.
        earlier: open claims of earlier processes of this writer.
    """

    stored: IdRow | None = None
    elsewhere: tuple[str, ...] = ()
    earlier: tuple[IdRow, ...] = ()


def newest(rows: Iterable[IdRow]) -> list[IdRow]:
    """Return the row of each claim that counts, without links."""
    claims: dict[tuple[UUID, UUID], IdRow] = {}
    for row in rows:
        key = row.record_id, row.claim_id
        if row.state is not IdState.LINK and (key not in claims or claims[key].state < row.state):
            claims[key] = row
    return list(claims.values())


def standing_of(rows: Iterable[IdRow], me: Claimant) -> dict[UUID, Standing]:
    """Return the state of ids.

    Open claims of this very process do not count: it knows itself which of them are on their way.

    Args:
        rows: all rows of the ids.
        me: the process that has claimed them.
    """
    by_id: defaultdict[UUID, list[IdRow]] = defaultdict(list)
    for row in newest(rows):
        by_id[row.record_id].append(row)
    return {record_id: _standing(claims, me) for record_id, claims in by_id.items()}


def _standing(claims: list[IdRow], me: Claimant) -> Standing:
    stored = [claim for claim in claims if claim.state is IdState.STORED]
    if stored:
        return Standing(min(stored, key=lambda claim: (claim.ingested_at, claim.claim_id)))
    still_open = [claim for claim in claims if claim.state is IdState.CLAIMED and claim.instance != me.instance]
    elsewhere = sorted({claim.origin for claim in still_open if claim.origin != me.origin})
    return Standing(None, tuple(elsewhere), tuple(claim for claim in still_open if claim.origin == me.origin))


def ended(claims: Sequence[IdRow], places: Mapping[tuple[UUID, bytes], StoredPlace]) -> Iterator[IdRow]:
    """Yield the rows that end open claims: of those of a record, the last one before its receipt is the record's.

    Args:
        claims: the claims in the order of their times, of which nothing is on its way any more.
        places: where the writer's log has records, by id and digest.
    """
    last: dict[tuple[UUID, bytes], UUID] = {}
    for claim in claims:
        record = claim.record_id, claim.digest
        if record in places and claim.claimed_at * 10**6 <= places[record].ingested_at:
            last[record] = claim.claim_id
    for claim in claims:
        record = claim.record_id, claim.digest
        if last.get(record) == claim.claim_id:
            place = places[record]
            yield replace(claim, state=IdState.STORED, leaf_index=place.leaf_index, ingested_at=place.ingested_at)
        else:
            yield replace(claim, state=IdState.RELEASED)

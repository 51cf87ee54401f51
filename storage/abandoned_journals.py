"""Marks of journals that were given up: rows of ``audit_record_ids`` under an id that no record of the writer has.

Whoever gives up the journal of a writer releases the claims of ids that the writer left open, so that others may store
their records. A mark says so, and lasts as long as ids are remembered.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from uuid import UUID, uuid4

from storage.audit_ids import IdRow, IdState, insert_ids, link_id, read_ids
from storage.engine import Engine

__all__ = ["mark_abandoned", "read_abandoned"]


def mark_abandoned(engine: Engine, origin: str, now: int) -> None:
    """Mark the journal of an audit log as given up.

    Args:
        engine: the storage.
        origin: the log.
        now: the time in milliseconds since the epoch.

    Raises:
        StorageError: the mark may not be stored.
    """
    digest = _digest(origin)
    insert_ids(engine, [IdRow(link_id(digest), uuid4(), IdState.RELEASED, digest, origin, UUID(int=0), now)])


def read_abandoned(engine: Engine, origins: Collection[str]) -> dict[str, frozenset[UUID]]:
    """Return the identifiers of the marks of each of some logs.

    Raises:
        StorageError: storage cannot be read.
    """
    digests = {_digest(origin): origin for origin in origins}
    marks: dict[str, set[UUID]] = {origin: set() for origin in origins}
    for row in read_ids(engine, [link_id(digest) for digest in digests]):
        if row.digest in digests and row.state is IdState.RELEASED and row.record_id == link_id(row.digest):
            marks[digests[row.digest]].add(row.claim_id)
    return {origin: frozenset(found) for origin, found in marks.items()}


def _digest(origin: str) -> bytes:
    return sha256(f"lognotary/abandoned-journal/v1 {origin}".encode()).digest()

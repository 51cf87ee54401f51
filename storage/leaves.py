"""Queries for records in the order of a log's leaves."""

from __future__ import annotations

from storage.engine import Engine
from storage.records import Lookup
from storage.stored_records import StoredRecord, select_records

__all__ = ["select_leaves"]

_MOST_OF_A_LEAF = 3  # rows: more can only be copies, or what somebody inserted


def select_leaves(engine: Engine, lookup: Lookup, leaves: int) -> list[StoredRecord]:
    """Return the rows of a lookup of one log in the order of the leaves that they claim, at most three of each.

    Args:
        engine: the storage.
        lookup: the rows; its direction is about leaves here.
        leaves: number of different leaves, at most.

    Raises:
        StorageError: storage cannot be read.
    """
    direction = " DESC" if lookup.latest_first else ""
    where = (
        f"{lookup.condition} ORDER BY LeafIndex{direction}, BatchId LIMIT {_MOST_OF_A_LEAF} BY LeafIndex "
        "LIMIT {limit:UInt64}"
    )
    parameters = {**lookup.parameters, "limit": leaves * _MOST_OF_A_LEAF}
    found: list[StoredRecord] = []
    seen: set[int] = set()
    for row in select_records(engine, lookup.stream, where, parameters):
        seen.add(row.leaf_index)
        if len(seen) > leaves:
            break
        found.append(row)
    return found

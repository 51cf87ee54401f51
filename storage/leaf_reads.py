"""Reads of all rows of a lookup, log by log in the order of leaves: for answers of any size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.notary.canonical import leaf_of
from storage.engine import Engine
from storage.records import Lookup, leaf_expression
from storage.rowbinary import read_rows, text, uint64
from storage.schema import RECORD_TABLES
from storage.stored_records import StoredRecord, select_records

__all__ = ["ClaimedLeaves", "Claims", "find_claims", "read_leaves"]

_PLACE = "LeafIndex, BatchId, Leaf"
_OUTSIDE, _LATER = "", ">"  # no log has these IDs


@dataclass(frozen=True, slots=True)
class ClaimedLeaves:
    """Leaves of a log that rows of a lookup claim.

    Attributes:
        first: the first leaf.
        end: the leaf after the last one.
        rows: number of the rows.
    """

    first: int
    end: int
    rows: int


@dataclass(frozen=True, slots=True)
class Claims:
    """Leaves that rows of a lookup claim.

    Attributes:
        logs: LogId -> the leaves.
        outside: number of the rows that name none of the logs.
        later: number of the rows that claim leaves beyond those of the logs.
    """

    logs: dict[str, ClaimedLeaves]
    outside: int = 0
    later: int = 0


def find_claims(engine: Engine, lookup: Lookup, sizes: Mapping[str, int]) -> Claims:
    """Find which leaves of logs the rows of a lookup claim.

    Args:
        engine: the storage.
        lookup: the rows.
        sizes: LogId -> number of leaves of the log that are looked at.

    Raises:
        StorageError: storage cannot be read.
    """
    parameters: dict[str, object] = {**lookup.parameters}
    size = "toUInt64(0)"
    if sizes:
        size = "transform(toString(LogId), {exported_logs:Array(String)}, {exported_sizes:Array(UInt64)}, toUInt64(0))"
        parameters |= {"exported_logs": list(sizes), "exported_sizes": list(sizes.values())}
    rows = engine.query(
        f"SELECT multiIf(LeafIndex < {size}, toString(LogId), {size} > 0, '{_LATER}', '{_OUTSIDE}') AS Log, "
        f"min(LeafIndex), max(LeafIndex), count() "
        f"FROM {RECORD_TABLES[lookup.stream]} WHERE {lookup.condition} GROUP BY Log",
        parameters,
    )
    found = {
        log_id: ClaimedLeaves(first, last + 1, count)
        for log_id, first, last, count in read_rows(rows, (text, uint64, uint64, uint64))
    }
    none = ClaimedLeaves(0, 0, 0)
    outside, later = found.pop(_OUTSIDE, none).rows, found.pop(_LATER, none).rows
    return Claims(found, outside, later)


def read_leaves(
    engine: Engine, lookup: Lookup, log_id: str, first: int, end: int, limit: int, after: StoredRecord | None = None
) -> list[StoredRecord]:
    """Return the first rows of a lookup that claim leaves in [first, end) of a log, in their order; of equal rows two.

    Args:
        engine: the storage.
        lookup: the rows.
        log_id: the log.
        first: the first leaf.
        end: the leaf after the last one.
        limit: number of rows, at most.
        after: the row after which they begin.

    Raises:
        StorageError: storage cannot be read.
    """
    conditions = [
        lookup.condition,
        f"LogId = {{exported_log:String}} AND LeafIndex >= {int(first)} AND LeafIndex < {int(end)}",
    ]
    parameters: dict[str, object] = {**lookup.parameters, "exported_log": log_id}
    if after is not None:
        conditions.append(
            f"({_PLACE}) > "
            f"({after.leaf_index}, {{exported_batch:UUID}}, toFixedString(unhex({{exported_hash:String}}), 32))"
        )
        parameters |= {"exported_batch": str(after.batch_id), "exported_hash": leaf_of(after.canonical).hex()}
    where = f"{' AND '.join(conditions)} ORDER BY {_PLACE} LIMIT 2 BY {_PLACE} LIMIT {int(limit)}"
    alias = f"{leaf_expression(lookup.stream)} AS Leaf"
    return list(select_records(engine, lookup.stream, where, parameters, alias=alias))

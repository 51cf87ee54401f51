"""Inventory of the rows of records: grouped by the log and batch that they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from server.notary.origin import Stream
from storage.engine import Engine
from storage.errors import InconsistentAnswerError
from storage.inventory import Leaves, uncommitted
from storage.read_settings import FULL_SCAN
from storage.rowbinary import int64, read_one, read_rows, text, uint64, uuid
from storage.schema import RECORD_TABLES

__all__ = [
    "RecordGroup",
    "RecordGroups",
    "read_all_record_groups",
    "read_record_groups",
    "read_record_groups_outside",
]

_ATTEMPTS = 3  # to read groups of rows that agree with the number of rows
_IS_COMMITTED = "(log, BatchId) IN (SELECT toValidUTF8(LogId), BatchId FROM log_batches)"


@dataclass(frozen=True, slots=True)
class RecordGroup:
    """The rows of one table that name the same log and batch.

    Times are nanoseconds since the epoch.

    Attributes:
        log_id: the log.
        batch_id: the batch.
        count: number of rows.
        min_leaf: the lowest leaf that the rows claim.
        max_leaf: the highest leaf that the rows claim.
        newest: the latest IngestedAt of the rows.
        min_timestamp: the earliest Timestamp of the rows.
        max_timestamp: the latest Timestamp of the rows.
    """

    log_id: str
    batch_id: UUID
    count: int
    min_leaf: int
    max_leaf: int
    newest: int
    min_timestamp: int
    max_timestamp: int


@dataclass(frozen=True, slots=True)
class RecordGroups:
    """The rows of one table, grouped by the log and batch that they name.

    Attributes:
        groups: the groups that name a batch with a row in ``log_batches``, and some of the others.
        unlisted: number of rows in further groups, which name no batch with a row in ``log_batches``.
    """

    groups: Sequence[RecordGroup] = ()
    unlisted: int = 0


def read_record_groups(engine: Engine, stream: Stream, within: Leaves) -> RecordGroups:
    """Group the rows of a table that claim some leaves of a log by the batch that they name.

    Indexes say where these rows are: a log has many parts, each of which would otherwise read the whole table.
    """
    where = f"LogId = '{within.log_id}' AND LeafIndex >= {within.first} AND LeafIndex < {within.end}"
    return RecordGroups(_record_groups(engine, stream, where, "ORDER BY log, BatchId", settings={}))


def read_all_record_groups(engine: Engine, stream: Stream, most: int) -> RecordGroups:
    """Group all rows of a table by the log and batch that they name.

    The groups are complete: together they have as many rows as the table.

    Args:
        engine: the storage.
        stream: stream of the table.
        most: maximum number of groups that name no batch with a row in ``log_batches``.

    Raises:
        InconsistentAnswerError: the groups do not have as many rows as the table.
    """
    for _ in range(_ATTEMPTS):
        before = _count(engine, stream)
        batches = read_one(engine.query("SELECT count() FROM log_batches", settings=FULL_SCAN), uint64)
        order = f"ORDER BY {_IS_COMMITTED} DESC, log, BatchId LIMIT {batches + most + 1}"
        groups = _record_groups(engine, stream, "1", order)
        grouped = sum(group.count for group in groups)
        unlisted = 0
        if len(groups) > batches + most:
            # Batches may have been committed meanwhile: how many groups are junk is counted anew.
            unlisted = max(0, _count(engine, stream) - grouped)
        # Rows may have come meanwhile, and retention may have dropped some.
        if before <= grouped + unlisted <= (after := _count(engine, stream)) or after < before:
            return RecordGroups(groups, unlisted)
    raise InconsistentAnswerError(
        f"storage does not give the same answer about {RECORD_TABLES[stream]} twice: it counts {before} rows, and "
        f"{grouped} rows by batch"
    )


def read_record_groups_outside(engine: Engine, stream: Stream, after: Mapping[str, int], most: int) -> RecordGroups:
    """Group the rows of a table that claim no leaf of the known logs, and name no batch that was committed since.

    Args:
        engine: the storage.
        stream: stream of the table.
        after: LogId -> number of entries, of each known log.
        most: maximum number of groups.
    """
    where = f"1 {_beyond('LeafIndex', after)} {uncommitted(after)}"
    groups = _record_groups(engine, stream, where, f"ORDER BY log, BatchId LIMIT {most + 1}")
    unlisted = 0
    if len(groups) > most:
        rows = engine.query(f"SELECT count() FROM {RECORD_TABLES[stream]} WHERE {where}", settings=FULL_SCAN)
        unlisted = max(0, read_one(rows, uint64) - sum(group.count for group in groups))
    return RecordGroups(groups, unlisted)


def _record_groups(
    engine: Engine, stream: Stream, where: str, order: str, *, settings: Mapping[str, str | int] = FULL_SCAN
) -> list[RecordGroup]:
    # Invalid UTF-8 in a LogId becomes U+FFFD, as in ``toValidUTF8``: queries can find the rows by that name. The
    # columns may have been given other types.
    rows = engine.query(
        "SELECT toValidUTF8(LogId) AS log, BatchId, count(), toUInt64(min(LeafIndex)), toUInt64(max(LeafIndex)), "
        "max(IngestedAt), min(Timestamp), max(Timestamp) "
        f"FROM {RECORD_TABLES[stream]} WHERE {where} GROUP BY log, BatchId {order}",
        settings=settings,
    )
    readers = (text, uuid, uint64, uint64, uint64, int64, int64, int64)
    return [RecordGroup(*row) for row in read_rows(rows, readers)]


def _count(engine: Engine, stream: Stream) -> int:
    return int(read_one(engine.query(f"SELECT count() FROM {RECORD_TABLES[stream]}", settings=FULL_SCAN), uint64))


def _beyond(leaf: str, after: Mapping[str, int]) -> str:
    return "".join(f" AND NOT (LogId = '{log_id}' AND {leaf} < {size})" for log_id, size in after.items())

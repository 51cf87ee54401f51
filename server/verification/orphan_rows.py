"""Orphan rows: rows of no committed batch, left behind by a crash, moved, or written by others."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from server.notary.findings import Finding, FindingKind
from server.notary.origin import Stream
from server.notary.settlement import Stray
from server.verification.record_check import Pending, claim_of
from storage.engine import Engine
from storage.evidence import read_batches_of_leaves, select_records
from storage.inventory import RecordGroup, TileGroup

__all__ = ["OrphanRows", "orphan_tiles"]

_LISTED = 100  # records of one group that are looked at one by one
_IN_FLIGHT = 3.0  # seconds that may lie between a batch's records and the row that commits it
_RECENT = 60 * 10**9  # nanoseconds for which a batch may still be on its way, by its records' IngestedAt


class OrphanRows:
    """Records of no committed batch."""

    def __init__(self, engine: Engine, pending: Pending) -> None:
        """Create an empty collection; ``pending`` receives the rows as strays."""
        self._engine = engine
        self._pending = pending
        self._groups: list[tuple[Stream, RecordGroup]] = []
        self._deadline = time.monotonic() + _IN_FLIGHT
        self._began = time.time_ns()

    def find(
        self,
        groups: Mapping[Stream, Iterable[RecordGroup]],
        streams: Mapping[str, Stream],
        known_ids: Mapping[str, set[UUID]],
        explained: Mapping[str, Sequence[tuple[int, int]]],
    ) -> Iterator[Finding]:
        """Find the records of no committed batch, and report them.

        Args:
            groups: the groups of rows in each stream's table.
            streams: the stream of each known log, by LogId.
            known_ids: the verified batches of each log, by LogId.
            explained: ranges of leaves whose records need no finding of their own, by LogId.
        """
        for stream, rows in groups.items():
            for group in rows:
                at_home = streams.get(group.log_id, stream) is stream  # and not in the other stream's table
                known = group.batch_id in known_ids.get(group.log_id, ()) or _is_explained(group, explained)
                if not (at_home and (known or self._is_committed(group))):
                    self._add(stream, group)
        yield from self._settle()

    def _add(self, stream: Stream, group: RecordGroup) -> None:
        self._groups.append((stream, group))
        limit = _LISTED + len(self._pending.vacancies) if self._pending.vacancies else 1
        # LogId may have been altered to bytes that are not text: see read_record_groups.
        named = "toValidUTF8(LogId) = {log:String} AND BatchId = {batch:UUID} ORDER BY LeafIndex LIMIT {limit:UInt64}"
        parameters = {"log": group.log_id, "batch": str(group.batch_id), "limit": limit}
        for stored in select_records(self._engine, stream, named, parameters):
            self._pending.strays.append(Stray(stream, group.log_id, claim_of(stored)))

    def _settle(self) -> Iterator[Finding]:
        """Settle everything pending, and report how many records were never signed."""
        listed = Counter(map(_key, self._pending.strays))
        findings, unsigned = self._pending.settle()
        yield from findings
        left = Counter(map(_key, unsigned))
        first = {_key(stray): stray for stray in reversed(unsigned)}
        for stream, group in self._groups:
            key = (stream, group.log_id, group.batch_id)
            count = group.count - (listed[key] - left[key])
            if count:
                yield _unsigned(stream, group, count, first.get(key))

    def _is_committed(self, group: RecordGroup) -> bool:
        """Return whether an unverified batch is committed or about to be; waits a while for the latter."""
        recent = group.newest > self._began - _RECENT
        while group.log_id:
            batches = read_batches_of_leaves(self._engine, group.log_id, [group.min_leaf, group.max_leaf])
            if any(batch.batch_id == group.batch_id for batch in batches):
                return True
            if not recent or time.monotonic() >= self._deadline:
                return False
            time.sleep(0.1)
        return False


def _is_explained(group: RecordGroup, explained: Mapping[str, Sequence[tuple[int, int]]]) -> bool:
    return any(first <= group.min_leaf and group.max_leaf < end for first, end in explained.get(group.log_id, ()))


def _key(stray: Stray) -> tuple[Stream, str, UUID]:
    return stray.stream, stray.log_id, stray.record.batch_id


def _unsigned(stream: Stream, group: RecordGroup, count: int, first: Stray | None) -> Finding:
    where = f"log {group.log_id}, batch {group.batch_id}" if group.log_id else "no log"
    return Finding(
        FindingKind.RECORDS_UNSIGNED,
        f"{count} {stream.value} record(s) name {where}, which is not committed with them: waiting in the server's "
        "journal, left behind by a crash, or not written by Lognotary",
        log_id=group.log_id,
        batch_id=group.batch_id,
        leaf_index=first.record.leaf_index if first and group.log_id else None,
        record=first.record.record if first else None,
        record_count=count,
    )


def orphan_tiles(
    tiles: Sequence[TileGroup],
    known_ids: Mapping[str, set[UUID]],
    recorded: set[tuple[str, UUID]],
    explained: Mapping[str, Sequence[tuple[int, int]]],
    altered_ids: set[UUID],
) -> Iterator[Finding]:
    """Report hashes in ``log_tiles`` that no batch added.

    Args:
        tiles: the groups of rows.
        known_ids: the batch IDs of each log.
        recorded: logs and batches that records name: the hashes of an uncommitted batch are not a
            finding in addition to its records.
        explained: ranges of leaves whose hashes are already reported as altered, by log.
        altered_ids: batches whose hashes are already reported as altered.
    """
    for group in tiles:
        if (
            group.batch_id in known_ids.get(group.log_id, ())
            or (group.log_id, group.batch_id) in recorded
            or group.batch_id in altered_ids
            # Hashes of higher levels may begin before the batch that completed them, and end in it.
            or any(first <= group.last_leaf < end for first, end in explained.get(group.log_id, ()))
        ):
            continue
        yield Finding(
            FindingKind.TILE_ALTERED,
            f"{group.count} row(s) of log_tiles for the leaves {group.first_leaf} to {group.last_leaf} name log "
            f"{group.log_id}, batch {group.batch_id}, which did not write them: they were added, or the batch and "
            "its records were deleted",
            log_id=group.log_id,
            batch_id=group.batch_id,
        )

"""Orphan rows: rows of no committed batch, left behind by a crash, moved, or written by others.

Anyone who may insert into the tables can make any number of such rows. So they are handled in groups, with a bounded
number of queries: some are told one by one, the others are counted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from server.notary.batch import Batch
from server.notary.canonical import CANONICAL_VERSION
from server.notary.chain import check_batch
from server.notary.counted import counted
from server.notary.findings import Finding, FindingKind
from server.notary.origin import Stream
from server.notary.settlement import Stray
from server.notary.trust import TrustedKeys
from server.verification.claimed_records import claim_of
from server.verification.leaf_ranges import LeafRanges
from server.verification.record_check import Pending
from storage.engine import Engine
from storage.evidence import read_batches_of_ids
from storage.inventory import TileGroup
from storage.record_groups import RecordGroup, RecordGroups
from storage.stored_records import claims_nothing, select_strays

__all__ = ["OrphanRows", "orphan_tiles"]

_LISTED = 100  # groups that are told one by one, and records of one group that are looked at one by one
_PER_QUERY = 500  # groups whose records or batches are read at once
_IN_FLIGHT = 3.0  # seconds that may lie between a batch's records and the row that commits it
_RECENT = 60 * 10**9  # nanoseconds for which a batch may still be on its way, by its records' IngestedAt

_Orphan = tuple[Stream, RecordGroup]
_Item = TypeVar("_Item")


class OrphanRows:
    """Records of no committed batch."""

    def __init__(self, engine: Engine, keys: TrustedKeys, pending: Pending) -> None:
        """Create an empty collection.

        Args:
            engine: the storage.
            keys: trusted public keys, which decide what is committed.
            pending: receives the rows as strays.
        """
        self._engine = engine
        self._keys = keys
        self._pending = pending
        self._deadline = time.monotonic() + _IN_FLIGHT
        self._began = time.time_ns()

    def find(
        self,
        groups: Mapping[Stream, RecordGroups],
        streams: Mapping[str, Stream],
        known_ids: Mapping[str, set[UUID]],
        explained: Mapping[str, Sequence[tuple[int, int]]],
        recheck: Callable[[Batch], Iterator[Finding]] | None = None,
    ) -> Iterator[Finding]:
        """Find the records of no committed batch, and report them.

        Args:
            groups: the groups of rows in each stream's table.
            streams: the stream of each known log, by LogId.
            known_ids: the verified batches of each log, by LogId.
            explained: ranges of leaves whose records need no finding of their own, by LogId.
            recheck: verifies the records of a committed batch that was not verified, of which there are more rows than
                it has records, or rows that claim leaves outside of it; None to report these rows.
        """
        unknown: list[_Orphan] = []
        ranges = _by_log(explained)
        for stream, rows in groups.items():
            for group in rows.groups:
                at_home = streams.get(group.log_id, stream) is stream  # and not in the other stream's table
                known = group.batch_id in known_ids.get(group.log_id, ()) or (
                    group.log_id in ranges and ranges[group.log_id].cover(group.min_leaf, group.max_leaf)
                )
                if not (at_home and known):
                    unknown.append((stream, group))
        if len(unknown) > _LISTED or any(rows.unlisted for rows in groups.values()):
            # Reading so many rows takes a while, so that everything that is certain is told before.
            yield from self._pending.settle_placed()
        orphans, misfits = self._uncommitted(unknown, streams)
        for stream, group, batch in misfits:
            if recheck is None:
                orphans.append((stream, group))
            else:
                yield from recheck(batch)
        # Rows that name a known log may explain what is missing there.
        orphans.sort(key=lambda orphan: (orphan[1].log_id not in streams, -orphan[1].count))
        self._read_strays(orphans)
        yield from self._settle(orphans, {stream: rows.unlisted for stream, rows in groups.items()})

    def _uncommitted(
        self, unknown: Sequence[_Orphan], streams: Mapping[str, Stream]
    ) -> tuple[list[_Orphan], list[tuple[Stream, RecordGroup, Batch]]]:
        """Drop the groups that are committed or about to be; wait a while for the latter.

        Returns:
            The other groups, and groups of rows that do not fit the committed batch that they name.
        """
        misfits: list[tuple[Stream, RecordGroup, Batch]] = []
        orphans: list[_Orphan] = []
        looked_at = list(unknown)
        while True:
            committed = self._committed({group.batch_id for _, group in looked_at})
            still: list[_Orphan] = []
            for stream, group in looked_at:
                batch = committed.get((group.log_id, group.batch_id))
                if batch is None or streams.get(group.log_id, stream) is not stream:
                    still.append((stream, group))
                elif not _fits(group, batch):
                    misfits.append((stream, group, batch))
            # Only a few batches can be on their way, whoever claims the contrary.
            still.sort(key=lambda orphan: (orphan[1].log_id not in streams, -orphan[1].newest))
            looked_at = [
                orphan for orphan in still[:_LISTED] if orphan[1].log_id and orphan[1].newest > self._began - _RECENT
            ]
            orphans += [orphan for orphan in still if orphan not in looked_at] if looked_at else still
            if not looked_at or time.monotonic() >= self._deadline:
                return orphans + looked_at, misfits
            time.sleep(_IN_FLIGHT / 10)

    def _committed(self, batch_ids: set[UUID]) -> dict[tuple[str, UUID], Batch]:
        """Return the committed batches among some IDs: those whose rows pass the full check of batches."""
        return {
            (batch.log_id, batch.batch_id): batch
            for some in _portions(sorted(batch_ids))
            for batch in read_batches_of_ids(self._engine, some)
            if check_batch(batch, self._keys) is None
        }

    def _read_strays(self, orphans: Sequence[_Orphan]) -> None:
        searched = bool(self._pending.vacancies)
        most = _LISTED + len(self._pending.vacancies) if searched else 1
        wanted = orphans if searched else orphans[:_LISTED]
        for stream in Stream:
            names = [(group.log_id, group.batch_id) for its, group in wanted if its is stream]
            for some in _portions(names):
                for stored in select_strays(self._engine, stream, some, most):
                    # LogId may have been altered to bytes that are not text: see read_all_record_groups.
                    self._pending.strays.append(Stray(stream, stored.log_id, claim_of(stored, CANONICAL_VERSION)))

    def _settle(self, orphans: Sequence[_Orphan], unlisted: Mapping[Stream, int]) -> Iterator[Finding]:
        """Settle everything pending, and report how many records were never signed."""
        listed = Counter(map(_key, self._pending.strays))
        findings, unsigned = self._pending.settle()
        yield from findings
        left = Counter(map(_key, unsigned))
        first = {_key(stray): stray for stray in reversed(unsigned)}
        told = 0
        rest: Counter[Stream] = Counter(unlisted)
        for stream, group in orphans:
            if self._keys.expects_unsigned(stream) and claims_nothing(group.log_id, group.batch_id):
                continue
            key = (stream, group.log_id, group.batch_id)
            count = group.count - (listed[key] - left[key])
            if count and told < _LISTED:
                told += 1
                yield _unsigned(stream, group, count, first.get(key))
            else:
                rest[stream] += count
        for stream, count in rest.items():
            if count:
                what = counted(
                    count,
                    f"further {_noun(stream)} names another batch that is not committed with it",
                    f"further {_noun(stream)}s name other batches that are not committed with them",
                )
                yield Finding(FindingKind.RECORDS_UNSIGNED, what, record_count=count)


def _portions(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[start : start + _PER_QUERY] for start in range(0, len(items), _PER_QUERY))


def _fits(group: RecordGroup, batch: Batch) -> bool:
    """Return whether the rows of a group may be those of a batch."""
    inside = batch.first_leaf <= group.min_leaf and group.max_leaf < batch.tree_size
    return inside and group.count == batch.record_count


def _by_log(explained: Mapping[str, Sequence[tuple[int, int]]]) -> dict[str, LeafRanges]:
    return {log_id: LeafRanges(ranges) for log_id, ranges in explained.items()}


def _key(stray: Stray) -> tuple[Stream, str, UUID]:
    return stray.stream, stray.log_id, stray.record.batch_id


def _noun(stream: Stream) -> str:
    return "span" if stream is Stream.SPANS else f"{stream.value} record"


def _unsigned(stream: Stream, group: RecordGroup, count: int, first: Stray | None) -> Finding:
    noun = _noun(stream)
    if group.log_id:
        where = f"log {group.log_id}, batch {group.batch_id}, which is not committed with"
        what = counted(count, f"{noun} names {where} it", f"{noun}s name {where} them")
    else:
        what = counted(count, f"{noun} belongs to no signed log", f"{noun}s belong to no signed log")
    return Finding(
        FindingKind.RECORDS_UNSIGNED,
        f"{what}: waiting in the server's journal, left behind by a crash, or not written by Lognotary",
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
    told = rest = 0
    ranges = _by_log(explained)
    for group in tiles:
        if (
            group.batch_id in known_ids.get(group.log_id, ())
            or (group.log_id, group.batch_id) in recorded
            or group.batch_id in altered_ids
            # Hashes of higher levels may begin before the batch that completed them, and end in it.
            or (group.log_id in ranges and ranges[group.log_id].cover(group.last_leaf, group.last_leaf))
        ):
            continue
        if told >= _LISTED:
            rest += group.count
            continue
        told += 1
        leaves = f"of log_tiles for the leaves {group.first_leaf} to {group.last_leaf}"
        batch = f"log {group.log_id}, batch {group.batch_id}, which did not write"
        yield Finding(
            FindingKind.TILE_ALTERED,
            counted(
                group.count,
                f"row {leaves} names {batch} it: it was added",
                f"rows {leaves} name {batch} them: they were added",
            )
            + ", or the batch and its records were deleted",
            log_id=group.log_id,
            batch_id=group.batch_id,
        )
    if rest:
        yield Finding(
            FindingKind.TILE_ALTERED,
            counted(
                rest,
                "further row of log_tiles names a batch that did not write it",
                "further rows of log_tiles name batches that did not write them",
            ),
        )

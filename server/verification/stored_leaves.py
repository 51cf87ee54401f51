"""Leaf hashes of stored records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from server.notary.batch import Batch
from server.notary.chain import batch_finding
from server.notary.errors import MalformedError, RowTooLongError
from server.notary.findings import Finding, FindingKind
from server.notary.hashing import hash_blocks
from server.notary.leaf_rows import LeafHashes, LeafRange, row_kinds
from server.notary.origin import LogName
from server.notary.record_filter import RecordFilter
from server.notary.row_blocks import BLOCK_LIMITS, BlockLimits
from storage.engine import Engine
from storage.errors import LongRowError, StorageError
from storage.rowbinary import uuid_bytes
from storage.schema import RECORD_TABLES
from storage.stored_records import longest_row_query, scan_records

__all__ = ["hash_batches", "hash_records"]


def hash_batches(
    engine: Engine,
    name: LogName,
    batches: Sequence[Batch],
    limits: BlockLimits,
    wanted: RecordFilter | None = None,
) -> Iterator[tuple[Sequence[Batch], LeafHashes | Finding]]:
    """Hash the records of consecutive batches, as ``hash_records`` does.

    If a row is too long to be read, the batches are read in smaller parts, so that only the batch of that row remains.

    Args:
        engine: the storage.
        name: the log.
        batches: the batches, of one canonical version.
        limits: limits on what is read.
        wanted: filter of the records to keep; None to keep none.

    Yields:
        Batches with their hashes, or a single batch with the finding that its records cannot be read.

    Raises:
        StorageError: storage cannot be read, or sends invalid blocks.
    """
    ranges = [LeafRange(batch.tree_size, uuid_bytes(batch.batch_id)) for batch in batches]
    first = batches[0]
    try:
        hashes = hash_records(engine, name, first.first_leaf, ranges, first.canonical_version, wanted, limits)
    except LongRowError as error:
        if len(batches) == 1:
            what = f"its records cannot be verified: {error}"
            yield batches, batch_finding(FindingKind.TABLE_ALTERED, first, what)
        else:
            half = len(batches) // 2
            yield from hash_batches(engine, name, batches[:half], limits, wanted)
            yield from hash_batches(engine, name, batches[half:], limits, wanted)
    else:
        yield batches, hashes


def hash_records(
    engine: Engine,
    name: LogName,
    first_leaf: int,
    ranges: Sequence[LeafRange],
    version: int,
    wanted: RecordFilter | None = None,
    limits: BlockLimits = BLOCK_LIMITS,
) -> LeafHashes:
    """Hash the records of a part of a log, and keep the records that a filter admits.

    Args:
        engine: the storage.
        name: the log.
        first_leaf: the first leaf of the part.
        ranges: the batches of the part.
        version: version of the canonical records.
        wanted: filter of the records to keep; None to keep none.
        limits: limits on what is read.

    Raises:
        LongRowError: a row is too long to be read.
        StorageError: storage cannot be read, or sends invalid blocks.
    """
    kinds = row_kinds(name.stream, version)
    end_leaf = ranges[-1].end_leaf
    with closing(scan_records(engine, name.stream, name.log_id, first_leaf, end_leaf, version)) as blocks:
        try:
            return hash_blocks(blocks, kinds, version, first_leaf, ranges, wanted, limits)
        except RowTooLongError as error:
            query = longest_row_query(name.stream, name.log_id, first_leaf, end_leaf)
            raise LongRowError(f"{error}; to find the row, run: {query}") from error
        except MalformedError as error:
            raise StorageError(
                f"storage sent invalid blocks of the records {first_leaf} to {end_leaf - 1} of {name.origin}: {error}; "
                f"undo the changes of the table {RECORD_TABLES[name.stream]} that 'lognotary verify' names, or, if it "
                "names none, connect to ClickHouse without a proxy"
            ) from error

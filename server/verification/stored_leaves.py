"""Leaf hashes of stored records."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from server.notary.errors import MalformedError
from server.notary.hashing import hash_blocks
from server.notary.leaf_rows import LeafHashes, LeafRange, row_kinds
from server.notary.origin import LogName
from server.notary.record_filter import RecordFilter
from storage.engine import Engine
from storage.errors import StorageError
from storage.stored_records import scan_records

__all__ = ["hash_records"]


def hash_records(
    engine: Engine,
    name: LogName,
    first_leaf: int,
    ranges: Sequence[LeafRange],
    version: int,
    wanted: RecordFilter | None = None,
) -> LeafHashes:
    """Hash the records of a part of a log, and keep the records that a filter admits.

    Args:
        engine: the storage.
        name: the log.
        first_leaf: the first leaf of the part.
        ranges: the batches of the part.
        version: their version of the canonical record.
        wanted: filter of the records to keep; None to keep none.

    Raises:
        StorageError: storage cannot be read, or sends invalid blocks.
    """
    kinds = row_kinds(name.stream, version)
    with closing(scan_records(engine, name.stream, name.log_id, first_leaf, ranges[-1].end_leaf, version)) as blocks:
        try:
            return hash_blocks(blocks, kinds, version, first_leaf, ranges, wanted)
        except MalformedError as error:
            raise StorageError(
                f"storage did not send the leaves {first_leaf} to {ranges[-1].end_leaf - 1} of {name.origin}: {error}; "
                "'lognotary verify' checks the tables' definitions"
            ) from error

"""The leaves of a batch, proved by the batch's signed root hash.

Each leaf has two sources: the stored record, and the tree's hash in ``log_tiles``. If one of the two was altered or is
missing, the other one still leads to the root hash, so that an altered hash does not cast doubt on the record, nor an
altered record on its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, product

from server.notary.batch import Batch
from server.notary.errors import VerificationError
from server.notary.hashing import hash_pairs
from server.notary.leaf_rows import LeafRange, LeafState
from server.notary.merkle import HASH_SIZE, CompactRange, split_hashes
from server.notary.origin import LogName
from server.verification.stored_leaves import hash_records
from storage.bound import reading_whole_logs
from storage.engine import Engine
from storage.errors import LongRowError
from storage.evidence import read_fragments
from storage.records import read_records_at
from storage.rowbinary import uuid_bytes

__all__ = ["MOST_RECORDS", "BatchLeaves", "prove_leaves"]

MOST_RECORDS = 100_000
"""Records of the batches that are hashed to prove the records of one answer, at most."""

_MOST_HASHES = 1 << 21  # leaves that are hashed to roots while sources are combined
_MOST_ROWS = 64  # rows that are read of a leaf


class BatchLeaves:
    """Proved leaves of batches, each read once, within a limit of records."""

    def __init__(self, engine: Engine, most_records: int = MOST_RECORDS) -> None:
        """Read from a storage; batches beyond ``most_records`` records in all are not read."""
        self._engine = engine
        self._left = most_records
        self._known: dict[tuple[str, int, bytes], Sequence[bytes] | None] = {}

    def of(self, batch: Batch) -> Sequence[bytes] | None:
        """Return the leaf hashes of a batch whose row was checked; None if they cannot be proved.

        Raises:
            StorageError: storage cannot be read.
        """
        key = batch.log_id, batch.tree_size, batch.root_hash
        if key not in self._known:
            if batch.record_count > self._left:
                return None
            self._left -= batch.record_count
            with reading_whole_logs():
                self._known[key] = prove_leaves(self._engine, batch)
        return self._known[key]


def prove_leaves(engine: Engine, batch: Batch) -> list[bytes] | None:
    """Return the leaf hashes of a batch, in order; None if what is stored does not lead to its root hash.

    Args:
        engine: the storage.
        batch: a batch whose row was checked.

    Raises:
        StorageError: storage cannot be read.
    """
    try:
        leaves, doubtful = _sources(engine, batch)
    except LongRowError:
        return None
    if any(not values for values in doubtful.values()):
        return None
    try:
        before = CompactRange.from_bytes(batch.first_leaf, batch.frontier)
    except VerificationError:
        return None
    places = list(doubtful)
    for values in islice(_combinations(list(doubtful.values())), max(1, _MOST_HASHES // len(leaves))):
        for place, value in zip(places, values, strict=True):
            leaves[place] = value
        after, _ = before.extend(b"".join(leaves), hash_pairs)
        if after.root() == batch.root_hash:
            return leaves
    return None


def _combinations(sources: Sequence[Sequence[bytes]]) -> Iterator[Sequence[bytes]]:
    """Yield one value of each source: the first of all, the last of all, then any."""
    return chain([[values[0] for values in sources], [values[-1] for values in sources]], product(*sources))


def _sources(engine: Engine, batch: Batch) -> tuple[list[bytes], Mapping[int, list[bytes]]]:
    """Return the leaves of a batch; and for those that have several values, or none, the values by place.

    Values that both sources have are first, then those of records, then those of the tree.
    """
    name = LogName.parse(batch.origin)
    end = LeafRange(batch.tree_size, uuid_bytes(batch.batch_id))
    hashed = hash_records(engine, name, batch.first_leaf, [end], batch.canonical_version)
    tree: dict[int, list[bytes]] = {}
    for fragment, batch_id in read_fragments(engine, batch.log_id, batch.first_leaf, batch.tree_size):
        if fragment.level == 0 and batch_id == batch.batch_id and len(fragment.hashes) % HASH_SIZE == 0:
            first = (fragment.tile_index << 8) + fragment.offset - batch.first_leaf
            for place, value in enumerate(split_hashes(fragment.hashes), first):
                tree.setdefault(place, []).append(value)
    leaves = split_hashes(hashed.hashes)
    states = enumerate(hashed.states)
    records = {place: [leaves[place]] for place, state in states if state == LeafState.HASHED}
    spoilt = [batch.first_leaf + place for place, state in enumerate(hashed.states) if state == LeafState.SPOILT]
    for record in read_records_at(engine, name.stream, batch.log_id, spoilt, _MOST_ROWS):
        value = record.leaf(batch.canonical_version)
        records.setdefault(record.leaf_index - batch.first_leaf, []).append(value)
    doubtful: dict[int, list[bytes]] = {}
    for place in range(len(leaves)):
        stored, told = records.get(place, []), tree.get(place, [])
        values = sorted(dict.fromkeys([*stored, *told]), key=lambda value: not (value in stored and value in told))
        if len(values) == 1:
            leaves[place] = values[0]
        else:
            doubtful[place] = values
    return leaves, doubtful

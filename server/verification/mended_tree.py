"""The hashes of a log's tree, with those of altered tiles computed anew from records."""

from __future__ import annotations

from collections.abc import Iterable

from server.notary.chain import check_batch
from server.notary.hashing import hash_pairs
from server.notary.merkle import HASH_SIZE, TILE_HEIGHT, CompactRange
from server.notary.tiles import TILE_WIDTH
from server.notary.trust import TrustedKeys
from server.verification.proved_leaves import BatchLeaves
from server.verification.tree import TreeHashes, read_tree, tile_of
from storage.engine import Engine
from storage.evidence import read_batches_of_leaves, read_batches_within

__all__ = ["read_mended_tree"]

_LEVELS = 2  # levels of tiles that are computed anew: a tile of the next level is over 16 million records


def read_mended_tree(
    engine: Engine, keys: TrustedKeys, log_id: str, size: int, nodes: Iterable[tuple[int, int]]
) -> TreeHashes:
    """Read hashes as ``read_tree`` does, and compute those that batches added anew, if the batches can be proved.

    It takes as long as to read the records under the tiles, up to a limit.

    Args:
        engine: the storage.
        keys: trusted public keys.
        log_id: the log.
        size: number of committed leaves.
        nodes: (level of the tree, number) pairs to be available.

    Raises:
        StorageError: storage cannot be read.
    """
    needed = list(nodes)
    leaves = BatchLeaves(engine)
    anew: dict[tuple[int, int], bytes] = {}
    done: set[int] = set()
    for level, index in sorted({tile_of(*node) for node in needed}):
        if level >= _LEVELS:
            break
        width = TILE_WIDTH << TILE_HEIGHT * level
        first, end = index * width, min((index + 1) * width, size)
        for batch in [
            *read_batches_within(engine, log_id, first, end),
            *read_batches_of_leaves(engine, log_id, [end - 1]),
        ]:
            if batch.tree_size in done or check_batch(batch, keys) is not None:
                continue
            done.add(batch.tree_size)
            proved = leaves.of(batch)
            if proved is None:
                continue
            _, added = CompactRange.from_bytes(batch.first_leaf, batch.frontier).extend(b"".join(proved), hash_pairs)
            for tiles_level, hashes in enumerate(added):
                start = batch.first_leaf >> TILE_HEIGHT * tiles_level
                for place in range(len(hashes) // HASH_SIZE):
                    anew[tiles_level, start + place] = hashes[place * HASH_SIZE : (place + 1) * HASH_SIZE]
    return read_tree(engine, log_id, size, needed, anew=anew)

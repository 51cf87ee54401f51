"""The hashes of a log's tree, read from its stored tiles.

A tile is stored in fragments, each added by a batch. After a crash, a batch that was never committed
may leave hashes in the place of the committed one's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Protocol
from uuid import UUID

from server.notary.batch import Batch, TileFragment
from server.notary.errors import VerificationError
from server.notary.hashing import hash_pairs
from server.notary.merkle import HASH_SIZE, TILE_HEIGHT, split_hashes
from server.notary.tiles import TILE_WIDTH, tile_width
from storage.engine import Engine
from storage.evidence import MOST_FRAGMENTS, read_batches_of_leaves, read_tile_fragments

__all__ = ["TileCache", "TileNodes", "TreeHashes", "read_tree", "read_trees", "tile_of"]

_Place = tuple[int, int]  # level of tiles, number on that level
_Tile = tuple[int, int]  # level of tiles, index
_Added = tuple[TileFragment, UUID]  # with the batch that added it
_Candidates = Mapping[_Place, Mapping[UUID, bytes]]


class TileNodes:
    """The hashes of one tile, and the tree's nodes between them and the next level of tiles.

    Attributes:
        width: number of hashes.
    """

    __slots__ = ("_levels", "width")

    def __init__(self, hashes: bytes) -> None:
        """Create it from hashes, starting with the tile's first, 32 bytes each."""
        self.width = len(hashes) // HASH_SIZE
        self._levels = [hashes]
        for _ in range(TILE_HEIGHT - 1):
            below = self._levels[-1]
            self._levels.append(hash_pairs(below[: len(below) // (2 * HASH_SIZE) * (2 * HASH_SIZE)]))

    def node(self, height: int, place: int) -> bytes | None:
        """Return a node, 0 to 7 levels above the tile's hashes; None if a hash below it is missing."""
        return self._levels[height][HASH_SIZE * place : HASH_SIZE * (place + 1)] or None


class TileCache(Protocol):
    """Cache of tiles between reads."""

    def tile(self, log_id: str, level: int, index: int, width: int) -> TileNodes | None:
        """Return a cached tile of at least a given width."""

    def keep_tile(self, log_id: str, level: int, index: int, tile: TileNodes) -> None:
        """Cache a tile that is complete and covers only committed leaves."""

    def forget(self, log_id: str) -> None:
        """Drop everything cached for a log."""


class TreeHashes:
    """Hashes of one log's tree."""

    def __init__(self, tiles: Mapping[tuple[int, int], TileNodes]) -> None:
        """Create it from tiles by level and index."""
        self._tiles = tiles

    def node(self, level: int, number: int) -> bytes:
        """Return the root of a perfect subtree, computed from the tile below it.

        Args:
            level: its level in the tree, 0 for leaves.
            number: its number on that level.

        Raises:
            VerificationError: a required hash is not stored.
        """
        tile_level, height = divmod(level, TILE_HEIGHT)
        index, place = divmod(number, TILE_WIDTH >> height)
        tile = self._tiles.get((tile_level, index))
        node = tile.node(height, place) if tile else None
        if node is None:
            raise VerificationError(f"no hash at level {level}, {number}")
        return node

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the first ``width`` hashes of a tile. Raises as ``node``."""
        first = TILE_WIDTH * index
        return b"".join(self.node(TILE_HEIGHT * level, number) for number in range(first, first + width))


def read_tree(
    engine: Engine,
    log_id: str,
    size: int,
    nodes: Iterable[tuple[int, int]],
    *,
    tiles: Iterable[tuple[int, int]] = (),
    cache: TileCache | None = None,
    anew: Mapping[tuple[int, int], bytes] | None = None,
) -> TreeHashes:
    """Read the hashes needed to compute the roots of perfect subtrees, in a single query.

    Args:
        engine: the storage.
        log_id: the log.
        size: number of leaves that are committed at least; later leaves are ignored.
        nodes: (level of the tree, number) pairs to be available through ``TreeHashes.node``.
        tiles: (level of tiles, index) pairs to be available through ``TreeHashes.tile``.
        cache: tiles that were read before; it is filled.
        anew: hashes that are used instead of stored ones, by (level of tiles, number on that level).

    Raises:
        StorageError: storage cannot be read.
    """
    needed = {tile_of(*node) for node in nodes}.union(tiles)
    return _read(engine, {log_id: (size, needed)}, cache, 0, anew or {})[log_id]


def read_trees(
    engine: Engine, needed: Mapping[str, tuple[int, Iterable[tuple[int, int]]]], cache: TileCache | None = None
) -> dict[str, TreeHashes]:
    """Read the hashes that are needed of several logs' trees, as ``read_tree`` does, in a single query for all.

    Args:
        engine: the storage.
        needed: number of committed leaves, and (level of the tree, number) pairs, by LogId.
        cache: tiles above the lowest level that were read before; it is filled. They are few, and much of each tree
            needs them, while their hashes lie in many parts of the table.

    Raises:
        StorageError: storage cannot be read.
    """
    tiles = {log_id: (size, {tile_of(*node) for node in nodes}) for log_id, (size, nodes) in needed.items()}
    return _read(engine, tiles, cache, 1, {})


def _read(
    engine: Engine,
    needed: Mapping[str, tuple[int, set[_Tile]]],
    cache: TileCache | None,
    lowest_cached: int,
    anew: Mapping[_Place, bytes],
) -> dict[str, TreeHashes]:
    """Read tiles of logs; the cache has those from a level on."""
    known = {
        log_id: _cached(cache, log_id, size, {tile for tile in tiles if tile[0] >= lowest_cached})
        for log_id, (size, tiles) in needed.items()
    }
    wanted = {log_id: tiles - known[log_id].keys() for log_id, (_, tiles) in needed.items()}
    added = read_tile_fragments(engine, wanted)
    trees: dict[str, TreeHashes] = {}
    for log_id, tiles in wanted.items():
        size, _ = needed[log_id]
        found = _tiles(size, tiles, _hashes(engine, log_id, tiles, added[log_id], anew))
        if cache is not None:
            for (level, index), tile in found.items():
                if level >= lowest_cached and tile.width == tile_width(level, index, size):
                    cache.keep_tile(log_id, level, index, tile)
        trees[log_id] = TreeHashes(known[log_id] | found)
    return trees


def _cached(cache: TileCache | None, log_id: str, size: int, tiles: Iterable[_Tile]) -> dict[_Tile, TileNodes]:
    if cache is None:
        return {}
    found = {place: cache.tile(log_id, *place, tile_width(*place, size)) for place in tiles}
    return {place: tile for place, tile in found.items() if tile is not None}


def _tiles(size: int, places: Iterable[_Tile], hashes: Mapping[_Tile, bytes]) -> dict[_Tile, TileNodes]:
    """Return tiles, cut to the leaves that are committed."""
    return {place: TileNodes(hashes.get(place, b"")[: HASH_SIZE * tile_width(*place, size)]) for place in places}


def tile_of(level: int, number: int) -> tuple[int, int]:
    """Return the (level of tiles, index) of the tile from which a node of the tree is computed."""
    tile_level, height = divmod(level, TILE_HEIGHT)
    return tile_level, number // (TILE_WIDTH >> height)


def _hashes(
    engine: Engine, log_id: str, tiles: set[_Tile], fragments: Iterable[_Added], anew: Mapping[_Place, bytes]
) -> dict[_Tile, bytes]:
    """Return the hashes of some tiles as added by committed batches; after the last batch, also by other batches.

    They begin with a tile's first, 32 bytes each, and end before the first one that is missing.
    """
    of_tile: defaultdict[_Tile, list[_Added]] = defaultdict(list)
    for fragment, batch_id in fragments:
        of_tile[fragment.level, fragment.tile_index].append((fragment, batch_id))
    # To decide which of more fragments count would take too long. Without these hashes, batches prove their records.
    usable = {tile: added for tile, added in of_tile.items() if len(added) <= MOST_FRAGMENTS}
    joined = {tile: None if anew else _joined(added) for tile, added in usable.items()}
    found = {tile: hashes for tile, hashes in joined.items() if hashes is not None}
    rest = tiles - found.keys()
    if rest:
        candidates = _candidates(each for tile in rest for each in usable.get(tile, ()))
        hashes = {**_settle(engine, log_id, candidates), **anew}
        for level, index in rest:
            places = ((level, TILE_WIDTH * index + number) for number in range(TILE_WIDTH))
            found[level, index] = b"".join(hashes[place] for place in takewhile(hashes.__contains__, places))
    return found


def _joined(added: Sequence[_Added]) -> bytes | None:
    """Return the hashes of a tile whose fragments follow each other; None if they do not."""
    parts: list[bytes] = []
    end = 0
    for fragment in sorted((fragment for fragment, _ in added), key=lambda fragment: fragment.offset):
        count, rest = divmod(len(fragment.hashes), HASH_SIZE)
        if rest or fragment.offset != end or end + count > TILE_WIDTH:
            return None
        parts.append(fragment.hashes)
        end += count
    return b"".join(parts)


def _candidates(added: Iterable[_Added]) -> _Candidates:
    """Return the hashes for each place, by the batches that added them."""
    candidates: defaultdict[_Place, dict[UUID, bytes]] = defaultdict(dict)
    for fragment, batch_id in added:
        for place, value in enumerate(_hashes_of(fragment), TILE_WIDTH * fragment.tile_index + fragment.offset):
            brought = candidates[fragment.level, place]
            brought[batch_id] = min(value, brought.get(batch_id, value))
    # Rows come in any order, but what is read must not depend on it: pages of an answer rely on the same hashes.
    return {place: dict(sorted(brought.items())) for place, brought in candidates.items()}


def _hashes_of(fragment: TileFragment) -> list[bytes]:
    """Return a fragment's hashes; none if they cannot come from a batch."""
    count, rest = divmod(len(fragment.hashes), HASH_SIZE)
    return [] if rest or fragment.offset + count > TILE_WIDTH else split_hashes(fragment.hashes)


def _settle(engine: Engine, log_id: str, candidates: _Candidates) -> dict[_Place, bytes]:
    """Decide which hash applies in each place if several batches added one."""
    doubtful = {place: _last_leaf(place) for place, brought in candidates.items() if len(brought) > 1}
    committed = {batch.batch_id: batch for batch in read_batches_of_leaves(engine, log_id, set(doubtful.values()))}

    def choose(place: _Place, brought: Mapping[UUID, bytes]) -> bytes:
        # The batch that brings a subtree's hash is the one that holds the subtree's last leaf.
        fitting = (
            value
            for batch_id, value in brought.items()
            if batch_id in committed and _holds(committed[batch_id], doubtful[place])
        )
        return next(fitting, next(iter(brought.values())))

    return {
        place: choose(place, brought) if place in doubtful else next(iter(brought.values()))
        for place, brought in candidates.items()
    }


def _last_leaf(place: _Place) -> int:
    level, number = place
    return (number + 1 << TILE_HEIGHT * level) - 1


def _holds(batch: Batch, leaf: int) -> bool:
    return batch.first_leaf <= leaf < batch.tree_size

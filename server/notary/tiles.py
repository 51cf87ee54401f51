"""Tiles: a log's tree and its entries cut into static files (C2SP tlog-tiles).

A tile of level L holds up to 256 hashes: roots of perfect subtrees of 256**L leaves. A bundle holds the
entries under a tile of level 0. Both are named by a path; a tile that is not full names its width.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from server.notary.errors import MalformedError, VerificationError
from server.notary.merkle import TILE_HEIGHT, node_hash, split_hashes
from server.notary.proofs import perfect_subtrees, root_of_leaves

__all__ = [
    "TILE_WIDTH",
    "Tile",
    "encode_bundle",
    "nodes_beside",
    "parse_tile_path",
    "tile_path",
    "tile_width",
    "verify_tile",
]

TILE_WIDTH = 1 << TILE_HEIGHT
"""Hashes in a full tile."""

_PATH = re.compile(
    r"tile/(?P<level>0|[1-9][0-9]?|entries)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)
_MAX_LEVEL = 63
_MAX_PATH = 100


@dataclass(frozen=True, slots=True)
class Tile:
    """Identifier of a tile, or of a bundle of entries.

    Attributes:
        level: the tile's level; 0 for a bundle.
        index: its index on that level.
        width: number of hashes or entries, 1 to 256.
        entries: True for a bundle.
    """

    level: int
    index: int
    width: int = TILE_WIDTH
    entries: bool = False


def tile_path(tile: Tile) -> str:
    """Return a tile's path below the log's prefix, such as ``tile/0/x001/067.p/12``."""
    level = "entries" if tile.entries else str(tile.level)
    digits = str(tile.index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    index = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{index}" + ("" if tile.width == TILE_WIDTH else f".p/{tile.width}")


def parse_tile_path(path: str) -> Tile:
    """Read a tile's path.

    Raises:
        MalformedError: the path does not name a tile, or is not written as specified.
    """
    match = _PATH.fullmatch(path) if len(path) <= _MAX_PATH else None
    if match is None:
        raise MalformedError(f"not the path of a tile: {path[:_MAX_PATH]!r}")
    entries = match["level"] == "entries"
    level = 0 if entries else int(match["level"])
    width = int(match["width"] or TILE_WIDTH)
    tile = Tile(level, int(re.sub("[x/]", "", match["index"])), width, entries)
    # Each tile has one path: no zeros in front, no width of a full one.
    if level > _MAX_LEVEL or width > TILE_WIDTH or tile_path(tile) != path:
        raise MalformedError(f"not the path of a tile: {path!r}")
    return tile


def tile_width(level: int, index: int, size: int) -> int:
    """Return how many hashes, 0 to 256, a tile has in a tree of ``size`` leaves."""
    return min(max((size >> TILE_HEIGHT * level) - TILE_WIDTH * index, 0), TILE_WIDTH)


def nodes_beside(level: int, index: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the perfect subtrees, as (level of the tree, number), that form the root together with a tile's hashes.

    Args:
        level: the tile's level.
        index: its index.
        size: the tree's size, which determines the width of the tile.
    """
    pending = list(perfect_subtrees(0, size))
    while pending:
        height, number = pending.pop()
        if not _is_above(level, index, size, height, number):
            yield height, number
        elif height > TILE_HEIGHT * level:
            pending += [(height - 1, 2 * number), (height - 1, 2 * number + 1)]


def verify_tile(
    level: int, index: int, hashes: bytes, size: int, root: bytes, node: Callable[[int, int], bytes]
) -> None:
    """Check a tile: its hashes, together with ``nodes_beside``, must produce the tree's root hash.

    Args:
        level: the tile's level.
        index: its index.
        hashes: all hashes that the tile has in the tree, 32 bytes each.
        size: the tree's size.
        root: the root hash that a checkpoint commits to.
        node: returns the hashes of ``nodes_beside``.

    Raises:
        VerificationError: the tile, or a node beside it, does not belong to the tree.
    """
    single = split_hashes(hashes)
    if len(single) != tile_width(level, index, size):
        raise MalformedError(f"{len(single)} hashes do not fit this tile in a tree of {size}")

    def subtree(height: int, number: int) -> bytes:
        if not _is_above(level, index, size, height, number):
            return node(height, number)
        if height == TILE_HEIGHT * level:
            return single[number - TILE_WIDTH * index]
        return node_hash(subtree(height - 1, 2 * number), subtree(height - 1, 2 * number + 1))

    if root_of_leaves(0, size, subtree) != root:
        raise VerificationError("the hashes do not lead to the root hash")


def _is_above(level: int, index: int, size: int, height: int, number: int) -> bool:
    """Return whether a subtree contains hashes of a tile, or is one."""
    first = index * TILE_WIDTH << TILE_HEIGHT * level
    end = first + (tile_width(level, index, size) << TILE_HEIGHT * level)
    return number << height < end and first < number + 1 << height


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Join entries, each preceded by its length as big-endian uint16 (C2SP tlog-tiles, "Log entries")."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)

"""Contents of a log's static files (C2SP tlog-tiles), verified before they are served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from server.api.attestations import confirmations
from server.api.checkpoints import checkpoint_note, find_checkpoint
from server.api.errors import AlteredError, NotFoundError
from server.notary.batch import Batch
from server.notary.errors import VerificationError
from server.notary.merkle import HASH_SIZE, leaf_hash, split_hashes
from server.notary.origin import LogName
from server.notary.tiles import TILE_WIDTH, Tile, encode_bundle, nodes_beside, tile_width, verify_tile
from server.notary.trust import TrustedKeys
from server.verification.tree import read_tree
from storage.checkpoints import read_entries
from storage.engine import Engine

__all__ = ["latest_checkpoint", "read_tile"]


def latest_checkpoint(engine: Engine, keys: TrustedKeys, log_id: str) -> str:
    """Return a log's latest checkpoint, a signed note. Raises as ``find_checkpoint``."""
    batch = find_checkpoint(engine, keys, log_id, 0)
    return checkpoint_note(batch, confirmations(engine, keys, batch).cosignatures)


def read_tile(engine: Engine, keys: TrustedKeys, log_id: str, tile: Tile) -> bytes:
    """Return a tile's hashes, or a bundle's entries.

    They are checked against the latest checkpoint, because others cache them forever.

    Raises:
        NotFoundError: there is no such log, it has not grown so far, or a record of the bundle is no longer
            stored.
        AlteredError: the batch, hashes of the tree, or records do not match what was signed.
        StorageError: storage cannot be read.
    """
    batch = find_checkpoint(engine, keys, log_id, 0)
    place, size = (tile.level, tile.index), batch.tree_size
    width = tile_width(*place, size)
    if tile.width > width:
        raise NotFoundError(f"the tile has {width} of {tile.width} hashes: {batch.origin} has {size} entries")
    try:
        tree = read_tree(engine, log_id, size, nodes_beside(*place, size), tiles=[place])
        hashes = tree.tile(*place, width)
        verify_tile(*place, hashes, size, batch.root_hash, tree.node)
    except VerificationError as error:
        raise AlteredError(
            f"hashes of {batch.origin} in log_tiles were altered or are missing ({error}): run 'lognotary verify'"
        ) from error
    hashes = hashes[: HASH_SIZE * tile.width]
    return encode_bundle(_entries(engine, batch, tile, hashes)) if tile.entries else hashes


def _entries(engine: Engine, batch: Batch, tile: Tile, hashes: bytes) -> Iterator[bytes]:
    first = TILE_WIDTH * tile.index
    stored: defaultdict[int, list[bytes]] = defaultdict(list)
    stream = LogName.parse(batch.origin).stream
    for leaf_index, forms in read_entries(engine, stream, batch.log_id, first, first + tile.width):
        stored[leaf_index] += forms
    for leaf_index, leaf in enumerate(split_hashes(hashes), first):
        entries = stored[leaf_index]
        if not entries:
            raise NotFoundError(f"record {leaf_index} of {batch.origin} is no longer stored")
        fitting = next((entry for entry in entries if leaf_hash(entry) == leaf), None)
        if fitting is None:
            raise AlteredError(f"record {leaf_index} of {batch.origin} does not match what was signed")
        yield fitting

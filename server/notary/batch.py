"""Batches: the steps by which a log grows, each with a signed checkpoint, and their stored form."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from uuid import UUID

from server.notary.canonical import CANONICAL_VERSION, encode_string
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.hashing import hash_pairs
from server.notary.merkle import HASH_SIZE, TILE_HEIGHT, CompactRange
from server.notary.origin import LogName
from server.notary.signers import Signer

__all__ = [
    "Batch",
    "LogState",
    "NotarizedBatch",
    "TileFragment",
    "compute_batch_id",
    "encode_batch",
    "notarize",
    "tile_fragments",
]

_TILE_WIDTH = 1 << TILE_HEIGHT
_NO_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Batch:
    """A row of ``log_batches``; fields in the order of the columns.

    Times are nanoseconds since the epoch.

    Attributes:
        log_id: the log's short ID.
        origin: the log's origin.
        batch_id: derived from all other fields.
        sequence: number of the batch in its log, from 1.
        first_leaf: index of its first entry.
        tree_size: number of entries in the log after it.
        record_count: number of its records.
        min_timestamp: the earliest Timestamp of its records.
        max_timestamp: the latest Timestamp of its records.
        ingested_at: the latest IngestedAt of its records.
        root_hash: the log's root hash after it.
        frontier: the compact range of the log before it.
        checkpoint: the signed note.
        canonical_version: version of the canonical record.
    """

    log_id: str
    origin: str
    batch_id: UUID
    sequence: int
    first_leaf: int
    tree_size: int
    record_count: int
    min_timestamp: int
    max_timestamp: int
    ingested_at: int
    root_hash: bytes
    frontier: bytes
    checkpoint: str
    canonical_version: int


@dataclass(frozen=True, slots=True)
class TileFragment:
    """Hashes that a batch adds to one tile.

    Attributes:
        level: the tile's level (C2SP tlog-tiles).
        tile_index: the tile's number on its level.
        offset: place of the first hash within the tile, 0 to 255.
        hashes: 32 bytes each.
    """

    level: int
    tile_index: int
    offset: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class LogState:
    """State of a log: its last batch and its compact range.

    Attributes:
        name: name of the log.
        sequence: number of its last batch, 0 before the first.
        range: its compact range.
    """

    name: LogName
    sequence: int = 0
    range: CompactRange = field(default_factory=CompactRange)


@dataclass(frozen=True, slots=True)
class NotarizedBatch:
    """A batch ready to be committed, and the log's state once it is."""

    batch: Batch
    fragments: tuple[TileFragment, ...]
    state: LogState


def notarize(
    state: LogState,
    leaf_hashes: bytes,
    signer: Signer,
    *,
    min_timestamp: int,
    max_timestamp: int,
    ingested_at: int,
) -> NotarizedBatch:
    """Append a batch of records to a log and sign the checkpoint after them.

    Args:
        state: the log before the batch.
        leaf_hashes: the records' leaf hashes, 32 bytes each, in order.
        signer: the log's key.
        min_timestamp: the earliest Timestamp of the records.
        max_timestamp: the latest.
        ingested_at: the latest IngestedAt.
    """
    before = state.range
    after, tiles = before.extend(leaf_hashes, hash_pairs)
    root = after.root()
    note = sign_checkpoint(Checkpoint(state.name.origin, after.size, root), signer)
    batch = Batch(
        log_id=state.name.log_id,
        origin=state.name.origin,
        batch_id=_NO_ID,
        sequence=state.sequence + 1,
        first_leaf=before.size,
        tree_size=after.size,
        record_count=after.size - before.size,
        min_timestamp=min_timestamp,
        max_timestamp=max_timestamp,
        ingested_at=ingested_at,
        root_hash=root,
        frontier=before.to_bytes(),
        checkpoint=str(note),
        canonical_version=CANONICAL_VERSION,
    )
    batch = replace(batch, batch_id=compute_batch_id(batch))
    return NotarizedBatch(
        batch,
        tuple(tile_fragments(before.size, tiles)),
        LogState(state.name, batch.sequence, after),
    )


def compute_batch_id(batch: Batch) -> UUID:
    """Derive a batch's ID from its columns, so that no column can be changed without detection.

    The digest is SHA-256 over the other columns in their order, as RowBinary writes them; of the
    checkpoint only its signed text, because signatures may be added later. The first 16 bytes are the
    ID, as a UUID of version 8 (RFC 9562, section 5.8).
    """
    text = batch.checkpoint.rpartition("\n\n")[0] + "\n"
    digest = sha256(encode_batch(batch, text)).digest()
    return UUID(int=_as_version_8(digest[:16]))  # Python 3.11's UUID() knows no version 8


def encode_batch(batch: Batch, checkpoint: str) -> bytes:
    """Return the columns of a batch, except its ID, in order, in RowBinary format.

    Args:
        batch: the batch.
        checkpoint: text to encode instead of the batch's checkpoint.
    """
    return (
        encode_string(batch.log_id.encode())
        + encode_string(batch.origin.encode())
        + struct.pack(
            "<QQQQqqq",
            batch.sequence,
            batch.first_leaf,
            batch.tree_size,
            batch.record_count,
            batch.min_timestamp,
            batch.max_timestamp,
            batch.ingested_at,
        )
        + batch.root_hash
        + encode_string(batch.frontier)
        + encode_string(checkpoint.encode())
        + struct.pack("<H", batch.canonical_version)
    )


def _as_version_8(digest: bytes) -> int:
    number = int.from_bytes(digest, "big")
    number &= ~(0xF000 << 64) & ~(0xC000 << 48)
    return number | (8 << 76) | (0x8000 << 48)


def tile_fragments(first_leaf: int, tiles: list[bytes]) -> Iterator[TileFragment]:
    """Split new hashes into tile fragments.

    Args:
        first_leaf: number of leaves before the new ones.
        tiles: the new hashes of each tile level, as ``CompactRange.extend`` returns them.
    """
    for level, hashes in enumerate(tiles):
        start = first_leaf >> TILE_HEIGHT * level
        count = len(hashes) // HASH_SIZE
        done = 0
        while done < count:
            tile_index, offset = divmod(start + done, _TILE_WIDTH)
            taken = min(_TILE_WIDTH - offset, count - done)
            chunk = hashes[done * HASH_SIZE : (done + taken) * HASH_SIZE]
            yield TileFragment(level, tile_index, offset, chunk)
            done += taken

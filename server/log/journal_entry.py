"""An entry of a log's journal: a notarized batch, with everything that is needed to store it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from server.errors.ingest import JournalDamagedError
from server.notary.batch import Batch, LogState, TileFragment, compute_batch_id, encode_batch, tile_fragments
from server.notary.checkpoint import open_checkpoint
from server.notary.counted import counted, entries_of
from server.notary.errors import NotaryError
from server.notary.hashing import hash_pairs
from server.notary.merkle import HASH_SIZE, CompactRange
from server.notary.origin import LogName
from storage.native import Block
from storage.rowbinary import fixed32, int64, string, text, uint16, uint64

__all__ = ["Entry", "decode_entry"]

# Version 2 has the number of the block's columns and where they end, 8 bytes each, before the block. Version 1 was
# written before; its block cannot be joined with others.
_VERSION = 2
_VERSIONS = (1, _VERSION)
_HEADER = struct.Struct("<HIQQ")  # version, number of requests, bytes of leaf hashes, bytes of the records' block
_READERS = (text, text, uint64, uint64, uint64, uint64, int64, int64, int64, fixed32, string, text, uint16)
_NO_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch to be stored.

    Attributes:
        batch: the batch's row in ``log_batches``.
        leaf_hashes: leaf hashes of the batch's records, 32 bytes each.
        requests: digests of the batch's requests, 32 bytes each.
        block: the batch's records as a Native block; without ends of columns if it cannot be joined with others.
    """

    batch: Batch
    leaf_hashes: bytes
    requests: tuple[bytes, ...]
    block: Block

    @property
    def joinable(self) -> bool:
        """True if the block can be joined with others."""
        return bool(self.block.ends)

    @property
    def size(self) -> int:
        """Size of the block in bytes."""
        return len(self.block.data)

    def encode(self) -> list[bytes]:
        """Return the entry in pieces, in the form that ``decode_entry`` reads."""
        block = self.block
        header = _HEADER.pack(_VERSION, len(self.requests), len(self.leaf_hashes), len(block.data))
        row = encode_batch(self.batch, self.batch.checkpoint)
        ends = struct.pack(f"<H{len(block.ends)}Q", len(block.ends), *block.ends)
        return [header, row, *self.requests, self.leaf_hashes, ends, block.data]

    def extend(self, before: LogState) -> tuple[LogState, tuple[TileFragment, ...]]:
        """Compute the state of the log after the batch.

        Args:
            before: state of the log before the batch.

        Returns:
            The state of the log after the batch, and the new hashes of its tiles.

        Raises:
            JournalDamagedError: the batch does not continue the log, or does not match its own checkpoint.
        """
        batch = self.batch
        if (batch.origin, batch.sequence, batch.first_leaf, batch.frontier) != (
            before.name.origin,
            before.sequence + 1,
            before.range.size,
            before.range.to_bytes(),
        ):
            raise JournalDamagedError(
                _with_advice(
                    f"the journal does not continue the log: its batch {batch.sequence} of {batch.origin} "
                    f"begins at {batch.first_leaf}, but the log {before.name.origin} has "
                    f"{counted(before.sequence, 'batch', 'batches')} with {entries_of(before.range.size)}"
                )
            )
        try:
            after, tiles = before.range.extend(self.leaf_hashes, hash_pairs)
            checkpoint, _ = open_checkpoint(batch.checkpoint)
        except NotaryError as error:
            raise JournalDamagedError(
                _with_advice(f"batch {batch.sequence} of {batch.origin} in the journal is damaged: {error}")
            ) from error
        said = (batch.tree_size, batch.root_hash, checkpoint.size, checkpoint.root)
        if said != (after.size, after.root(), after.size, after.root()):
            raise JournalDamagedError(
                _with_advice(f"batch {batch.sequence} of {batch.origin} in the journal does not match its checkpoint")
            )
        fragments = tuple(tile_fragments(before.range.size, tiles))
        return LogState(before.name, batch.sequence, after), fragments

    def before(self) -> LogState:
        """Return the state of the log before the batch, according to the batch.

        Raises:
            JournalDamagedError: the batch's row is inconsistent.
        """
        try:
            name = LogName.parse(self.batch.origin)
            edge = CompactRange.from_bytes(self.batch.first_leaf, self.batch.frontier)
        except NotaryError as error:
            raise JournalDamagedError(
                _with_advice(f"an entry of the journal has no place in a log: {error}")
            ) from error
        return LogState(name, self.batch.sequence - 1, edge)


def decode_entry(payload: bytes) -> Entry:
    """Decode an entry.

    Raises:
        JournalDamagedError: the bytes are not an entry, or the entry has a later version.
    """
    try:
        version, requests, leaf_bytes, block_bytes = _HEADER.unpack_from(payload)
        if version not in _VERSIONS:
            raise JournalDamagedError(
                f"the journal has an entry of version {version}, but this Lognotary supports {_VERSION}: run the one "
                "that wrote it"
            )
        if requests * HASH_SIZE > len(payload):
            raise JournalDamagedError(_with_advice("the journal has an incomplete entry"))
        values: list[Any] = []
        at = _HEADER.size
        for read in _READERS:
            value, at = read(payload, at)
            values.append(value)
        log_id, origin, *others = values
        batch = Batch(log_id, origin, _NO_ID, *others)
        digests = tuple(payload[at + n * HASH_SIZE : at + (n + 1) * HASH_SIZE] for n in range(requests))
        at += requests * HASH_SIZE
        leaf_hashes = payload[at : at + leaf_bytes]
        at += leaf_bytes
        ends: tuple[int, ...] = ()
        if version > 1:
            (columns,) = struct.unpack_from("<H", payload, at)
            ends = struct.unpack_from(f"<{columns}Q", payload, at + 2)
            at += 2 + 8 * columns
        block = payload[at:]
    except (struct.error, IndexError, ValueError) as error:
        raise JournalDamagedError(_with_advice(f"the journal has an entry that cannot be read: {error}")) from error
    if len(leaf_hashes) != leaf_bytes or len(block) != block_bytes:
        raise JournalDamagedError(_with_advice("the journal has an incomplete entry"))
    return Entry(replace(batch, batch_id=compute_batch_id(batch)), leaf_hashes, digests, Block(block, ends))


def _with_advice(damage: str) -> str:
    return (
        f"{damage}. No file was changed. 'lognotary journal inspect' shows what the journal holds. If storage was "
        "restored, restore a backup that has all that was stored. To start without what the journal holds, move its "
        "directory (in journal/ in the data directory) away and keep it"
    )

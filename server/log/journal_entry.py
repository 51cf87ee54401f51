"""An entry of a journal: notarized batches of different logs, with everything that is needed to store them."""

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

__all__ = ["Entry", "SignedBatch", "decode_entry"]

# Version 3 has the number of its batches, at least one, and the size of the block; then for each batch the number of
# its requests, the size of its leaf hashes, its row, the requests and the leaf hashes; then the number of the block's
# columns and where they end, 8 bytes each; then the block. Versions 1 and 2 have one batch, and its numbers in their
# header; version 1 does not have the ends of the columns, so its block cannot be joined with others.
_VERSION = 3
_VERSIONS = (1, 2, _VERSION)
_HEADER = struct.Struct("<HIQ")  # version, number of batches, size of the records' block in bytes
_BATCH_HEADER = struct.Struct("<IQ")  # number of requests, size of the leaf hashes in bytes
_OLD_HEADER = struct.Struct("<HIQQ")  # version, number of requests, sizes of the leaf hashes and of the records' block
_READERS = (text, text, uint64, uint64, uint64, uint64, int64, int64, int64, fixed32, string, text, uint16)
_NO_ID = UUID(int=0)
_DAY = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """A notarized batch of a log, without its records.

    Attributes:
        batch: the batch's row in ``log_batches``.
        leaf_hashes: leaf hashes of the batch's records, 32 bytes each.
        requests: digests of the batch's requests, 32 bytes each.
    """

    batch: Batch
    leaf_hashes: bytes
    requests: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """Return the batch in the form that ``decode_entry`` reads."""
        header = _BATCH_HEADER.pack(len(self.requests), len(self.leaf_hashes))
        return b"".join((header, encode_batch(self.batch, self.batch.checkpoint), *self.requests, self.leaf_hashes))

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


@dataclass(frozen=True, slots=True)
class Entry:
    """Batches to be stored together: of different logs of a stream, received on one day, of one canonical version.

    Attributes:
        signed: the batches, at least one.
        block: the records of all batches, in their order, as a Native block; without ends of columns if it cannot be
            joined with others.
    """

    signed: tuple[SignedBatch, ...]
    block: Block

    @property
    def batches(self) -> list[Batch]:
        """The batches' rows."""
        return [one.batch for one in self.signed]

    @property
    def requests(self) -> list[bytes]:
        """Digests of the requests of all batches, 32 bytes each."""
        return [request for one in self.signed for request in one.requests]

    @property
    def joinable(self) -> bool:
        """True if the block can be joined with others."""
        return bool(self.block.ends)

    @property
    def rows(self) -> int:
        """Number of records in all batches."""
        return sum(one.batch.record_count for one in self.signed)

    @property
    def size(self) -> int:
        """Size of the block in bytes."""
        return len(self.block.data)

    @property
    def canonical_version(self) -> int:
        """Version of the canonical records."""
        return self.signed[0].batch.canonical_version

    @property
    def day(self) -> int:
        """The UTC day of IngestedAt in days since the epoch, which is the partition."""
        return self.signed[0].batch.ingested_at // _DAY

    def encode(self) -> list[bytes]:
        """Return the entry in pieces, in the form that ``decode_entry`` reads."""
        block = self.block
        header = _HEADER.pack(_VERSION, len(self.signed), len(block.data))
        ends = struct.pack(f"<H{len(block.ends)}Q", len(block.ends), *block.ends)
        return [header, *(one.encode() for one in self.signed), ends, block.data]


def decode_entry(payload: bytes) -> Entry:
    """Decode an entry.

    Raises:
        JournalDamagedError: the bytes are not an entry, or the entry has a later version.
    """
    try:
        (version,) = struct.unpack_from("<H", payload)
        if version not in _VERSIONS:
            raise JournalDamagedError(
                f"the journal has an entry of version {version}, but this Lognotary supports {_VERSION}: run the one "
                "that wrote it"
            )
        if version == _VERSION:
            signed, block_bytes, at = _decode_batches(payload)
        else:
            _, requests, leaf_bytes, block_bytes = _OLD_HEADER.unpack_from(payload)
            one, at = _decode_batch(payload, _OLD_HEADER.size, requests, leaf_bytes)
            signed = [one]
        ends: tuple[int, ...] = ()
        if version > 1:
            (columns,) = struct.unpack_from("<H", payload, at)
            ends = struct.unpack_from(f"<{columns}Q", payload, at + 2)
            at += 2 + 8 * columns
        block = payload[at:]
    except (struct.error, IndexError, ValueError) as error:
        raise JournalDamagedError(_with_advice(f"the journal has an entry that cannot be read: {error}")) from error
    if not signed or len(block) != block_bytes:
        raise JournalDamagedError(_with_advice("the journal has an incomplete entry"))
    return Entry(tuple(signed), Block(block, ends))


def _decode_batches(payload: bytes) -> tuple[list[SignedBatch], int, int]:
    """Return the batches of an entry, the size of its block, and where the batches end."""
    _, count, block_bytes = _HEADER.unpack_from(payload)
    at = _HEADER.size
    signed = []
    for _ in range(count):
        requests, leaf_bytes = _BATCH_HEADER.unpack_from(payload, at)
        one, at = _decode_batch(payload, at + _BATCH_HEADER.size, requests, leaf_bytes)
        signed.append(one)
    return signed, block_bytes, at


def _decode_batch(payload: bytes, at: int, requests: int, leaf_bytes: int) -> tuple[SignedBatch, int]:
    """Return a batch whose row begins at a place, and the place where its leaf hashes end."""
    values: list[Any] = []
    for read in _READERS:
        value, at = read(payload, at)
        values.append(value)
    log_id, origin, *others = values
    batch = Batch(log_id, origin, _NO_ID, *others)
    hashes_at = at + requests * HASH_SIZE
    end = hashes_at + leaf_bytes
    if end > len(payload):
        raise JournalDamagedError(_with_advice("the journal has an incomplete entry"))
    digests = tuple(payload[place : place + HASH_SIZE] for place in range(at, hashes_at, HASH_SIZE))
    signed = SignedBatch(replace(batch, batch_id=compute_batch_id(batch)), payload[hashes_at:end], digests)
    return signed, end


def _with_advice(damage: str) -> str:
    return (
        f"{damage}. No file was changed. 'lognotary journal inspect' shows what the journal holds. If storage was "
        "restored, restore a backup that has all that was stored. To start without what the journal holds, move its "
        "directory (in journal/ in the data directory) away and keep it"
    )

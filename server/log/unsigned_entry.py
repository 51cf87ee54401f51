"""Journal entries of a stream that is not signed: a batch, with everything that is needed to store it."""

from __future__ import annotations

import struct

from server.errors.ingest import JournalDamagedError
from storage.unsigned_rows import TOKEN_SIZE, UnsignedBatch

__all__ = ["decode_unsigned_entry", "encode_unsigned_entry"]

# Far from the versions of entries with signed batches, so that the two kinds cannot be confused.
_VERSION = 0x5501
_HEADER = struct.Struct(f"<HH{TOKEN_SIZE}sIIQ")  # version, canonical version, token, day, rows, bytes of the block


def encode_unsigned_entry(batch: UnsignedBatch) -> list[bytes]:
    """Encode a batch for ``decode_unsigned_entry``; the entry is the concatenation of the pieces."""
    header = _HEADER.pack(_VERSION, batch.version, batch.token, batch.day, batch.rows, len(batch.block))
    return [header, batch.block]


def decode_unsigned_entry(payload: bytes) -> UnsignedBatch:
    """Decode an entry.

    Raises:
        JournalDamagedError: the bytes are not such an entry.
    """
    try:
        version, canonical, token, day, rows, size = _HEADER.unpack_from(payload)
    except struct.error as error:
        raise JournalDamagedError(_with_advice("the journal has an incomplete entry")) from error
    block = payload[_HEADER.size :]
    if version != _VERSION or len(block) != size:
        raise JournalDamagedError(_with_advice("the journal has an entry that is not a batch of an unsigned stream"))
    return UnsignedBatch(token, day, rows, canonical, block)


def _with_advice(damage: str) -> str:
    return (
        f"{damage}. No file was changed. 'lognotary journal inspect' shows what the journal holds. To start without "
        "what the journal holds, move its directory (in journal/ in the data directory) away and keep it"
    )

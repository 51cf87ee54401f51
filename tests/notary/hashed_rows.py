"""Rows of a log, and both ways to hash them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence

from harness.lacking import lacking
from server.notary import hashing, leaf_rows
from server.notary.canonical import (
    Kind,
    encode_array,
    encode_map,
    encode_string,
    encode_time,
    encode_uint8,
    encode_uint32,
    encode_uint64,
)
from server.notary.leaf_rows import LeafHashes, LeafRange
from server.notary.record_filter import RecordFilter

from .blocks import block_of

__all__ = [
    "BATCHES",
    "COUNT",
    "FIRST",
    "KINDS",
    "RANGES",
    "HashRows",
    "batch_of",
    "compiled",
    "in_python",
    "record",
    "row",
]

FIRST = 1000
BATCHES = [bytes([number]) * 16 for number in range(3)]
RANGES = [LeafRange(FIRST + 3, BATCHES[0]), LeafRange(FIRST + 4, BATCHES[1]), LeafRange(FIRST + 8, BATCHES[2])]
COUNT = 8
KINDS = [
    *(Kind.TIME, Kind.STRING, Kind.MAP, Kind.UINT8, Kind.WORD, Kind.UINT32),
    *(Kind.UINT64, Kind.TIMES, Kind.STRINGS, Kind.WORDS, Kind.MAPS),
]
HashRows = Callable[..., LeafHashes]  # in_python or compiled


def batch_of(leaf: int) -> bytes:
    return next(part.batch_id for part in RANGES if leaf < part.end_leaf and part.batch_id is not None)


def record(text: bytes = b"text") -> bytes:
    pairs = [(b"key", text), (b"other", b"")]
    fields = (
        encode_time(1),
        encode_string(text),
        encode_map(pairs),
        encode_uint8(2),
        encode_string(b""),
        encode_uint32(3),
        encode_uint64(4),
        encode_array([encode_time(5)]),
        encode_array([encode_string(text), encode_string(b"")]),
        encode_array([]),
        encode_array([encode_map(pairs), encode_map([])]),
    )
    return b"".join(fields)


def row(leaf: int, content: bytes = record(), batch_id: bytes | None = None, *, right_beside: bool = True) -> bytes:
    return (batch_id or batch_of(leaf)) + struct.pack("<Q?", leaf, right_beside) + content


def in_python(
    rows: Iterable[bytes],
    kinds: Sequence[Kind] = KINDS,
    first: int = FIRST,
    ranges: Sequence[LeafRange] = RANGES,
    version: int = 1,
    wanted: RecordFilter | None = None,
) -> LeafHashes:
    return leaf_rows.hash_rows(rows, kinds, version, first, ranges, wanted)


def compiled(
    rows: Iterable[bytes],
    kinds: Sequence[Kind] = KINDS,
    first: int = FIRST,
    ranges: Sequence[LeafRange] = RANGES,
    version: int = 1,
    wanted: RecordFilter | None = None,
) -> LeafHashes:
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    return hashing.hash_blocks((block_of(each, kinds) for each in rows), kinds, version, first, ranges, wanted)

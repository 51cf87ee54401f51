"""Logs that grow by batches of empty records, and their commits to storage."""

from __future__ import annotations

import struct
from hashlib import sha256

from server.codec.encode_columns import encode_column
from server.notary.batch import Batch, LogState, NotarizedBatch, notarize
from server.notary.canonical import Kind, canonical_columns
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.commit import encode_records_block, insert_batches, insert_records, insert_tiles
from storage.engine import Engine
from storage.evidence import read_batches_within
from storage.native import Block, Column, PlainColumn

SIGNER = Signer.generate()
NOW = 1_790_000_000 * 10**9


def log(stream: Stream = Stream.OPERATIONAL, writer: str = "node-1") -> LogState:
    return LogState(LogName("example.org", stream, writer))


def grow(state: LogState, count: int, ingested_at: int = NOW) -> NotarizedBatch:
    hashes = b"".join(sha256(b"%d" % (state.range.size + n)).digest() for n in range(count))
    return notarize(state, hashes, SIGNER, min_timestamp=-5, max_timestamp=2**63 - 1, ingested_at=ingested_at)


def empty(kind: Kind, count: int) -> Column:
    """Return a column of so many empty values."""
    values = {Kind.STRING: b"", Kind.WORD: b""}.get(kind, () if kind is Kind.MAP or kind.element else 0)
    return encode_column(kind, [values] * count)[0]


def empty_columns(stream: Stream, count: int, ingested_at: int = NOW) -> list[Column]:
    """Columns of records of which only IngestedAt is not empty."""
    return [
        PlainColumn(struct.pack("<q", ingested_at) * count)
        if column.name == "IngestedAt"
        else empty(column.kind, count)
        for column in canonical_columns(stream)
    ]


def block(step: NotarizedBatch, ingested_at: int = NOW) -> Block:
    batch, stream = step.batch, step.state.name.stream
    return encode_records_block(stream, [batch], [empty_columns(stream, batch.record_count, ingested_at)])


def commit(engine: Engine, step: NotarizedBatch) -> Batch:
    insert_records(engine, step.state.name.stream, [step.batch], block(step, step.batch.ingested_at))
    insert_tiles(engine, [step.batch], [step.fragments])
    insert_batches(engine, [step.batch])
    return step.batch


def read_batches(engine: Engine, log_id: str) -> list[Batch]:
    return read_batches_within(engine, log_id, 0, 10**9)

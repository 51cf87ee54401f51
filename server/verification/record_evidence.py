"""Evidence of the records in an answer: proof that they are still what was signed.

A record is verified as an outsider would verify it: its batch's checkpoint is checked against the public
key, and an inclusion proof (RFC 6962, section 2.1.1) is made from the tree's tiles and verified.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from server.notary.batch import Batch
from server.notary.canonical import decode_record, entry_of
from server.notary.chain import check_batch
from server.notary.errors import VerificationError
from server.notary.merkle import leaf_hash
from server.notary.origin import Stream
from server.notary.proofs import inclusion_nodes, inclusion_path, verify_inclusion
from server.notary.trust import TrustedKeys
from server.verification.tree import TreeHashes, read_tree
from storage.engine import Engine
from storage.evidence import StoredRecord, read_batches_of_leaves

__all__ = ["RecordEvidence", "State", "gather_evidence"]

# Nanoseconds after its receipt for which a record may wait for its commit: its batch's row is stored after its records.
_ON_ITS_WAY = 60 * 10**9


class State(Enum):
    """State of a record's evidence; the values are the names in the public API."""

    VERIFIED = "VERIFIED"
    SIGNED = "SIGNED"
    UNSIGNED = "UNSIGNED"
    TAMPERED = "TAMPERED"


@dataclass(frozen=True, slots=True)
class RecordEvidence:
    """Result of checking a record.

    Attributes:
        state: state of the record's evidence.
        reason: reason why the state is UNSIGNED or TAMPERED.
        batch: batch of the record, None if it has none.
        record_hash: SHA-256 of the canonical record.
    """

    state: State
    reason: str
    batch: Batch | None
    record_hash: bytes


def gather_evidence(
    engine: Engine, keys: TrustedKeys, stream: Stream, records: Sequence[StoredRecord], *, rehash: bool
) -> list[RecordEvidence]:
    """Return the evidence of records, checked against their logs.

    Args:
        engine: the storage.
        keys: trusted public keys.
        stream: stream of the records.
        records: records of an answer.
        rehash: verify each record's content, and not only that its batch is signed.

    Returns:
        The evidence of each record, in the order of ``records``.

    Raises:
        StorageError: storage cannot be read.
    """
    leaves: defaultdict[str, set[int]] = defaultdict(set)
    for record in records:
        if record.log_id:
            leaves[record.log_id].add(record.leaf_index)
    logs = {log_id: _Log(engine, keys, log_id, indexes, rehash) for log_id, indexes in leaves.items()}
    return [_check(stream, record, logs.get(record.log_id), rehash) for record in records]


class _Log:
    """The batches and tree hashes of one log that are needed to check some of its leaves."""

    def __init__(self, engine: Engine, keys: TrustedKeys, log_id: str, leaves: set[int], rehash: bool) -> None:
        self._batches = read_batches_of_leaves(engine, log_id, leaves)
        self.problems = {batch.batch_id: check_batch(batch, keys) for batch in self._batches}
        self.tree = TreeHashes({})
        if rehash:
            self.tree = read_tree(
                engine,
                log_id,
                max((batch.tree_size for batch in self._batches), default=0),
                {
                    node
                    for leaf in leaves
                    for batch in self.batches_of(leaf)
                    for node in [(0, leaf), *inclusion_nodes(leaf, batch.tree_size)]
                },
            )

    def batches_of(self, leaf_index: int) -> Iterable[Batch]:
        return (batch for batch in self._batches if batch.first_leaf <= leaf_index < batch.tree_size)


def _check(stream: Stream, record: StoredRecord, log: _Log | None, rehash: bool) -> RecordEvidence:
    record_hash = entry_of(record.canonical)
    batches = list(log.batches_of(record.leaf_index)) if log else []
    batch = next((batch for batch in batches if batch.batch_id == record.batch_id), None)
    if log is None or batch is None:
        reason = _reason_without_batch(stream, record, place_taken=bool(batches)) if log else "the record is in no log"
        return RecordEvidence(State.UNSIGNED, reason, None, record_hash)
    problem = log.problems[batch.batch_id]
    if problem is not None:
        return RecordEvidence(State.TAMPERED, problem.message, batch, record_hash)
    if not rehash:
        return RecordEvidence(State.SIGNED, "", batch, record_hash)
    reason = _reason_of_doubt(record, leaf_hash(record_hash), batch, log)
    return RecordEvidence(State.TAMPERED if reason else State.VERIFIED, reason, batch, record_hash)


def _reason_without_batch(stream: Stream, record: StoredRecord, *, place_taken: bool) -> str:
    if place_taken:
        return "the record's batch was never committed: another batch has its place in the log"
    received = decode_record(stream, record.canonical)["IngestedAt"]
    if isinstance(received, int) and received > time.time_ns() - _ON_ITS_WAY:
        return "the record's batch is not committed yet"
    return "the record's batch is not committed: it is in the server's journal, or was left over from a crash"


def _reason_of_doubt(record: StoredRecord, leaf: bytes, batch: Batch, log: _Log) -> str:
    """Verify a record; return why it cannot be verified, empty if it can."""
    if not record.computed_ok:
        return "a computed column (__otel_materialized_*) was changed"
    try:
        signed = log.tree.node(0, record.leaf_index)
        path = inclusion_path(record.leaf_index, batch.tree_size, log.tree.node)
        verify_inclusion(record.leaf_index, batch.tree_size, signed, path, batch.root_hash)
    except VerificationError as error:
        return f"the record cannot be proved: hashes of the tree in log_tiles were altered or are missing ({error})"
    return "" if leaf == signed else "content does not match what was signed"

"""The evidence of records in an answer: are they still what was signed?

A record is proved as an outsider would: its batch's checkpoint is checked against the public key,
and an inclusion proof (RFC 6962, section 2.1.1) is made from the tree's tiles and verified.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from server.notary.batch import Batch
from server.notary.canonical import entry_of
from server.notary.chain import TrustedKeys, check_batch
from server.notary.errors import VerificationError
from server.notary.merkle import (
    TILE_HEIGHT,
    inclusion_nodes,
    inclusion_path,
    leaf_hash,
    node_hash,
    split_hashes,
    verify_inclusion,
)
from storage.engine import Engine
from storage.evidence import StoredRecord, read_batches_of_leaves, read_tile_fragments

__all__ = ["RecordEvidence", "State", "gather_evidence"]

_TILE_WIDTH = 1 << TILE_HEIGHT


class State(Enum):
    """How far a record is covered; the values are the names of the public API."""

    VERIFIED = "VERIFIED"
    SIGNED = "SIGNED"
    UNSIGNED = "UNSIGNED"
    TAMPERED = "TAMPERED"


@dataclass(frozen=True, slots=True)
class RecordEvidence:
    """What checking a record showed.

    Attributes:
        state: the result.
        reason: why it is UNSIGNED or TAMPERED.
        batch: its batch, None where it has none.
        record_hash: SHA-256 of the canonical record.
    """

    state: State
    reason: str
    batch: Batch | None
    record_hash: bytes


def gather_evidence(
    engine: Engine, keys: TrustedKeys, records: Sequence[StoredRecord], *, rehash: bool
) -> list[RecordEvidence]:
    """Check records against their logs.

    Args:
        engine: the storage.
        keys: the public keys to believe.
        records: the records of an answer.
        rehash: prove each record's content, and not only that its batch is signed.

    Returns:
        The evidence of each record, in the same order.

    Raises:
        StorageError: storage cannot be read.
    """
    leaves: defaultdict[str, set[int]] = defaultdict(set)
    for record in records:
        if record.log_id:
            leaves[record.log_id].add(record.leaf_index)
    logs = {log_id: _Log(engine, keys, log_id, indexes, rehash) for log_id, indexes in leaves.items()}
    return [_check(record, logs.get(record.log_id), rehash) for record in records]


class _Log:
    """The batches and tree hashes of one log that some of its leaves need."""

    def __init__(self, engine: Engine, keys: TrustedKeys, log_id: str, leaves: set[int], rehash: bool) -> None:
        self._batches = read_batches_of_leaves(engine, log_id, leaves)
        self.problems = {batch.batch_id: check_batch(batch, keys) for batch in self._batches}
        self._hashes: Mapping[tuple[int, int], bytes] = {}
        self._nodes: dict[tuple[int, int], bytes] = {}
        if rehash:
            needed = {
                (level // TILE_HEIGHT, (number << level % TILE_HEIGHT) // _TILE_WIDTH)
                for leaf in leaves
                for batch in self.batches_of(leaf)
                for level, number in [(0, leaf), *inclusion_nodes(leaf, batch.tree_size)]
            }
            self._hashes = _tile_hashes(engine, log_id, needed)

    def batches_of(self, leaf_index: int) -> Iterable[Batch]:
        return (batch for batch in self._batches if batch.first_leaf <= leaf_index < batch.tree_size)

    def node(self, level: int, number: int) -> bytes:
        """Return the root of a perfect subtree, joined from the tile level below it."""
        if level % TILE_HEIGHT == 0:
            try:
                return self._hashes[level // TILE_HEIGHT, number]
            except KeyError:
                raise VerificationError(f"no hash at level {level}, {number}") from None
        if (level, number) not in self._nodes:  # proofs of one answer share most of their nodes
            left, right = self.node(level - 1, 2 * number), self.node(level - 1, 2 * number + 1)
            self._nodes[level, number] = node_hash(left, right)
        return self._nodes[level, number]


def _tile_hashes(engine: Engine, log_id: str, tiles: set[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Return (tile level, number on that level) -> hash, as committed batches brought them."""
    brought: defaultdict[tuple[int, int], dict[UUID, bytes]] = defaultdict(dict)
    for fragment, batch_id in read_tile_fragments(engine, log_id, tiles):
        start = fragment.tile_index * _TILE_WIDTH + fragment.offset
        for place, value in enumerate(split_hashes(fragment.hashes)):
            brought[fragment.level, start + place][batch_id] = value
    # A batch that was never committed, after a crash, leaves hashes in the place of the one that
    # was. The batch that brings a subtree's hash is the one that holds the subtree's last leaf.
    doubtful = [
        (number + 1 << TILE_HEIGHT * level) - 1 for (level, number), hashes in brought.items() if len(hashes) > 1
    ]
    committed = {batch.batch_id for batch in read_batches_of_leaves(engine, log_id, doubtful)}
    return {
        place: next((value for batch_id, value in hashes.items() if batch_id in committed), value)
        for place, hashes in brought.items()
        for value in [next(iter(hashes.values()))]
    }


def _check(record: StoredRecord, log: _Log | None, rehash: bool) -> RecordEvidence:
    record_hash = entry_of(record.canonical)
    batches = list(log.batches_of(record.leaf_index)) if log else []
    batch = next((batch for batch in batches if batch.batch_id == record.batch_id), None)
    if log is None or batch is None:
        reason = "it is in no log" if log is None else "its batch was never committed"
        return RecordEvidence(State.UNSIGNED, reason, None, record_hash)
    problem = log.problems[batch.batch_id]
    if problem is not None:
        return RecordEvidence(State.TAMPERED, problem.message, batch, record_hash)
    if not rehash:
        return RecordEvidence(State.SIGNED, "", batch, record_hash)
    reason = _reason_of_doubt(record, leaf_hash(record_hash), batch, log)
    return RecordEvidence(State.TAMPERED if reason else State.VERIFIED, reason, batch, record_hash)


def _reason_of_doubt(record: StoredRecord, leaf: bytes, batch: Batch, log: _Log) -> str:
    """Prove a record; return why that cannot be done, empty if it can."""
    if not record.computed_ok:
        return "a computed column (__otel_materialized_*) was changed"
    try:
        signed = log.node(0, record.leaf_index)
        path = inclusion_path(record.leaf_index, batch.tree_size, log.node)
        verify_inclusion(record.leaf_index, batch.tree_size, signed, path, batch.root_hash)
    except VerificationError as error:
        return f"it cannot be proved: hashes of the tree in log_tiles were altered, or are missing ({error})"
    return "" if leaf == signed else "its content is not what was signed"

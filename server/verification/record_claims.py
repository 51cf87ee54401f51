"""The batches that records claim to belong to, and why a claim does not hold.

A record claims a leaf of a log, in a batch. The claim is looked up once, and again if no batch fits it, because the
batch may have been committed in the meantime: the row of a batch is stored after its records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from server.notary.batch import Batch, compute_batch_id
from server.notary.chain import check_batch
from server.notary.statement import StatementKind
from server.notary.trust import TrustedKeys
from server.verification.foreign_logs import foreign_signed, key_names
from server.verification.homes import log_id_of
from server.verification.last_batches import last_batch_of
from storage.batch_lookup import read_batches_by_id, read_batches_named, read_known_logs, read_latest_batches
from storage.engine import Engine
from storage.evidence import read_batches_of_leaves
from storage.statements import read_statements
from storage.stored_records import StoredRecord

__all__ = ["Claims", "FoundBatch", "look_up"]

_NO_ID = UUID(int=0)
_LOOKED_AT = 20  # batches at the end of a log
_MOST_LOGS = 64  # whose batches are read, if records of theirs name no batch that has them


@dataclass(frozen=True, slots=True)
class FoundBatch:
    """A batch, and the reason why its row does not count.

    Attributes:
        batch: the batch.
        problem: the reason; empty if the row counts.
        signers: names and IDs of the keys that signed it, if none of them is known.
    """

    batch: Batch
    problem: str
    signers: tuple[str, ...] = ()

    def holds(self, leaf_index: int) -> bool:
        """Return whether a leaf is one of the batch's."""
        return self.batch.first_leaf <= leaf_index < self.batch.tree_size


@dataclass(slots=True)
class Claims:
    """Facts in storage about the claims of records.

    Attributes:
        fitting: the batch of each claim (LogId, BatchId, LeafIndex) that names the batch that has the leaf.
        sizes: number of committed leaves of each log, if a record of it has no batch.
        taken: the batch that has the leaf, for other claims, by LogId and leaf.
        named: the batches of those claims, by ID, wherever they are.
        foreign: sentences about each log that no known key signed, by LogId.
    """

    fitting: dict[tuple[str, UUID, int], FoundBatch] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    taken: dict[tuple[str, int], FoundBatch] = field(default_factory=dict)
    named: dict[UUID, Batch] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)


def look_up(engine: Engine, keys: TrustedKeys, records: Iterable[StoredRecord]) -> Claims:
    """Look up the claims of records.

    Args:
        engine: the storage.
        keys: trusted public keys.
        records: the records.

    Raises:
        StorageError: storage cannot be read.
    """
    claims = Claims()
    wanted = {(record.log_id, record.batch_id, record.leaf_index) for record in records}
    claims.fitting = _fitting(engine, keys, {claim for claim in wanted if claim[0]})
    claims.foreign = _foreign(engine, keys, claims.fitting.values())
    rest = wanted - claims.fitting.keys()
    if not any(log_id or batch_id != _NO_ID for log_id, batch_id, _ in rest):
        return claims
    # Rows that somebody inserted may name any number of logs. Records of logs that are left out are unsigned.
    known = read_known_logs(engine, {log_id for log_id, _, _ in rest if log_id})
    valid = {log_id_of(key.name) for key in keys.named}
    valid |= {log_id for (log_id, _, _), found in claims.fitting.items() if not found.problem}
    logs = set(sorted(known, key=lambda log_id: (log_id not in valid, log_id))[:_MOST_LOGS])
    # Sizes are read first: a batch that they count is found afterwards.
    claims.sizes = {log_id: _size(engine, keys, log_id) for log_id in logs}
    claims.fitting |= _fitting(engine, keys, {claim for claim in rest if claim[0] in logs})
    rest -= claims.fitting.keys()
    for log_id, leaves in _leaves(claim for claim in rest if claim[0] in logs).items():
        found = [_judge(keys, [batch]) for batch in read_batches_of_leaves(engine, log_id, leaves)]
        # A batch that counts is preferred to rows of others, so it comes last.
        for place in sorted(found, key=lambda each: not each.problem):
            claims.taken |= {(log_id, leaf): place for leaf in leaves if place.holds(leaf)}
    ids = {batch_id for _, batch_id, _ in rest} - {_NO_ID}
    claims.named = {batch.batch_id: batch for batch in read_batches_by_id(engine, ids)}
    return claims


def _fitting(
    engine: Engine, keys: TrustedKeys, wanted: Collection[tuple[str, UUID, int]]
) -> dict[tuple[str, UUID, int], FoundBatch]:
    by_log: defaultdict[str, list[tuple[UUID, int]]] = defaultdict(list)
    for log_id, batch_id, leaf in wanted:
        by_log[log_id].append((batch_id, leaf))
    rows: defaultdict[tuple[str, UUID], list[Batch]] = defaultdict(list)
    for batch in read_batches_named(engine, by_log):
        rows[batch.log_id, batch.batch_id].append(batch)
    found = {place: _judge(keys, same) for place, same in rows.items()}
    return {claim: found[claim[:2]] for claim in wanted if claim[:2] in found and found[claim[:2]].holds(claim[2])}


def _leaves(claims: Iterable[tuple[str, UUID, int]]) -> Mapping[str, set[int]]:
    leaves: defaultdict[str, set[int]] = defaultdict(set)
    for log_id, _, leaf in claims:
        leaves[log_id].add(leaf)
    return leaves


def _judge(keys: TrustedKeys, rows: Sequence[Batch]) -> FoundBatch:
    """Return the row of a batch that counts, of several; else one of them, with the reason."""
    rows = sorted(rows, key=lambda batch: compute_batch_id(batch) != batch.batch_id)
    found: FoundBatch | None = None
    for batch in rows:
        problem = check_batch(batch, keys)
        if problem is None:
            return FoundBatch(batch, "")
        found = found or FoundBatch(batch, problem.message, problem.signers)
    assert found is not None  # noqa: S101 - there is a row
    return found


def _foreign(engine: Engine, keys: TrustedKeys, found: Iterable[FoundBatch]) -> dict[str, str]:
    """Return sentences about those logs that only unknown keys signed, by the batches at their ends."""
    foreign: dict[str, str] = {}
    names: Mapping[str, str] = {}
    doubtful = {place.batch.log_id: place.batch.origin for place in found if place.signers}
    for log_id, origin in doubtful.items():
        ends = [*read_latest_batches(engine, log_id, _LOOKED_AT), *read_batches_of_leaves(engine, log_id, {0})]
        judged = [_judge(keys, [batch]) for batch in ends]
        if not all(place.signers for place in judged):
            continue
        names = names or key_names(read_statements(engine, None, StatementKind.KEYS))
        signers = (name for place in judged for name in place.signers)
        foreign[log_id] = foreign_signed(origin, signers, keys, names)
    return foreign


def _size(engine: Engine, keys: TrustedKeys, log_id: str) -> int:
    last = last_batch_of(engine, keys, log_id)
    return last.largest.tree_size if last else 0

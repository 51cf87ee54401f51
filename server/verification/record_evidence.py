"""Evidence of the records in an answer: proof that they are still what was signed.

A record is verified as an outsider would verify it: its batch's checkpoint is checked against the public
key, and an inclusion proof (RFC 6962, section 2.1.1) is made from the tree's tiles and verified. If the tiles were
altered, the record is proved by all leaves of its batch.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from server.notary.batch import Batch
from server.notary.canonical import decode_record, entry_of, leaf_of, versions_of
from server.notary.diagnosis import WRONG_BESIDE_CONTENT
from server.notary.origin import LogName
from server.notary.trust import TrustedKeys
from server.verification.leaf_proofs import LeafProver
from server.verification.record_claims import Claims, look_up
from server.verification.tree import TileCache
from storage.engine import Engine
from storage.stored_records import StoredRecord

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
        canonical: the canonical record, in the version of the batch.
        record_hash: its SHA-256.
        tiles_altered: True if the tree's stored hashes do not lead to the signed root hash, so that the record was
            checked in another way.
        is_expected: True if the record is UNSIGNED because it names no log, and need not: see
            ``TrustedKeys.expects_unsigned``.
        is_of_a_collector: True if it then is a span of a Collector, because spans that Lognotary writes are signed.
        path: audit path (RFC 6962, section 2.1.1) from the leaf that was signed at the record's place to the root hash
            of the batch's checkpoint, verified; None if there is none, or the record was not hashed.
    """

    state: State
    reason: str
    batch: Batch | None
    canonical: bytes
    tiles_altered: bool = False
    is_expected: bool = False
    is_of_a_collector: bool = False
    path: tuple[bytes, ...] | None = None

    @property
    def record_hash(self) -> bytes:
        """SHA-256 of the canonical record."""
        return entry_of(self.canonical)


def gather_evidence(
    engine: Engine,
    keys: TrustedKeys,
    records: Sequence[StoredRecord],
    *,
    rehash: bool,
    cache: TileCache | None = None,
) -> list[RecordEvidence]:
    """Return the evidence of records of any streams, checked against their logs.

    At most one of the records that claim the same leaf of a log is verified or signed: the first one that is what was
    signed there. To find it, these records are hashed in any case.

    Args:
        engine: the storage.
        keys: trusted public keys.
        records: records of an answer.
        rehash: verify each record's content, and not only that its batch is signed.
        cache: tiles that were read before. It is not trusted: what does not lead to a signed root hash is read again.

    Returns:
        The evidence of each record, in the order of ``records``.

    Raises:
        StorageError: storage cannot be read.
    """
    claims = look_up(engine, keys, records)
    claimed = Counter((record.log_id, record.leaf_index) for record in records)
    hashed = [rehash or claimed[record.log_id, record.leaf_index] > 1 for record in records]
    prover = LeafProver(engine, _to_prove(records, hashed, claims), cache)
    found = [_check(record, claims, prover, hash_it=hash_it) for record, hash_it in zip(records, hashed, strict=True)]
    taken: set[tuple[str, int]] = set()
    for number, (record, evidence) in enumerate(zip(records, found, strict=True)):
        if evidence.state is State.UNSIGNED and record.claims_nothing and keys.expects_unsigned(record.stream):
            by_setting = record.stream in keys.unsigned_streams
            reason = f"the stream {record.stream.value} is not signed" if by_setting else evidence.reason
            found[number] = replace(evidence, reason=reason, is_expected=True, is_of_a_collector=not by_setting)
        if evidence.state is State.VERIFIED:
            place = record.log_id, record.leaf_index
            if place in taken:
                found[number] = replace(evidence, state=State.TAMPERED, reason=f"a copy of {_name(record, evidence)}")
            elif not rehash:
                found[number] = replace(evidence, state=State.SIGNED)
            taken.add(place)
    return found


def _name(record: StoredRecord, evidence: RecordEvidence) -> str:
    return f"record {record.leaf_index}" + (f" of {evidence.batch.origin}" if evidence.batch else "")


def _to_prove(
    records: Sequence[StoredRecord], hashed: Sequence[bool], claims: Claims
) -> Mapping[str, set[tuple[int, int]]]:
    """Return the (leaf, size of a tree) pairs of the proofs that are needed, by LogId."""
    needed: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    for record, hash_it in zip(records, hashed, strict=True):
        found = claims.fitting.get((record.log_id, record.batch_id, record.leaf_index)) if hash_it else None
        found = found or claims.taken.get((record.log_id, record.leaf_index))
        if found is not None and not found.problem:
            needed[record.log_id].add((record.leaf_index, found.batch.tree_size))
    return needed


def _check(record: StoredRecord, claims: Claims, prover: LeafProver, *, hash_it: bool) -> RecordEvidence:
    found = claims.fitting.get((record.log_id, record.batch_id, record.leaf_index))
    if found is None:
        return _without_batch(record, claims, prover)
    batch = found.batch
    canonical, ok_beside = record.as_signed(batch.canonical_version)
    if found.signers and (foreign := claims.foreign.get(record.log_id)):
        # Nobody can tell whether the record is what its server signed, and nothing says that it is not.
        return RecordEvidence(State.UNSIGNED, f"{batch.origin}: {foreign}", batch, canonical)
    if found.problem:
        return RecordEvidence(State.TAMPERED, found.problem, batch, canonical)
    if LogName.parse(batch.origin).stream is not record.stream:
        reason = f"the record is not in the table of its log, {batch.origin}"
        path = prover.prove(record.leaf_index, leaf_of(canonical), batch).path if hash_it else None
        return RecordEvidence(State.TAMPERED, reason, batch, canonical, path=path)
    if not hash_it:
        return RecordEvidence(State.SIGNED, "", batch, canonical)
    proof = prover.prove(record.leaf_index, leaf_of(canonical), batch)
    reason = proof.problem
    if not reason and not ok_beside:
        reason = WRONG_BESIDE_CONTENT
    elif reason:
        for version in versions_of(record.stream):
            if (
                version != batch.canonical_version
                and not prover.prove(record.leaf_index, record.leaf(version), batch).problem
            ):
                canonical, _ = record.as_signed(version)
                reason = f"the row of its batch was altered: the record was signed in canonical version {version}"
    state = State.TAMPERED if reason else State.VERIFIED
    return RecordEvidence(state, reason, batch, canonical, proof.tiles_altered, path=proof.path)


def _without_batch(record: StoredRecord, claims: Claims, prover: LeafProver) -> RecordEvidence:
    """Return the evidence of a record that does not name the batch that has its leaf."""
    named = claims.named.get(record.batch_id)
    taken = claims.taken.get((record.log_id, record.leaf_index))
    if named is not None and (named.log_id != record.log_id or taken is None):
        there = (
            f"batch {named.sequence} of {named.origin}, with the records {named.first_leaf} to {named.tree_size - 1}"
        )
        reason = (
            f"the record names {there}, but claims to be record {record.leaf_index}"
            if named.log_id == record.log_id
            else f"the record names {there}, but another log or none"
        )
        return RecordEvidence(State.TAMPERED, reason, named, record.as_signed(named.canonical_version)[0])
    if taken is not None:
        canonical = record.as_signed(taken.batch.canonical_version)[0]
        if taken.problem:
            return RecordEvidence(State.TAMPERED, taken.problem, taken.batch, canonical)
        proof = prover.prove(record.leaf_index, record.leaf(taken.batch.canonical_version), taken.batch)
        reason = _reason_if_taken(record, taken.batch, is_signed=not proof.problem)
        return RecordEvidence(State.TAMPERED, reason, taken.batch, canonical, path=proof.path)
    size = claims.sizes.get(record.log_id, 0)
    if record.leaf_index < size:
        reason = f"the record claims leaf {record.leaf_index} of a log of {size}, but the leaf's batch is missing"
        return RecordEvidence(State.TAMPERED, reason, None, record.canonical)
    return RecordEvidence(State.UNSIGNED, _reason_if_unsigned(record), None, record.canonical)


def _reason_if_taken(record: StoredRecord, batch: Batch, *, is_signed: bool) -> str:
    place = f"record {record.leaf_index} of {batch.origin}, which was signed in batch {batch.sequence}"
    if is_signed:
        return f"its BatchId was changed: it is {place}, or a copy of it"
    return f"the record claims the place of {place}: its batch was never committed, or its BatchId was changed"


def _reason_if_unsigned(record: StoredRecord) -> str:
    if not record.log_id:
        return "the record is in no log"
    received = decode_record(record.stream, record.canonical)["IngestedAt"]
    if isinstance(received, int) and received > time.time_ns() - _ON_ITS_WAY:
        return "the record's batch is not committed yet"
    return "the record's batch is not committed: it is in the server's journal, or was left over from a crash"

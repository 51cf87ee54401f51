"""API calls for logs, checkpoints and proofs. Every proof is verified before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from lognotary.v1 import evidence_pb2 as pb
from server.api.attestations import Attestations, confirmations, key_changes, latest_statement, witnessed_size
from server.api.checkpoints import checkpoint_note, find_checkpoint, parse_log, stored_checkpoint, verifier_keys
from server.api.errors import AlteredError, InvalidArgumentError, NotFoundError
from server.api.messages import evidence_message, from_nanos
from server.api.proof_cache import ProofCache
from server.notary.batch import Batch
from server.notary.counted import entries_of
from server.notary.errors import VerificationError
from server.notary.findings import Finding
from server.notary.origin import LogName
from server.notary.proofs import (
    consistency_nodes,
    consistency_path,
    inclusion_nodes,
    inclusion_path,
    perfect_subtrees,
    root_of_leaves,
    verify_consistency,
    verify_inclusion,
)
from server.notary.tlog_proof import TlogProof
from server.notary.trust import TrustedKeys
from server.verification.last_batches import LastBatch, last_batches
from server.verification.mended_tree import read_mended_tree
from server.verification.record_evidence import RecordEvidence, State, gather_evidence
from server.verification.tree import TreeHashes, read_tree
from storage.bound import sees_all_records
from storage.engine import Engine
from storage.stored_records import StoredRecord, read_records

__all__ = ["get_checkpoint", "get_consistency_proof", "get_inclusion_proof", "list_logs"]

_Made = TypeVar("_Made")

_PREFERENCE = (State.VERIFIED, State.TAMPERED, State.UNSIGNED)


def list_logs(engine: Engine, keys: TrustedKeys) -> pb.ListLogsResponse:
    """Answer ``EvidenceService.ListLogs``: the last valid checkpoint of each log.

    A larger checkpoint that is not valid follows it, with its problem.

    Raises:
        StorageError: storage cannot be read.
    """
    return pb.ListLogsResponse(
        logs=[_log_message(*listed, keys) for last in last_batches(engine, keys) for listed in _listed(last)],
        unsigned_streams=sorted(stream.value for stream in keys.unsigned_streams),
    )


def _listed(last: LastBatch) -> Iterator[tuple[Batch, Finding | None]]:
    if last.valid is not None:
        yield last.valid, None
    yield from last.others[:1]


def _log_message(batch: Batch, problem: Finding | None, keys: TrustedKeys) -> pb.Log:
    try:
        stream = LogName.parse(batch.origin).stream.value
    except VerificationError:
        stream = ""
    return pb.Log(
        origin=batch.origin,
        log_id=batch.log_id,
        stream=stream,
        tree_size=batch.tree_size,
        sequence=batch.sequence,
        ingested_at=from_nanos(batch.ingested_at),
        checkpoint=checkpoint_note(batch),
        verifier_keys=[] if problem else verifier_keys(batch, keys),
        problem=problem.message if problem else "",
    )


def get_checkpoint(engine: Engine, keys: TrustedKeys, request: pb.GetCheckpointRequest) -> pb.GetCheckpointResponse:
    """Answer ``EvidenceService.GetCheckpoint``.

    Raises:
        InvalidArgumentError: the log's name is invalid.
        NotFoundError: there is no such log, or no checkpoint of this size.
        AlteredError: its batch does not match what was signed.
        StorageError: storage cannot be read.
    """
    batch = find_checkpoint(engine, keys, request.log, request.tree_size)
    confirmed = confirmations(engine, keys, batch)
    return pb.GetCheckpointResponse(
        checkpoint=checkpoint_note(batch, confirmed.cosignatures),
        last_statement=latest_statement(engine, keys, batch.log_id),
        timestamp=confirmed.timestamp,
        origin=batch.origin,
        log_id=batch.log_id,
        tree_size=batch.tree_size,
        root_hash=batch.root_hash,
        sequence=batch.sequence,
        ingested_at=from_nanos(batch.ingested_at),
        verifier_keys=verifier_keys(batch, keys),
    )


def get_inclusion_proof(
    engine: Engine, keys: TrustedKeys, cache: ProofCache, request: pb.GetInclusionProofRequest
) -> pb.GetInclusionProofResponse:
    """Answer ``EvidenceService.GetInclusionProof``.

    Raises:
        InvalidArgumentError: the log's name is invalid, or the leaf is not in a tree of this size.
        NotFoundError: there is no such log, checkpoint or entry, or its record is no longer stored.
        AlteredError: the batch, or hashes of the tree, do not match what was signed.
        StorageError: storage cannot be read.
    """
    log_id = parse_log(request.log)
    if not request.HasField("leaf_index"):
        raise InvalidArgumentError("leaf_index must be given: the number of the entry, from 0")
    index = request.leaf_index
    batch = _checkpoint_over(engine, keys, cache, log_id, request)
    size = batch.tree_size
    if index >= size:
        message = f"there is no leaf {index}: {batch.origin} has {entries_of(size)}, numbered from 0"
        raise InvalidArgumentError(message) if request.tree_size else NotFoundError(message)

    def prove(tree: TreeHashes) -> tuple[bytes, list[bytes]]:
        leaf, path = tree.node(0, index), inclusion_path(index, size, tree.node)
        verify_inclusion(index, size, leaf, path, batch.root_hash)
        return leaf, path

    leaf, path = _proved(engine, keys, batch, cache, [(0, index), *inclusion_nodes(index, size)], prove)
    confirmed = confirmations(engine, keys, batch) if request.for_evidence else Attestations()
    note = checkpoint_note(batch, confirmed.cosignatures)
    response = pb.GetInclusionProofResponse(
        origin=batch.origin,
        log_id=log_id,
        leaf_index=index,
        tree_size=size,
        leaf_hash=leaf,
        path=path,
        checkpoint=note,
        verifier_keys=verifier_keys(batch, keys),
        tlog_proof=str(TlogProof(index, tuple(path), note)),
        key_changes=key_changes(engine, keys, log_id) if request.for_evidence else (),
        timestamp=confirmed.timestamp,
    )
    if request.include_record:
        record, evidence = _read_record(engine, keys, batch, index)
        response.record = evidence.canonical
        response.evidence.CopyFrom(evidence_message(record, evidence))
    return response


def _checkpoint_over(
    engine: Engine, keys: TrustedKeys, cache: ProofCache, log_id: str, request: pb.GetInclusionProofRequest
) -> Batch:
    """Return the batch whose checkpoint an entry is proved against. Raises as ``find_checkpoint``."""
    if request.tree_size or request.for_evidence:
        witnessed = 0 if request.tree_size else witnessed_size(engine, log_id, request.leaf_index)
        return find_checkpoint(engine, keys, request.log, request.tree_size or witnessed)
    recent = cache.latest(log_id)
    if recent is not None and request.leaf_index < recent.tree_size:
        return recent
    batch = find_checkpoint(engine, keys, request.log, 0)
    cache.keep_latest(batch)
    return batch


def _read_record(engine: Engine, keys: TrustedKeys, batch: Batch, index: int) -> tuple[StoredRecord, RecordEvidence]:
    stream = LogName.parse(batch.origin).stream
    rows = list(read_records(engine, stream, batch.log_id, index, index + 1))
    if not rows and not sees_all_records(stream):
        raise NotFoundError(
            f"record {index} of {batch.origin} is no longer stored, or these credentials do not permit reading it: "
            "leave the record out"
        )
    if not rows:
        raise NotFoundError(
            f"record {index} of {batch.origin} is no longer stored: it has expired or was deleted. Its entry is still "
            "in the log, and can be proved without the record's content"
        )
    found = zip(rows, gather_evidence(engine, keys, rows, rehash=True), strict=True)
    # There is more than one after a crash, or if rows were copied.
    return min(found, key=lambda pair: _PREFERENCE.index(pair[1].state))


def get_consistency_proof(
    engine: Engine, keys: TrustedKeys, cache: ProofCache, request: pb.GetConsistencyProofRequest
) -> pb.GetConsistencyProofResponse:
    """Answer ``EvidenceService.GetConsistencyProof``.

    Raises:
        InvalidArgumentError: the log's name is invalid, or the sizes are not in order.
        NotFoundError: there is no such log or checkpoint, or the log has not grown so far.
        AlteredError: the batches, or hashes of the tree, do not match what was signed.
        StorageError: storage cannot be read.
    """
    log_id = parse_log(request.log)
    if not request.HasField("first"):
        raise InvalidArgumentError("first must be given: the size of the earlier tree")
    if request.second and request.first > request.second:
        raise InvalidArgumentError(f"first is not greater than second, but {request.first} > {request.second}")
    later = find_checkpoint(engine, keys, request.log, request.second)
    first, second = request.first, later.tree_size
    if first > second:
        raise NotFoundError(f"{later.origin} has not grown to {entries_of(first)}: it has {second}")
    earlier = stored_checkpoint(engine, keys, log_id, first)

    def prove(tree: TreeHashes) -> tuple[bytes, list[bytes]]:
        # The later checkpoint proves this root hash, whether or not a checkpoint says it too.
        root, path = root_of_leaves(0, first, tree.node), consistency_path(first, second, tree.node)
        verify_consistency(first, second, root, later.root_hash, path)
        return root, path

    nodes = [*perfect_subtrees(0, first), *consistency_nodes(first, second)]
    root, path = _proved(engine, keys, later, cache, nodes, prove)
    if earlier is not None and earlier.root_hash != root:
        raise AlteredError(
            f"{later.origin} has two histories: its checkpoint after {entries_of(second)} is inconsistent with the one "
            f"after {first}"
        )
    return pb.GetConsistencyProofResponse(
        origin=later.origin,
        log_id=log_id,
        first=first,
        second=second,
        path=path,
        first_root=root,
        second_root=later.root_hash,
        first_checkpoint=checkpoint_note(earlier) if earlier else "",
        second_checkpoint=checkpoint_note(later),
    )


def _proved(
    engine: Engine,
    keys: TrustedKeys,
    batch: Batch,
    cache: ProofCache,
    nodes: Iterable[tuple[int, int]],
    prove: Callable[[TreeHashes], _Made],
) -> _Made:
    """Make a proof that leads to a batch's root hash, from cached hashes if they are valid, else from stored ones.

    If stored hashes were altered, they are computed anew from records.
    """
    needed = list(nodes)
    try:
        return prove(read_tree(engine, batch.log_id, batch.tree_size, needed, cache=cache))
    except VerificationError:
        cache.forget(batch.log_id)
    try:
        return prove(read_tree(engine, batch.log_id, batch.tree_size, needed))
    except VerificationError:
        pass
    try:
        return prove(read_mended_tree(engine, keys, batch.log_id, batch.tree_size, needed))
    except VerificationError as error:
        raise AlteredError(
            f"no proof can be made for {batch.origin}: hashes of the tree in log_tiles were altered or are missing, "
            f"and records do not replace them ({error}): run 'lognotary verify'"
        ) from error

"""Proofs as the API hands them out, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from lognotary.v1 import evidence_pb2 as pb
from server.api.backend import Backend
from server.api.errors import ApiError, InvalidArgumentError, NotFoundError
from server.notary.batch import Batch
from server.notary.canonical import leaf_of
from server.notary.checkpoint import open_checkpoint
from server.notary.origin import LogName, Stream
from server.notary.proofs import verify_consistency, verify_inclusion
from server.notary.signers import Signer
from server.notary.tlog_proof import parse_tlog_proof
from storage.engine import Engine
from tests.api.growing import NAME, GrowingLog, delete, update
from tests.api.proving import prove, prove_growth, proved_root
from tests.api.store import Writer, log_record
from tests.counting_engine import CountingEngine
from tests.notary.trees import leaf, leaves, naive_root


def test_every_entry_is_proved_to_every_checkpoint_that_covers_it(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(3, 252, 2, 300, 1)
    backend = Backend(engine, log.keys)
    for size in (3, 255, 257, 557, 558):
        for index in {0, 2, 254, 255, 256, 300, 511, 512, size - 1}:
            if index >= size:
                continue
            proof = prove(backend, index, size)
            root = proved_root(proof.checkpoint, list(proof.verifier_keys))
            assert root == (size, naive_root(0, size))
            assert (proof.leaf_index, proof.tree_size, proof.leaf_hash) == (index, size, leaf(index))
            assert (proof.origin, proof.log_id) == (NAME.origin, NAME.log_id)
            verify_inclusion(index, size, leaf(index), list(proof.path), root[1])
            text = parse_tlog_proof(proof.tlog_proof)
            assert (text.index, text.path, text.checkpoint) == (index, tuple(proof.path), proof.checkpoint)
            assert not proof.HasField("evidence")


@pytest.mark.parametrize("size", [65_535, 65_536, 70_000])
def test_entries_of_a_big_tree_are_proved(engine: Engine, size: int) -> None:
    log = GrowingLog(engine)
    log.grow(size - 1000, 999, 1)
    backend = Backend(engine, log.keys)
    for index in (0, size // 2, size - 1001, size - 1):
        proof = prove(backend, index)
        verify_inclusion(index, size, leaf(index), list(proof.path), naive_root(0, size))


def test_growth_is_proved_from_any_size_to_every_checkpoint(engine: Engine) -> None:
    log = GrowingLog(engine)
    batches = {batch.tree_size: batch for batch in log.grow(3, 252, 2, 300, 1)}
    backend = Backend(engine, log.keys)
    for second in batches:
        for first in {0, 1, 3, 128, 254, 255, 256, 257, 500, 557, 558}:
            if first > second:
                continue
            proof = prove_growth(backend, first, second)
            assert (proof.first, proof.second) == (first, second)
            assert (proof.first_root, proof.second_root) == (naive_root(0, first), naive_root(0, second))
            verify_consistency(first, second, proof.first_root, proof.second_root, list(proof.path))
            assert proof.first_checkpoint == (batches[first].checkpoint if first in batches else "")
            assert proof.second_checkpoint == batches[second].checkpoint
    assert prove_growth(backend, 3).second == 558


def test_a_record_comes_with_its_proof_on_demand(writer: Writer) -> None:
    writer.write([log_record(f"record {number}", at=number) for number in range(5)])
    writer.write([log_record("later")])
    backend = Backend(writer.engine, writer.keys)
    request = pb.GetInclusionProofRequest(log=NAME.origin, leaf_index=3, include_record=True)
    proof = backend.get_inclusion_proof(request)
    assert b"record 3" in proof.record
    assert leaf_of(proof.record) == proof.leaf_hash
    assert (proof.evidence.state, proof.evidence.leaf_index) == (pb.VERIFIED, 3)
    assert proof.evidence.record_hash == sha256(proof.record).hexdigest()
    verify_inclusion(3, 6, proof.leaf_hash, list(proof.path), open_checkpoint(proof.checkpoint)[0].root)


def test_a_record_that_was_changed_is_said_to_be(writer: Writer) -> None:
    writer.write([log_record("true"), log_record("other")])
    update(writer.engine, "otel_logs", "Body = 'false'", "LeafIndex = 0")
    request = pb.GetInclusionProofRequest(log=NAME.origin, leaf_index=0, include_record=True)
    proof = Backend(writer.engine, writer.keys).get_inclusion_proof(request)
    assert proof.evidence.state == pb.TAMPERED
    assert b"false" in proof.record
    assert leaf_of(proof.record) != proof.leaf_hash


def test_a_record_that_is_gone_is_not_found_but_its_entry_is_proved(writer: Writer) -> None:
    writer.write([log_record("a"), log_record("b")])
    delete(writer.engine, "otel_logs", "LeafIndex = 1")
    backend = Backend(writer.engine, writer.keys)
    with pytest.raises(NotFoundError, match="record 1 of shop/operational/node-1 is no longer stored"):
        backend.get_inclusion_proof(pb.GetInclusionProofRequest(log=NAME.origin, leaf_index=1, include_record=True))
    assert prove(backend, 1).path


def test_of_several_records_in_one_place_the_signed_one_is_answered(writer: Writer) -> None:
    writer.write([log_record("first")])
    lost = writer.write([log_record("never committed")])[Stream.OPERATIONAL]
    delete(writer.engine, "log_batches", f"BatchId = toUUID('{lost.batch_id}')")
    writer.write([log_record("committed")])
    request = pb.GetInclusionProofRequest(log=NAME.origin, leaf_index=1, include_record=True)
    proof = Backend(writer.engine, writer.keys).get_inclusion_proof(request)
    assert b"never" not in proof.record
    assert proof.evidence.state == pb.VERIFIED


def test_hashes_of_a_batch_that_was_never_committed_disturb_no_proof(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(250)
    for number in range(3):
        log.append(b"".join(sha256(b"lost %d %d" % (number, n)).digest() for n in range(300)), commit=False)
    backend = Backend(engine, log.keys)
    assert prove(backend, 249).tree_size == 250  # which must not keep the others' hashes in mind
    log.grow(300, 10)
    for index in (0, 249, 250, 255, 256, 549, 559):
        verify_inclusion(index, 560, leaf(index), list(prove(backend, index, 560).path), naive_root(0, 560))


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (pb.GetCheckpointRequest(), InvalidArgumentError, "names no log: give its origin"),
        (pb.GetCheckpointRequest(log="shop"), InvalidArgumentError, "'shop' names no log"),
        (pb.GetCheckpointRequest(log="A" * 16), InvalidArgumentError, "16 hexadecimal digits"),
        (pb.GetCheckpointRequest(log="' OR 1 --"), InvalidArgumentError, "names no log"),
        (pb.GetCheckpointRequest(log="shop/audit/none"), NotFoundError, "there is no log"),
        (pb.GetCheckpointRequest(log="0" * 16, tree_size=3), NotFoundError, "there is no log 0000000000000000"),
        (pb.GetCheckpointRequest(log=NAME.origin, tree_size=2), NotFoundError, "nearest is after 3$"),
        (pb.GetCheckpointRequest(log=NAME.origin, tree_size=4), NotFoundError, "nearest are after 3 and after 8$"),
        (pb.GetCheckpointRequest(log=NAME.origin, tree_size=(1 << 64) - 1), NotFoundError, "nearest is after 8$"),
        (pb.GetInclusionProofRequest(log=NAME.origin), InvalidArgumentError, "leaf_index must be given"),
        (pb.GetInclusionProofRequest(log="x", leaf_index=1), InvalidArgumentError, "names no log"),
        (pb.GetInclusionProofRequest(log=NAME.origin, leaf_index=8), NotFoundError, "no leaf 8.* has 8 entries"),
        (pb.GetInclusionProofRequest(log=NAME.origin, leaf_index=1 << 63), NotFoundError, "has 8 entries"),
        (pb.GetInclusionProofRequest(log=NAME.origin, leaf_index=3, tree_size=3), InvalidArgumentError, "no leaf 3"),
        (pb.GetInclusionProofRequest(log=NAME.origin, leaf_index=0, tree_size=4), NotFoundError, "nearest are"),
        (pb.GetInclusionProofRequest(log="shop/audit/none", leaf_index=0), NotFoundError, "no log"),
        (pb.GetConsistencyProofRequest(log=NAME.origin), InvalidArgumentError, "first must be given"),
        (pb.GetConsistencyProofRequest(log="x", first=1), InvalidArgumentError, "names no log"),
        (pb.GetConsistencyProofRequest(log=NAME.origin, first=4, second=3), InvalidArgumentError, "4 > 3"),
        (pb.GetConsistencyProofRequest(log=NAME.origin, first=9), NotFoundError, "not grown to 9 entries: it has 8"),
        (pb.GetConsistencyProofRequest(log=NAME.origin, first=1, second=5), NotFoundError, "nearest are"),
        (pb.GetConsistencyProofRequest(log="shop/audit/none", first=0), NotFoundError, "no log"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str | type) else "",
)
def test_what_cannot_be_answered_is_refused_with_advice(
    module_log: GrowingLog, request_: Any, error: type[ApiError], message: str
) -> None:
    backend = Backend(module_log.engine, module_log.keys)
    calls: dict[type, Callable[[Any], object]] = {
        pb.GetCheckpointRequest: backend.get_checkpoint,
        pb.GetInclusionProofRequest: backend.get_inclusion_proof,
        pb.GetConsistencyProofRequest: backend.get_consistency_proof,
    }
    with pytest.raises(error, match=message):
        calls[type(request_)](request_)


@pytest.fixture(scope="module")
def module_log(module_engine: Engine) -> GrowingLog:
    """A log of 8 entries in two batches, which no test changes."""
    for table in ("log_batches", "log_tiles"):
        module_engine.execute(f"TRUNCATE TABLE {table} SYNC")
    log = GrowingLog(module_engine)
    log.grow(3, 5)
    return log


def test_a_proof_needs_one_query_for_the_tree_and_a_second_one_nothing(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(3000, 70_000)
    counting = CountingEngine(engine)
    backend = Backend(counting, log.keys)
    backend.list_logs(pb.ListLogsRequest())  # learns the keys
    counting.tables()
    first = prove(backend, 40_000)
    assert counting.tables() == ["log_batches", "log_tiles"]
    assert prove(backend, 40_000) == first
    assert counting.tables() == []
    assert prove(backend, 40_100).path, "the leaf's neighbour is under the same tile"
    assert counting.tables() == []
    prove(backend, 100)
    assert counting.tables() == ["log_tiles"]
    prove_growth(backend, 3000)
    assert counting.tables() == ["log_batches", "log_batches", "log_tiles"]


def test_an_entry_that_just_came_is_proved_at_once(engine: Engine) -> None:
    log = GrowingLog(engine)
    backend = Backend(engine, log.keys)
    for count in (1, 255, 1, 600):
        (batch,) = log.grow(count)
        proof = prove(backend, batch.tree_size - 1)
        assert proof.tree_size == batch.tree_size
        with pytest.raises(NotFoundError):
            prove(backend, batch.tree_size)


def test_logs_of_one_storage_are_not_mixed_up(engine: Engine) -> None:
    signer = Signer.generate()
    logs = [GrowingLog(engine, signer, LogName("shop", stream, "node-1")) for stream in Stream]
    expected: list[Batch] = [log.append(leaves(100 * n, 100 * n + 50 + n)) for n, log in enumerate(logs, 1)]
    backend = Backend(engine, logs[0].keys + logs[1].keys + logs[2].keys)
    for _ in range(2):
        for n, batch in enumerate(expected, 1):
            proof = prove(backend, 7, log=batch.origin)
            assert (proof.leaf_hash, proof.checkpoint) == (leaf(100 * n + 7), batch.checkpoint)

"""Proofs of logs of which something was altered: right ones or none, on both engines."""

from __future__ import annotations

import pytest

from lognotary.v1 import evidence_pb2 as pb
from server.api.backend import Backend
from server.api.errors import AlteredError
from server.notary.signers import Signer
from server.notary.trust import TrustedKeys, fingerprint
from storage.engine import Engine
from tests.api.growing import NAME, GrowingLog, delete, update
from tests.api.proving import prove, prove_growth
from tests.api.store import Writer, log_record
from tests.notary.trees import leaf, leaves

ALTERED = "Hashes = reverse(Hashes)"
TAMPERING = pytest.mark.parametrize(
    "tamper",
    [ALTERED, "Hashes = substring(Hashes, 1, 40)", "moved", "deleted"],
    ids=["altered", "cut", "moved", "deleted"],
)


def tamper_with_hashes(engine: Engine, where: str, tamper: str) -> None:
    if tamper == "moved":
        engine.execute(f"INSERT INTO log_tiles SELECT * REPLACE (1000 AS Offset) FROM log_tiles WHERE {where}")
    if tamper in ("moved", "deleted"):
        delete(engine, "log_tiles", f"{where} AND Offset < 256")
    else:
        update(engine, "log_tiles", tamper, where)


@pytest.mark.parametrize(
    "where",
    ["Level = 0 AND TileIndex = 0", "Level = 0 AND TileIndex = 2"],
    ids=["the leaf's tile", "the tree's edge"],
)
@TAMPERING
def test_altered_hashes_of_records_that_are_gone_are_noticed_and_no_wrong_proof_is_sent(
    engine: Engine, where: str, tamper: str
) -> None:
    log = GrowingLog(engine)
    log.grow(200, 380)
    tamper_with_hashes(engine, where, tamper)
    backend = Backend(engine, log.keys)
    for call in (lambda: prove(backend, 3), lambda: prove_growth(backend, 200)):
        with pytest.raises(
            AlteredError, match=r"shop/operational/node-1: hashes of the tree in log_tiles were altered"
        ):
            call()


@TAMPERING
def test_hashes_above_altered_ones_are_computed_anew_from_those_below(engine: Engine, tamper: str) -> None:
    log = GrowingLog(engine)
    log.grow(200, 380)
    backend = Backend(engine, log.keys)
    proofs = prove(backend, 3), prove_growth(backend, 200)
    tamper_with_hashes(engine, "Level = 1", tamper)
    backend = Backend(engine, log.keys)
    assert (prove(backend, 3), prove_growth(backend, 200)) == proofs


@pytest.mark.parametrize("where", ["Level = 0 AND TileIndex = 0", "Level = 0 AND TileIndex = 2", "Level = 1", "1"])
@TAMPERING
def test_proofs_are_made_from_records_if_hashes_were_altered(writer: Writer, where: str, tamper: str) -> None:
    for count in (200, 380):
        writer.write([log_record(f"record {number}") for number in range(count)])
    backend = Backend(writer.engine, writer.keys)
    proofs = prove(backend, 3), prove(backend, 300), prove_growth(backend, 200)
    tamper_with_hashes(writer.engine, where, tamper)
    backend = Backend(writer.engine, writer.keys)
    assert (prove(backend, 3), prove(backend, 300), prove_growth(backend, 200)) == proofs


@pytest.mark.parametrize("change", ["RootHash = unhex(repeat('00', 32))", "Checkpoint = ''", "FirstLeaf = 4"])
def test_no_proof_is_built_on_an_altered_batch(engine: Engine, change: str) -> None:
    log = GrowingLog(engine)
    first, _ = log.grow(3, 5)
    update(engine, "log_batches", change, "TreeSize = 8")
    backend = Backend(engine, log.keys)
    for call in (
        lambda: prove(backend, 0, 8),
        lambda: prove_growth(backend, 3, 8),
        lambda: backend.get_checkpoint(pb.GetCheckpointRequest(log=NAME.origin, tree_size=8)),
    ):
        with pytest.raises(AlteredError, match="not match what was signed"):
            call()
    # An earlier checkpoint is as good as it was, and the latest one that there is.
    assert prove(backend, 0, 3).path
    assert prove(backend, 0) == prove(backend, 0, 3)
    assert backend.get_checkpoint(pb.GetCheckpointRequest(log=NAME.origin)).checkpoint == first.checkpoint
    update(engine, "log_batches", "Checkpoint = ''", "TreeSize = 3")
    with pytest.raises(AlteredError, match="not match what was signed"):
        backend.get_checkpoint(pb.GetCheckpointRequest(log=NAME.origin))


def test_a_log_that_is_signed_by_no_known_key_is_not_vouched_for(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(3)
    stranger = TrustedKeys(named=Signer.generate().verifier_keys(NAME.origin))
    with pytest.raises(AlteredError, match="signed by no known key"):
        prove(Backend(engine, stranger), 0)


def test_a_checkpoint_of_another_history_is_noticed(engine: Engine) -> None:
    log = GrowingLog(engine)
    forked = GrowingLog(engine, log.signer)
    forked.append(leaves(100, 103))
    delete(engine, "log_tiles", "1")
    log.append(leaves(0, 2))
    log.append(leaves(2, 8))
    with pytest.raises(AlteredError, match="two histories"):
        prove_growth(Backend(engine, log.keys), 3)


def test_a_copied_batch_that_was_altered_stands_in_no_ones_way(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(3, 5)
    engine.execute(
        "INSERT INTO log_batches SELECT * REPLACE (unhex(repeat('00', 32)) AS RootHash) FROM log_batches "
        "WHERE TreeSize = 3"
    )
    assert prove(Backend(engine, log.keys), 1, 3).tree_size == 3


def test_hashes_that_were_repaired_are_used_again(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(300)
    engine.execute("CREATE TABLE good AS log_tiles ENGINE = MergeTree ORDER BY tuple()")
    engine.execute("INSERT INTO good SELECT * FROM log_tiles")
    update(engine, "log_tiles", ALTERED, "Level = 0 AND TileIndex = 0")
    backend = Backend(engine, log.keys)
    for _ in range(2):
        with pytest.raises(AlteredError):
            prove(backend, 3)
    engine.execute("TRUNCATE TABLE log_tiles SYNC")
    engine.execute("INSERT INTO log_tiles SELECT * FROM good")
    assert prove(backend, 3).leaf_hash == leaf(3)


def test_no_proof_is_given_from_memory_once_the_key_is_marked_as_compromised(writer: Writer) -> None:
    writer.write([log_record("a")])
    backend = Backend(writer.engine, writer.keys)
    assert prove(backend, 0).checkpoint  # which the next call would take from memory
    [name] = {fingerprint(key.public_key) for key in writer.keys.named}
    backend.believe(writer.keys + TrustedKeys(compromised={name: 0}))
    with pytest.raises(AlteredError, match="a key that was compromised by then"):
        prove(backend, 0)

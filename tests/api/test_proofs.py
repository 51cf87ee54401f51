"""Logs, checkpoints and proofs as the API hands them out, on both engines."""

from __future__ import annotations

from hashlib import sha256

import pytest

from lognotary.v1 import evidence_pb2 as pb
from server.api.backend import Backend
from server.api.errors import AlteredError, ApiError, InvalidArgumentError, NotFoundError
from server.notary.batch import Batch
from server.notary.canonical import leaf_of
from server.notary.checkpoint import open_checkpoint
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.proofs import verify_consistency, verify_inclusion
from server.notary.signers import Signer
from server.notary.tlog_proof import parse_tlog_proof
from server.notary.trust import TrustedKeys, fingerprint
from storage.engine import Engine
from tests.api.growing import NAME, CountingEngine, GrowingLog, delete, insert_copy, update
from tests.api.store import LOGS, Writer, audit_event, log_record
from tests.notary.trees import leaf, leaves, naive_root

ALTERED = "Hashes = reverse(Hashes)"


def prove(backend: Backend, index: int, size: int = 0, log: str = NAME.origin) -> pb.GetInclusionProofResponse:
    return backend.get_inclusion_proof(pb.GetInclusionProofRequest(log=log, leaf_index=index, tree_size=size))


def prove_growth(backend: Backend, first: int, second: int = 0) -> pb.GetConsistencyProofResponse:
    return backend.get_consistency_proof(pb.GetConsistencyProofRequest(log=NAME.origin, first=first, second=second))


def proved_root(note: str, keys: list[str]) -> tuple[int, bytes]:
    """Open a checkpoint with the keys that came with it."""
    checkpoint, signed = open_checkpoint(note)
    assert signed.verify(VerifierKey.parse(key) for key in keys)
    return checkpoint.size, checkpoint.root


def test_all_logs_are_listed_with_their_latest_checkpoints(writer: Writer) -> None:
    writer.write([log_record("a"), audit_event("b")])
    last = writer.write([log_record("c"), log_record("d"), audit_event("e")])
    logs = Backend(writer.engine, writer.keys).list_logs(pb.ListLogsRequest()).logs
    assert [(log.origin, log.stream, log.tree_size, log.sequence) for log in logs] == [
        ("shop/audit/node-1", "audit", 2, 2),
        ("shop/operational/node-1", "operational", 3, 2),
    ]
    for log, stream in zip(logs, (Stream.AUDIT, Stream.OPERATIONAL), strict=True):
        assert log.log_id == LOGS[stream].log_id
        assert log.checkpoint == last[stream].checkpoint
        assert log.ingested_at.ToNanoseconds() == last[stream].ingested_at
        assert list(log.verifier_keys) == [str(writer.signer.verifier_key(log.origin))]
        assert not log.problem


def test_a_log_whose_last_batch_was_altered_is_listed_with_what_is_wrong(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(3)
    update(engine, "log_batches", "TreeSize = 4", "1")
    (listed,) = Backend(engine, log.keys).list_logs(pb.ListLogsRequest()).logs
    assert "not match what was signed" in listed.problem
    assert not listed.verifier_keys


def test_a_copy_of_an_old_batch_is_not_listed_as_the_latest(engine: Engine) -> None:
    log = GrowingLog(engine)
    old, _ = log.grow(3, 4)
    insert_copy(engine, old, sequence=1 << 60)
    (listed,) = Backend(engine, log.keys).list_logs(pb.ListLogsRequest()).logs
    assert (listed.tree_size, listed.problem) == (7, "")


def test_a_log_with_a_larger_row_that_is_not_valid_is_listed_with_both(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(3)
    GrowingLog(engine).grow(50)
    listed = Backend(engine, log.keys).list_logs(pb.ListLogsRequest()).logs
    assert [(one.tree_size, bool(one.problem)) for one in listed] == [(3, False), (50, True)]


def test_no_logs_are_an_empty_list(engine: Engine) -> None:
    assert not Backend(engine, TrustedKeys()).list_logs(pb.ListLogsRequest()).logs


def test_checkpoints_are_found_by_origin_or_id_and_by_size(engine: Engine) -> None:
    log = GrowingLog(engine)
    batches = log.grow(3, 300, 1)
    backend = Backend(engine, log.keys)
    for name in (NAME.origin, NAME.log_id):
        for size, batch in ((0, batches[-1]), (3, batches[0]), (303, batches[1]), (304, batches[2])):
            found = backend.get_checkpoint(pb.GetCheckpointRequest(log=name, tree_size=size))
            assert (found.origin, found.log_id) == (NAME.origin, NAME.log_id)
            assert (found.checkpoint, found.root_hash) == (batch.checkpoint, batch.root_hash)
            assert (found.tree_size, found.sequence) == (batch.tree_size, batch.sequence)
            assert proved_root(found.checkpoint, list(found.verifier_keys)) == (batch.tree_size, batch.root_hash)


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


def test_no_proof_is_given_from_memory_once_the_key_is_marked_as_compromised(writer: Writer) -> None:
    writer.write([log_record("a")])
    backend = Backend(writer.engine, writer.keys)
    assert prove(backend, 0).checkpoint  # which the next call would take from memory
    [name] = {fingerprint(key.public_key) for key in writer.keys.named}
    backend.believe(writer.keys + TrustedKeys(compromised={name: 0}))
    with pytest.raises(AlteredError, match="a key that was compromised by then"):
        prove(backend, 0)


def test_whoever_verifies_with_a_key_of_their_own_is_told_that_it_is_compromised(writer: Writer) -> None:
    writer.write([log_record("a")])
    key = writer.signer.public_pem().decode()
    [name] = {fingerprint(key.public_key) for key in writer.keys.named}
    backend = Backend(writer.engine, writer.keys + TrustedKeys(compromised={name: 0}))
    request = pb.VerifyRequest(public_keys=[key])
    request.compromised_keys[name].FromSeconds(1 << 30)  # a later time makes it no better
    kinds = [step.finding.kind for step in backend.verify(request) if step.HasField("finding")]
    assert kinds == 2 * [pb.SIGNED_BY_COMPROMISED_KEY]  # its statement, and its batch


def test_a_mark_that_can_change_nothing_is_refused(writer: Writer) -> None:
    writer.write([log_record("a")])
    [name] = {fingerprint(key.public_key) for key in writer.keys.named}
    never = "1" * 16
    for own in (
        writer.keys,
        writer.keys + TrustedKeys(compromised={never: 1}),
    ):  # the operator's own mark is no mistake
        backend = Backend(writer.engine, own)
        assert [step for step in backend.verify(pb.VerifyRequest()) if step.HasField("finding")] == []
        request = pb.VerifyRequest()
        request.compromised_keys[never].FromSeconds(1)
        with pytest.raises(InvalidArgumentError, match=f"no log has a signature of the key '{never}'.*known: {name}"):
            backend.verify(request)
    request = pb.VerifyRequest()
    request.compromised_keys[name].FromSeconds(1 << 32)
    with pytest.raises(InvalidArgumentError, match=f"the key '{name}' .* since a time in the future"):
        Backend(writer.engine, writer.keys).verify(request)


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
    module_log: GrowingLog, request_: object, error: type[ApiError], message: str
) -> None:
    backend = Backend(module_log.engine, module_log.keys)
    calls = {
        pb.GetCheckpointRequest: backend.get_checkpoint,
        pb.GetInclusionProofRequest: backend.get_inclusion_proof,
        pb.GetConsistencyProofRequest: backend.get_consistency_proof,
    }
    with pytest.raises(error, match=message):
        calls[type(request_)](request_)  # type: ignore[index,operator]


@pytest.fixture(scope="module")
def module_log(module_engine: Engine) -> GrowingLog:
    """A log of 8 entries in two batches, which no test changes."""
    for table in ("log_batches", "log_tiles"):
        module_engine.execute(f"TRUNCATE TABLE {table} SYNC")
    log = GrowingLog(module_engine)
    log.grow(3, 5)
    return log


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
    log.grow(3, 5)
    update(engine, "log_batches", change, "TreeSize = 8")
    backend = Backend(engine, log.keys)
    for call in (
        lambda: prove(backend, 0),
        lambda: prove_growth(backend, 3),
        lambda: backend.get_checkpoint(pb.GetCheckpointRequest(log=NAME.origin)),
    ):
        with pytest.raises(AlteredError, match="not match what was signed"):
            call()
    assert prove(backend, 0, 3).path, "an earlier checkpoint is as good as it was"


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


def test_logs_of_one_storage_are_not_mixed_up(engine: Engine) -> None:
    signer = Signer.generate()
    logs = [GrowingLog(engine, signer, LogName("shop", stream, "node-1")) for stream in Stream]
    expected: list[Batch] = [log.append(leaves(100 * n, 100 * n + 50 + n)) for n, log in enumerate(logs, 1)]
    backend = Backend(engine, logs[0].keys + logs[1].keys + logs[2].keys)
    for _ in range(2):
        for n, batch in enumerate(expected, 1):
            proof = prove(backend, 7, log=batch.origin)
            assert (proof.leaf_hash, proof.checkpoint) == (leaf(100 * n + 7), batch.checkpoint)


def test_who_verifies_names_the_streams_that_are_not_signed_beside_those_of_the_server(writer: Writer) -> None:
    writer.write([log_record("a")])
    writer.engine.execute("INSERT INTO otel_logs (Timestamp, Body) VALUES (now64(9), 'in no log')")

    def outcome(own: TrustedKeys, **request: object) -> tuple[list[int], list[str]]:
        steps = list(Backend(writer.engine, own).verify(pb.VerifyRequest(**request)))
        kinds = [step.finding.kind for step in steps if step.HasField("finding")]
        return kinds, list(steps[-1].summary.unsigned_streams)

    key = writer.signer.public_pem().decode()
    knows = writer.keys + TrustedKeys(unsigned_streams=frozenset({Stream.OPERATIONAL}))
    assert outcome(writer.keys) == ([pb.RECORDS_UNSIGNED], [])
    assert outcome(writer.keys, unsigned_streams=["operational"]) == ([], ["operational"])
    assert outcome(knows) == ([], ["operational"])
    assert outcome(knows, public_keys=[key], unsigned_streams=["spans"]) == ([], ["operational", "spans"])
    for name, told in (("audit", "audit records are always signed"), ("logs", "'logs' is not operational or spans")):
        with pytest.raises(InvalidArgumentError, match=told):
            outcome(writer.keys, unsigned_streams=[name])

from __future__ import annotations

import time
from hashlib import sha256

import pytest

from server.notary.batch import Batch, LogState, notarize
from server.notary.canonical import entry_of
from server.notary.origin import Stream
from server.notary.signers import Signer
from server.notary.trust import TrustedKeys
from server.verification.record_evidence import RecordEvidence, State, gather_evidence
from storage.commit import insert_batch, insert_tiles
from storage.engine import Engine
from storage.evidence import StoredRecord, read_records
from tests.api.store import LOGS, START, Writer, audit_event, log_record

NAME = LOGS[Stream.OPERATIONAL]


def stored(writer: Writer) -> list[StoredRecord]:
    return list(read_records(writer.engine, Stream.OPERATIONAL, NAME.log_id, 0, 1 << 40))


def evidence(writer: Writer, *, rehash: bool = True) -> list[RecordEvidence]:
    return gather_evidence(writer.engine, writer.keys, Stream.OPERATIONAL, stored(writer), rehash=rehash)


def write(writer: Writer, count: int, state: LogState | None = None) -> Batch:
    records = [log_record(f"record {number}", at=number) for number in range(count)]
    return writer.write(records, state=state)[Stream.OPERATIONAL]


def update(writer: Writer, table: str, change: str, where: str) -> None:
    writer.engine.execute(f"ALTER TABLE {table} UPDATE {change} WHERE {where} SETTINGS mutations_sync = 2")


def big_log(writer: Writer, size: int) -> LogState:
    """Begin a log with one batch of which only the hashes are stored; return where it stands."""
    hashes = b"".join(sha256(number.to_bytes(8, "big")).digest() for number in range(size))
    done = notarize(LogState(NAME), hashes, writer.signer, min_timestamp=START, max_timestamp=START, ingested_at=START)
    insert_tiles(writer.engine, done.batch, done.fragments)
    insert_batch(writer.engine, done.batch)
    return done.state


def test_no_records_have_no_evidence(writer: Writer) -> None:
    assert gather_evidence(writer.engine, writer.keys, Stream.OPERATIONAL, [], rehash=True) == []


def test_records_of_several_batches_are_verified(writer: Writer) -> None:
    batches = [write(writer, count) for count in (1, 300, 2)]
    found = evidence(writer)
    assert {(item.state, item.reason) for item in found} == {(State.VERIFIED, "")}
    assert [item.batch for item in found] == [batches[0]] + 300 * [batches[1]] + 2 * [batches[2]]
    assert [item.record_hash for item in found] == [entry_of(record.canonical) for record in stored(writer)]


@pytest.mark.parametrize("size", [255, 256, 65_535, 65_536, 65_537, 70_000])
def test_records_of_a_big_tree_are_verified(writer: Writer, size: int) -> None:
    state = big_log(writer, size)
    write(writer, 3, state)
    write(writer, 300)
    assert {item.state for item in evidence(writer)} == {State.VERIFIED}


def test_without_hashing_a_record_is_signed(writer: Writer) -> None:
    batch = write(writer, 3)
    update(writer, "otel_logs", "Body = 'other'", "LeafIndex = 1")
    found = evidence(writer, rehash=False)
    assert [(item.state, item.batch) for item in found] == 3 * [(State.SIGNED, batch)]


def test_a_record_of_no_log_is_unsigned(writer: Writer) -> None:
    writer.engine.execute("INSERT INTO otel_logs (Timestamp, ServiceName, Body) VALUES (now64(9), 'x', 'y')")
    rows = list(read_records(writer.engine, Stream.OPERATIONAL, "", 0, 1))
    for rehash in (True, False):
        (found,) = gather_evidence(writer.engine, writer.keys, Stream.OPERATIONAL, rows, rehash=rehash)
        assert (found.state, found.batch) == (State.UNSIGNED, None)
        assert "no log" in found.reason


def test_records_that_were_never_committed_are_unsigned_and_their_hashes_disturb_no_others(writer: Writer) -> None:
    write(writer, 5)
    lost = write(writer, 300)
    writer.engine.execute(
        f"ALTER TABLE log_batches DELETE WHERE BatchId = toUUID('{lost.batch_id}') SETTINGS mutations_sync = 2"
    )
    # The batch that takes its place brings other hashes for the same places, and then some.
    records = [log_record(f"another {number}") for number in range(400)]
    batch = writer.write(records)[Stream.OPERATIONAL]
    assert batch.first_leaf == lost.first_leaf
    write(writer, 2)
    states = [
        (row.batch_id == lost.batch_id, item.state) for row, item in zip(stored(writer), evidence(writer), strict=True)
    ]
    assert states.count((True, State.UNSIGNED)) == 300
    assert {item.reason for item in evidence(writer) if item.state is State.UNSIGNED} == {
        "the record's batch was never committed: another batch has its place in the log"
    }
    assert states.count((False, State.VERIFIED)) == 407
    assert len(states) == 707


@pytest.mark.parametrize("stream", Stream)
@pytest.mark.parametrize("rehash", [True, False])
def test_records_whose_batch_is_on_its_way_are_not_committed_yet(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, stream: Stream, rehash: bool
) -> None:
    make = log_record if stream is Stream.OPERATIONAL else audit_event
    writer.write([make("committed")])
    seen = []

    def look_first(engine: Engine, batch: Batch, *, renewed: int = 0) -> None:
        rows = list(read_records(engine, stream, batch.log_id, 0, 1 << 40))
        seen.append(gather_evidence(engine, writer.keys, stream, rows, rehash=rehash))
        insert_batch(engine, batch, renewed=renewed)

    monkeypatch.setattr("server.log.batch_committer.insert_batch", look_first)
    writer.write([make("just received")], received=time.time_ns())
    writer.write([make("received long ago")])
    ((_, young), (_, _, old)) = seen
    assert (young.state, young.batch, young.reason) == (State.UNSIGNED, None, "the record's batch is not committed yet")
    assert (old.state, old.batch) == (State.UNSIGNED, None)
    assert "is in the server's journal, or was left over from a crash" in old.reason


@pytest.mark.parametrize(
    ("table", "change", "where"),
    [
        ("otel_logs", "Body = 'other'", "LeafIndex = 1"),
        ("otel_logs", "LeafIndex = 2", "LeafIndex = 1"),
        ("otel_logs", "LogAttributes = map('added', 'pair')", "LeafIndex = 1"),
    ],
    ids=["content", "place", "attribute"],
)
def test_a_record_that_was_changed_is_tampered_and_no_other(
    writer: Writer, table: str, change: str, where: str
) -> None:
    write(writer, 4)
    changed = stored(writer)[1].canonical
    update(writer, table, change, where)
    tampered = [
        row.canonical
        for row, item in zip(stored(writer), evidence(writer), strict=True)
        if item.state is State.TAMPERED
    ]
    assert len(tampered) == 1
    assert (tampered[0] == changed) == ("LeafIndex =" in change)


@pytest.mark.parametrize("change", ["RecordCount = 9", "RootHash = unhex(repeat('00', 32))", "Checkpoint = ''"])
def test_records_of_an_altered_batch_are_tampered(writer: Writer, change: str) -> None:
    write(writer, 2)
    altered = write(writer, 3)
    update(writer, "log_batches", change, f"BatchId = toUUID('{altered.batch_id}')")
    for rehash in (True, False):
        states = [item.state for item in evidence(writer, rehash=rehash)]
        assert states[:2] == 2 * [State.VERIFIED if rehash else State.SIGNED]
        assert states[2:] == 3 * [State.TAMPERED]


def test_records_signed_by_an_unknown_key_are_tampered(writer: Writer) -> None:
    write(writer, 2)
    other = TrustedKeys(named=(Signer.generate().verifier_key(NAME.origin),))
    found = gather_evidence(writer.engine, other, Stream.OPERATIONAL, stored(writer), rehash=False)
    assert {item.state for item in found} == {State.TAMPERED}
    assert "no known key" in found[0].reason


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE log_tiles UPDATE Hashes = concat(unhex('00'), substring(Hashes, 2)) WHERE 1",
        "TRUNCATE TABLE log_tiles",
    ],
)
def test_without_the_trees_hashes_nothing_is_verified_and_the_reason_says_so(writer: Writer, change: str) -> None:
    write(writer, 3)
    writer.engine.execute(change + (" SETTINGS mutations_sync = 2" if "UPDATE" in change else ""))
    found = evidence(writer)
    assert {item.state for item in found} == {State.TAMPERED}
    assert "log_tiles" in found[0].reason

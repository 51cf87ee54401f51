"""Evidence of records: verified, signed, unsigned or tampered, with the reason."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from server.notary.batch import Batch
from server.notary.canonical import entry_of
from server.notary.findings import Finding, FindingKind
from server.notary.origin import Stream
from server.notary.signers import Signer
from server.notary.trust import TrustedKeys, fingerprint
from server.verification.record_evidence import State, gather_evidence
from server.verification.scope import Scope
from server.verification.verification import verify
from storage.commit import insert_batches
from storage.conditions import ALWAYS
from storage.engine import Engine
from storage.log_tenants import TenantOf
from storage.lookups import of_condition
from storage.records import select_rows
from storage.stored_records import read_records, select_records
from tests.api.growing import update
from tests.api.store import Writer, audit_event, log_record
from tests.counting_engine import CountingEngine
from tests.log.writers import open_log
from tests.verification.gathering import NAME, evidence, stored, write


def test_no_records_have_no_evidence(writer: Writer) -> None:
    assert gather_evidence(writer.engine, writer.keys, [], rehash=True) == []


def test_records_of_several_batches_are_verified(writer: Writer) -> None:
    batches = [write(writer, count) for count in (1, 300, 2)]
    found = evidence(writer)
    assert {(item.state, item.reason) for item in found} == {(State.VERIFIED, "")}
    assert [item.batch for item in found] == [batches[0]] + 300 * [batches[1]] + 2 * [batches[2]]
    assert [item.record_hash for item in found] == [entry_of(record.canonical) for record in stored(writer)]


def test_without_hashing_a_record_is_signed(writer: Writer) -> None:
    batch = write(writer, 3)
    update(writer.engine, "otel_logs", "Body = 'other'", "LeafIndex = 1")
    found = evidence(writer, rehash=False)
    assert [(item.state, item.batch) for item in found] == 3 * [(State.SIGNED, batch)]


def test_a_record_of_no_log_is_unsigned(writer: Writer) -> None:
    writer.engine.execute("INSERT INTO otel_logs (Timestamp, ServiceName, Body) VALUES (now64(9), 'x', 'y')")
    rows = list(read_records(writer.engine, Stream.OPERATIONAL, "", 0, 1))
    for rehash in (True, False):
        (found,) = gather_evidence(writer.engine, writer.keys, rows, rehash=rehash)
        assert (found.state, found.batch) == (State.UNSIGNED, None)
        assert "no log" in found.reason


def test_records_whose_place_another_batch_took_are_tampered_and_their_hashes_disturb_no_others(writer: Writer) -> None:
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
    assert states.count((True, State.TAMPERED)) == 300
    reasons = [item.reason for item in evidence(writer) if item.state is State.TAMPERED]
    assert all("its batch was never committed, or its BatchId was changed" in reason for reason in reasons)
    assert "record 5 of shop/operational/node-1, which was signed in batch 2" in reasons[0]
    assert states.count((False, State.VERIFIED)) == 407
    assert len(states) == 707


@pytest.mark.parametrize("stream", [Stream.AUDIT, Stream.OPERATIONAL])
@pytest.mark.parametrize("rehash", [True, False])
def test_records_whose_batch_is_on_its_way_are_not_committed_yet(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, stream: Stream, rehash: bool
) -> None:
    make = log_record if stream is Stream.OPERATIONAL else audit_event
    writer.write([make("committed")])
    seen = []

    def look_first(engine: Engine, batches: Sequence[Batch], *, renewed: int, tenant_of: TenantOf) -> None:
        rows = list(read_records(engine, stream, batches[0].log_id, 0, 1 << 40))
        seen.append(gather_evidence(engine, writer.keys, rows, rehash=rehash))
        insert_batches(engine, batches, renewed=renewed, tenant_of=tenant_of)

    monkeypatch.setattr("server.log.table_insert.insert_batches", look_first)
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
    update(writer.engine, table, change, where)
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
    update(writer.engine, "log_batches", change, f"BatchId = toUUID('{altered.batch_id}')")
    for rehash in (True, False):
        states = [item.state for item in evidence(writer, rehash=rehash)]
        assert states[:2] == 2 * [State.VERIFIED if rehash else State.SIGNED]
        assert states[2:] == 3 * [State.TAMPERED]


def test_records_of_a_log_that_no_known_key_signed_are_unsigned_and_the_keys_are_named(writer: Writer) -> None:
    for _ in range(2):
        write(writer, 2)
    wrong = Signer.generate()
    other = TrustedKeys(named=(wrong.verifier_key(NAME.origin),))
    for rehash in (True, False):
        found = gather_evidence(writer.engine, other, stored(writer), rehash=rehash)
        assert {item.state for item in found} == {State.UNSIGNED}
        [reason] = {item.reason for item in found}
        given, signed = (fingerprint(signer.ed25519.public_key) for signer in (wrong, writer.signer))
        assert f"none of the given keys ({given}) signed this log; it is signed by " in reason
        assert signed in reason or writer.signer.verifier_key(NAME.origin).key_id.hex() in reason
        assert "give that server's public key" in reason


def test_a_batch_that_an_unknown_key_signed_in_a_known_log_is_tampered(writer: Writer) -> None:
    write(writer, 2)
    signer, writer.signer = writer.signer, Signer.generate()
    state = open_log(writer.engine, NAME, [signer.verifier_key(NAME.origin)], None, writer.journal)[0]
    write(writer, 2, state)
    found = evidence(writer)
    assert [item.state for item in found] == 2 * [State.VERIFIED] + 2 * [State.TAMPERED]
    assert "no known key" in found[2].reason


def copy(writer: Writer, leaf: int, times: int = 1, **columns: str) -> None:
    """Insert copies of a record in which columns are replaced."""
    replaced = ", ".join(f"{value} AS {column}" for column, value in columns.items())
    writer.engine.execute(
        f"INSERT INTO otel_logs SELECT * EXCEPT number {f'REPLACE({replaced})' if replaced else ''} "
        f"FROM (SELECT * FROM otel_logs WHERE LeafIndex = {leaf} LIMIT 1) AS record, numbers({times}) AS copies"
    )


@pytest.mark.parametrize("rehash", [True, False])
def test_of_equal_records_the_first_is_sound_and_the_others_are_named_as_copies(writer: Writer, rehash: bool) -> None:
    write(writer, 4)
    copy(writer, 2, times=2)
    found = evidence(writer, rehash=rehash)
    sound = State.VERIFIED if rehash else State.SIGNED
    assert [item.state for item in found] == [sound, sound, sound, State.TAMPERED, State.TAMPERED, sound]
    assert found[3].reason == "a copy of record 2 of shop/operational/node-1"


@pytest.mark.parametrize("rehash", [True, False])
@pytest.mark.parametrize("other", ["Body = 'other'", "BatchId = toUUID('00000000-0000-0000-0000-000000000007')"])
@pytest.mark.parametrize("first", [True, False])
def test_of_records_at_one_leaf_the_signed_one_is_sound(writer: Writer, rehash: bool, other: str, first: bool) -> None:
    write(writer, 4)
    column, _, value = other.partition(" = ")
    replaced: dict[str, Any] = {column: value}
    copy(writer, 2, **replaced)
    rows = sorted(stored(writer), key=lambda row: b"other" in row.canonical or row.batch_id.int == 7, reverse=first)
    found = gather_evidence(writer.engine, writer.keys, rows, rehash=rehash)
    wrong = [row for row, item in zip(rows, found, strict=True) if item.state is State.TAMPERED]
    assert [b"other" in row.canonical or row.batch_id.int == 7 for row in wrong] == [True]
    assert {item.state for item in found} == {State.TAMPERED, State.VERIFIED if rehash else State.SIGNED}


@pytest.mark.parametrize("rehash", [True, False])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("BatchId = toUUID('00000000-0000-0000-0000-000000000007')", "its BatchId was changed"),
        ("BatchId = toUUID('00000000-0000-0000-0000-000000000000')", "its BatchId was changed"),
        ("BatchId = toUUID('00000000-0000-0000-0000-000000000007'), Body = 'x'", "claims the place of record 3"),
        ("LogId = ''", "another log or none"),
        ("LogId = 'ffffffffffffffff'", "another log or none"),
        ("LeafIndex = 100000", "with the records 2 to 5, but claims to be record 100000"),
        ("LeafIndex = 18446744073709551615", "with the records 2 to 5, but claims to be record"),
        ("LeafIndex = 0", "claims the place of record 0"),
        ("LogId = '', LeafIndex = 0", "another log or none"),
    ],
)
def test_a_false_claim_is_tampered_and_not_unsigned(writer: Writer, change: str, reason: str, rehash: bool) -> None:
    for count in (2, 4, 3):
        write(writer, count)
    update(writer.engine, "otel_logs", change, "LeafIndex = 3")
    rows = list(select_records(writer.engine, Stream.OPERATIONAL, "1 ORDER BY Timestamp, LeafIndex", {}))
    found = gather_evidence(writer.engine, writer.keys, rows, rehash=rehash)
    wrong = [item for item in found if item.state not in (State.VERIFIED, State.SIGNED)]
    assert [item.state for item in wrong] == [State.TAMPERED]
    assert reason in wrong[0].reason


def test_records_of_a_batch_whose_row_was_deleted_are_tampered(writer: Writer) -> None:
    write(writer, 2)
    lost = write(writer, 3)
    write(writer, 2)
    writer.engine.execute(
        f"ALTER TABLE log_batches DELETE WHERE BatchId = toUUID('{lost.batch_id}') SETTINGS mutations_sync = 2"
    )
    found = evidence(writer)
    assert [item.state for item in found] == 2 * [State.VERIFIED] + 3 * [State.TAMPERED] + 2 * [State.VERIFIED]
    assert "leaf 2 of a log of 7, but the leaf's batch is missing" in found[2].reason


def test_copies_of_a_batchs_row_with_changes_do_not_hide_the_sound_row(writer: Writer) -> None:
    write(writer, 3)
    writer.engine.execute(
        "INSERT INTO log_batches SELECT * EXCEPT number REPLACE(Sequence + number AS Sequence) "
        "FROM log_batches, numbers(1, 20) AS copies"
    )
    assert {item.state for item in evidence(writer)} == {State.VERIFIED}


def test_records_that_name_very_many_logs_take_few_statements_and_hide_no_other(writer: Writer) -> None:
    write(writer, 3)
    copy(writer, 1, times=300, LogId="concat('00', leftPad(toString(number), 14, '0'))")
    writer.engine.execute(
        "INSERT INTO log_batches SELECT * EXCEPT number REPLACE(concat('00', leftPad(toString(number), 14, '0')) AS "
        "LogId) FROM log_batches, numbers(300) AS copies"
    )
    update(writer.engine, "otel_logs", "BatchId = generateUUIDv4()", f"LeafIndex = 2 AND LogId = '{NAME.log_id}'")
    rows = select_rows(writer.engine, of_condition(Stream.OPERATIONAL, ALWAYS, latest_first=False), 1000)
    assert len(rows) == 303
    engine = CountingEngine(writer.engine)
    found = gather_evidence(engine, writer.keys, rows, rehash=True)
    states = {row.leaf_index: one.state for row, one in zip(rows, found, strict=True) if row.log_id == NAME.log_id}
    assert states == {0: State.VERIFIED, 1: State.VERIFIED, 2: State.TAMPERED}
    assert not any(
        one.state is State.VERIFIED for row, one in zip(rows, found, strict=True) if row.log_id != NAME.log_id
    )
    assert len(engine.queries) < 200


def test_exchanged_values_of_a_repeated_attribute_are_a_changed_record(writer: Writer) -> None:
    record = log_record("repeated", a="1", z="9")
    for value in ("first", "second", "third"):
        record.attributes.add(key="k").value.string_value = value
    writer.write([log_record("other", k="x"), record])
    assert [item.state for item in evidence(writer)] == 2 * [State.VERIFIED]
    # ClickHouse may store different keys in any order.
    pairs = "'z', '9', 'k', 'first', 'k', 'second', 'a', '1', 'k', 'third'"
    update(writer.engine, "otel_logs", f"LogAttributes = map({pairs})", "LeafIndex = 1")
    assert [item.state for item in evidence(writer)] == 2 * [State.VERIFIED]
    assert [step for step in verify(writer.engine, writer.keys, Scope()) if isinstance(step, Finding)] == []
    pairs = "'a', '1', 'k', 'second', 'k', 'first', 'k', 'third', 'z', '9'"
    update(writer.engine, "otel_logs", f"LogAttributes = map({pairs})", "LeafIndex = 1")
    changed = evidence(writer)
    assert [item.state for item in changed] == [State.VERIFIED, State.TAMPERED]
    assert "the order of the values of an attribute" in changed[1].reason
    (finding,) = (step for step in verify(writer.engine, writer.keys, Scope()) if isinstance(step, Finding))
    assert (finding.kind, finding.leaf_index) == (FindingKind.RECORD_CHANGED, 1)
    assert changed[1].reason in finding.message

"""Tails, with both engines, beside rows that no key of the server signed: they move, stop and hide nothing."""

from __future__ import annotations

import pytest

from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.query import tail as tail_module
from server.query.tail_steps import MissedWhy
from server.verification.record_evidence import State
from tests.api.growing import GrowingLog, insert_copy
from tests.api.store import LOGS, Writer, audit_event, log_record
from tests.query.tailing import OPERATIONAL, Reader, leaves, missed


def test_inserted_rows_push_no_record_away(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_module, "_FIRST_ROWS", 4)
    monkeypatch.setattr(tail_module, "_MOST_ROWS", 4)
    reader = Reader(writer)
    writer.write([log_record(str(number)) for number in range(3)])
    columns = "LogId, BatchId, LeafIndex, IngestedAt, Timestamp, ServiceName, ResourceAttributes"
    writer.engine.execute(
        f"INSERT INTO otel_logs ({columns}, Body) SELECT {columns}, toString(number) FROM otel_logs "
        "ARRAY JOIN range(30) AS number WHERE LeafIndex = 1"
    )
    steps = reader.rest()
    states = [(row.leaf_index, evidence.state) for step in steps for row, evidence in step.rows]
    assert [leaf for leaf, state in states if state is State.VERIFIED] == [0, 1, 2]
    assert {leaf for leaf, state in states if state is not State.VERIFIED} == {1}
    assert reader.tail.position().positions[OPERATIONAL] == 3


def test_rows_of_batches_that_nobody_signed_move_no_tail(writer: Writer) -> None:
    writer.write([log_record("a")])
    reader = Reader(writer)
    columns = "LogId, Origin, RootHash, Frontier, Checkpoint, CanonicalVersion, IngestedAt"
    writer.write([log_record("b")])
    writer.engine.execute(
        f"INSERT INTO log_batches ({columns}, Sequence, TreeSize) SELECT {columns}, 1000, 1000000 FROM log_batches"
    )
    assert leaves(reader.rest()) == {OPERATIONAL: [1]}
    assert reader.tail.position().positions[OPERATIONAL] == 2
    assert leaves(Reader(writer, positions={}).rest()) == {OPERATIONAL: [0, 1]}


def test_copies_of_old_batches_with_new_ids_move_no_tail(writer: Writer) -> None:
    writer.keep_running()
    old = writer.write([log_record("a")])[Stream.OPERATIONAL]
    running = Reader(writer)
    insert_copy(writer.engine, old, sequence=1 << 60)
    writer.write([log_record("b")])
    begun = Reader(writer, positions={})
    assert leaves(running.rest()) == {OPERATIONAL: [1]}
    assert leaves(begun.rest()) == {OPERATIONAL: [0, 1]}
    writer.write([log_record("c")])
    for reader in (running, begun):
        assert leaves(reader.rest()) == {OPERATIONAL: [2]}
        assert reader.tail.position().behind == 0


def test_a_log_that_a_stranger_made_endless_holds_no_tail_up(writer: Writer) -> None:
    other = GrowingLog(writer.engine, name=LOGS[Stream.OPERATIONAL])
    other.grow(3)
    cursor = Reader(writer).tail.position().positions
    (batch,) = other.grow(5, commit=False)
    size = 1 << 47
    checkpoint = str(sign_checkpoint(Checkpoint(batch.origin, size, batch.root_hash), other.signer))
    first = size - batch.record_count
    insert_copy(writer.engine, batch, tree_size=size, first_leaf=first, checkpoint=checkpoint, frontier=b"")
    writer.write([audit_event("login")])
    reader = Reader(writer, positions=cursor)
    steps = reader.rest()
    assert leaves(steps) == {LOGS[Stream.AUDIT].log_id: [0]}
    assert [(one.first, one.end, one.why) for one in missed(steps)] == [(3, size, MissedWhy.NOT_STORED)]


def test_a_log_that_strangers_began_is_read_from_its_begin_once_its_own_key_signs(writer: Writer) -> None:
    writer.keep_running()
    GrowingLog(writer.engine, name=LOGS[Stream.OPERATIONAL]).grow(*[100] * 20)
    reader = Reader(writer)
    cursor = reader.tail.position().positions
    writer.write([log_record("a"), log_record("b")])
    for at in range(30):
        writer.write([log_record(str(at))])
    while not reader.feed.now().logs[OPERATIONAL].trusted:
        reader.feed.poll()
    steps = reader.rest()
    assert leaves(steps) == {OPERATIONAL: list(range(32))}
    writer.write([log_record("c")])
    assert leaves(reader.rest()) == {OPERATIONAL: [32]}
    assert leaves(Reader(writer, positions=cursor).rest()) == {OPERATIONAL: list(range(33))}
    assert Reader(writer, positions=reader.tail.position().positions).rest() == []


def test_a_cursor_of_a_server_that_did_not_know_the_key_goes_on_with_one_that_does(writer: Writer) -> None:
    writer.write([log_record("a")])
    own, writer.keys = writer.keys, TrustedKeys()
    cursor = Reader(writer).tail.position().positions
    writer.keys = own
    writer.write([log_record("b")])
    assert leaves(Reader(writer, positions=cursor).rest()) == {OPERATIONAL: [1]}


def test_logs_that_only_others_signed_are_followed_and_their_records_are_unsigned(writer: Writer) -> None:
    writer.write([log_record("before")])
    own, writer.keys = writer.keys, TrustedKeys()
    reader = Reader(writer)
    writer.write([log_record("a"), audit_event("login")])
    steps = reader.rest()
    assert leaves(steps) == {OPERATIONAL: [1], LOGS[Stream.AUDIT].log_id: [0]}
    assert {evidence.state for step in steps for _, evidence in step.rows} == {State.UNSIGNED}
    writer.keys = own  # they are learned later
    writer.write([log_record("b")])
    assert leaves(reader.rest()) == {OPERATIONAL: [2]}

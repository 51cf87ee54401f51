"""Resuming a log from storage: its size, and when the start is refused."""

from __future__ import annotations

import logging

import pytest

from server.log.journal import Journal
from server.log.stored_log import LogUnusableError
from server.notary.batch import LogState, notarize
from server.notary.checkpoint import Checkpoint
from server.notary.merkle import CompactRange
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.commit import encode_records_block, insert_batches, insert_records, insert_tiles
from storage.engine import Engine
from storage.evidence import last_batch, read_batches_within
from storage.stored_records import read_records
from tests.codec.building import follows, rows

from .recovered import NAME, SIGNER, checkpoint, write
from .writers import open_log


def reopen(engine: Engine, journal: Journal, known: Checkpoint | None = None, name: LogName = NAME) -> LogState:
    """Open a log whose journal is empty."""
    committed, head, _ = open_log(engine, name, SIGNER.verifier_keys(name.origin), known, journal)
    assert committed == head
    assert len(journal) == 0
    return committed


def test_a_fresh_log_begins_at_nothing(engine: Engine, journal: Journal) -> None:
    assert reopen(engine, journal) == LogState(NAME)
    assert reopen(engine, journal, Checkpoint(NAME.origin, 0, CompactRange().root())) == LogState(NAME)


@pytest.mark.parametrize("stream", Stream)
def test_a_log_goes_on_where_it_was_left(engine: Engine, journal: Journal, stream: Stream) -> None:
    name = LogName("example.org", stream, "node-1")
    first, second = write(engine, journal, LogState(name), ["a", "b", "c"], ["d", "e"])
    state = reopen(engine, journal, checkpoint(second), name)
    assert (state.sequence, state.range.size, state.range.root()) == (2, 5, second.root_hash)
    assert reopen(engine, journal, name=name) == state
    assert reopen(engine, journal, checkpoint(first), name) == state  # what is remembered may be older
    (third,) = write(engine, journal, state, ["f"])
    assert follows(third, second)
    assert read_batches_within(engine, name.log_id, 0, 100) == [first, second, third]


def test_logs_of_other_writers_and_streams_are_not_mistaken_for_this_one(engine: Engine, journal: Journal) -> None:
    write(engine, journal, LogState(LogName("example.org", Stream.AUDIT, "node-2")), ["a"])
    write(engine, journal, LogState(LogName("example.org", Stream.OPERATIONAL, "node-1")), ["a"])
    assert reopen(engine, journal) == LogState(NAME)


def test_a_log_whose_last_batch_crosses_tiles_is_gone_on_with(engine: Engine, journal: Journal) -> None:
    _, second = write(engine, journal, LogState(NAME), ["x"] * 250, ["y"] * 300)
    assert reopen(engine, journal).range.root() == second.root_hash


@pytest.mark.parametrize("steps", [1, 2])
def test_rows_of_an_uncommitted_batch_are_reported_and_their_leaves_used_again(
    engine: Engine, journal: Journal, caplog: pytest.LogCaptureFixture, steps: int
) -> None:
    (first,) = write(engine, journal, LogState(NAME), ["a"])
    state = reopen(engine, journal, checkpoint(first))
    assert not caplog.records
    lost = rows(Stream.AUDIT, "lost", "lost too")
    unfinished = notarize(state, lost.leaf_hashes, SIGNER, min_timestamp=0, max_timestamp=0, ingested_at=0)
    block = encode_records_block(NAME.stream, [unfinished.batch], [lost.columns])
    insert_records(engine, NAME.stream, [unfinished.batch], block)
    if steps == 2:
        insert_tiles(engine, [unfinished.batch], [unfinished.fragments])

    with caplog.at_level(logging.WARNING):
        again = reopen(engine, journal, checkpoint(first))
    assert again == state
    assert len(caplog.records) == 1
    assert "2 rows" in caplog.text
    (second,) = write(engine, journal, again, ["b"])
    assert follows(second, first)
    assert reopen(engine, journal, checkpoint(second)).range.root() == second.root_hash
    claims = [record.batch_id for record in read_records(engine, Stream.AUDIT, NAME.log_id, 1, 2)]
    assert sorted(claims) == sorted([second.batch_id, unfinished.batch.batch_id])


def test_storage_that_was_rolled_back_is_refused(engine: Engine, journal: Journal) -> None:
    first, second = write(engine, journal, LogState(NAME), ["a"], ["b"])
    engine.execute("ALTER TABLE log_batches DELETE WHERE Sequence = 2 SETTINGS mutations_sync = 2")
    assert last_batch(engine, NAME.log_id) == first
    with pytest.raises(LogUnusableError, match="lost records"):
        reopen(engine, journal, checkpoint(second))


def test_storage_that_was_emptied_is_refused(engine: Engine, journal: Journal) -> None:
    (first,) = write(engine, journal, LogState(NAME), ["a"])
    engine.execute("TRUNCATE TABLE log_batches")
    with pytest.raises(LogUnusableError, match="lost records"):
        reopen(engine, journal, checkpoint(first))


def test_storage_with_another_history_is_refused(engine: Engine, journal: Journal) -> None:
    first, second = write(engine, journal, LogState(NAME), ["a", "b"], ["c"])
    for known in (
        Checkpoint(NAME.origin, 2, bytes(32)),
        Checkpoint(NAME.origin, 3, first.root_hash),
        Checkpoint(NAME.origin, 1, first.root_hash),
    ):
        with pytest.raises(LogUnusableError, match="another history"):
            reopen(engine, journal, known)
    assert reopen(engine, journal, checkpoint(second)).sequence == 2


def test_a_log_that_another_key_signed_is_refused(engine: Engine, journal: Journal) -> None:
    write(engine, journal, LogState(NAME), ["a"], signer=Signer.generate())
    with pytest.raises(LogUnusableError, match="does not verify"):
        reopen(engine, journal)


@pytest.mark.parametrize(
    "alteration",
    [
        "log_batches UPDATE RootHash = toFixedString(repeat('x', 32), 32) WHERE Sequence = 2",
        "log_batches UPDATE RecordCount = RecordCount + 1 WHERE Sequence = 2",
        "log_batches UPDATE MaxTimestamp = MaxTimestamp + 1 WHERE Sequence = 2",
        "log_batches UPDATE Frontier = repeat('x', 32) WHERE Sequence = 2",
        "log_batches UPDATE Checkpoint = replaceOne(Checkpoint, '3', '4') WHERE Sequence = 2",
        "log_batches UPDATE Checkpoint = '' WHERE Sequence = 2",
        "log_batches UPDATE BatchId = generateUUIDv4() WHERE Sequence = 2",
        "log_tiles UPDATE Hashes = repeat('x', 32) WHERE Sequence = 2",
        "log_tiles UPDATE BatchId = generateUUIDv4() WHERE Sequence = 2",
        "log_tiles DELETE WHERE Sequence = 2",
    ],
)
def test_a_last_batch_that_was_altered_is_refused(engine: Engine, journal: Journal, alteration: str) -> None:
    _, second = write(engine, journal, LogState(NAME), ["a", "b"], ["c"])
    engine.execute(f"ALTER TABLE {alteration} SETTINGS mutations_sync = 2")
    with pytest.raises(LogUnusableError, match="does not verify"):
        reopen(engine, journal, checkpoint(second))


def test_a_batch_that_was_written_by_another_hand_after_the_last_one_is_refused(
    engine: Engine, journal: Journal
) -> None:
    (first,) = write(engine, journal, LogState(NAME), ["a"])
    forger = Signer.generate()
    state = reopen(engine, journal, checkpoint(first))
    forged = notarize(state, bytes(32), forger, min_timestamp=0, max_timestamp=0, ingested_at=0)
    insert_tiles(engine, [forged.batch], [forged.fragments])
    insert_batches(engine, [forged.batch])
    with pytest.raises(LogUnusableError, match="does not verify"):
        reopen(engine, journal, checkpoint(first))

"""A log as witnesses are told of it, over a real storage."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.log.committed_log import CommittedLog
from server.log.journal import Journal
from server.notary.batch import Batch, LogState
from server.notary.checkpoint import Checkpoint
from server.notary.origin import LogName, Stream
from server.notary.proofs import verify_consistency
from server.notary.signers import Signer
from server.notary.statement import StatementKind, data_digest, open_statement
from server.witness.errors import LogUnavailableError
from server.writer.owned_log import OwnedLog
from server.writer.witnessed_log import WitnessedLog
from storage.engine import Engine
from storage.statements import read_statements
from tests.api.growing import insert_copy
from tests.codec.building import rows
from tests.log.writers import log_writer, statement_writer

NAME = LogName("shop", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()


class Log:
    """A log to be attended, and its writer."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self.engine = engine
        self.batches: list[Batch] = []
        self.give_up = threading.Event()
        self.journals = journal, stated = (Journal(directory / name, 1 << 20) for name in ("audit", "audit-statements"))
        at = CommittedLog(LogState(NAME))
        writer = log_writer(engine, journal, at, SIGNER, give_up=self.give_up)
        statements = statement_writer(engine, stated, at, SIGNER, give_up=self.give_up)
        self.kept = OwnedLog(NAME, writer, statements, 0)
        self.attended = WitnessedLog(self.kept, engine)

    def write(self, *counts: int) -> None:
        for count in counts:
            parts = [rows(Stream.AUDIT, *(f"{len(self.batches)}/{n}" for n in range(count)))]
            self.batches.append(self.kept.writer.commit(parts))


@pytest.fixture
def log(engine: Engine, tmp_path: Path) -> Iterator[Log]:
    opened = Log(engine, tmp_path)
    yield opened
    for journal in opened.journals:
        journal.close()


def test_a_log_without_batches_has_no_checkpoint_to_show(log: Log) -> None:
    assert log.attended.origin == NAME.origin
    assert log.attended.latest() is None


def test_the_last_committed_checkpoint_is_shown_as_it_was_signed(log: Log) -> None:
    log.write(2, 3)
    shown = log.attended.latest()
    assert shown is not None
    assert str(shown) == log.batches[-1].checkpoint
    assert shown.verify(SIGNER.verifier_keys(NAME.origin))


def test_a_copy_of_an_older_batch_is_not_shown_in_its_place(log: Log) -> None:
    log.write(2, 3)
    insert_copy(log.engine, log.batches[0], sequence=1 << 60)
    insert_copy(log.engine, log.batches[0], tree_size=5)
    assert str(log.attended.latest()) == log.batches[-1].checkpoint


def test_a_row_of_the_same_size_that_was_not_signed_is_not_shown_in_its_place(log: Log) -> None:
    log.write(2, 3)
    last = log.batches[-1]
    text, _, signatures = last.checkpoint.partition("\n\n")
    stranger = Signer.generate().sign(f"{text}\n", NAME.origin)
    for checkpoint in ("", f"{text}\nx\n", f"{text}\nmore\n\n{signatures}", str(stranger)):
        insert_copy(log.engine, last, sequence=0, checkpoint=checkpoint)
    assert str(log.attended.latest()) == last.checkpoint


def test_a_statement_is_not_shown_in_its_place(log: Log) -> None:
    log.write(1)
    log.kept.statements.state(StatementKind.HEARTBEAT)
    assert str(log.attended.latest()) == log.batches[-1].checkpoint


def test_the_proof_between_any_two_checkpoints_holds(log: Log) -> None:
    log.write(1, 2, 300, 5)
    for old in log.batches:
        for new in log.batches[log.batches.index(old) :]:
            proof = log.attended.consistency(old.tree_size, new.tree_size)
            verify_consistency(old.tree_size, new.tree_size, old.root_hash, new.root_hash, proof)


def test_what_witnesses_and_authorities_say_is_stated_of_the_checkpoint_it_is_about(log: Log) -> None:
    log.write(1, 1)
    first, second = (Checkpoint(NAME.origin, batch.tree_size, batch.root_hash) for batch in log.batches)
    log.attended.keep_cosignatures(first.text(), "— witness AAAA\n")
    log.attended.keep_timestamp(second.text(), b"\x30\x00")
    one, other = read_statements(log.engine, NAME.log_id)
    assert (one.data, other.data) == ("— witness AAAA\n".encode(), b"\x30\x00")
    said = [open_statement(row.note)[0] for row in (one, other)]
    assert [(some.kind, some.checkpoint) for some in said] == [
        (StatementKind.WITNESSED, first),
        (StatementKind.TIMESTAMPED, second),
    ]
    assert said[0].words == (data_digest(one.data),)


def test_whatever_fails_in_storage_makes_the_log_unavailable_for_now(log: Log) -> None:
    log.write(1, 1)
    text = Checkpoint(NAME.origin, 1, log.batches[0].root_hash).text()
    for table in ("log_batches", "log_tiles", "log_statements"):
        log.engine.execute(f"RENAME TABLE {table} TO away_{table}")
    with pytest.raises(LogUnavailableError):
        log.attended.latest()
    with pytest.raises(LogUnavailableError):
        log.attended.consistency(1, 2)
    with pytest.raises(LogUnavailableError):
        log.attended.keep_timestamp(text, b"")
    for table in ("log_batches", "log_tiles", "log_statements"):
        log.engine.execute(f"RENAME TABLE away_{table} TO {table}")
    assert str(log.attended.latest()) == log.batches[-1].checkpoint


def test_a_tree_that_was_altered_in_storage_proves_nothing(log: Log) -> None:
    log.write(1, 2)
    log.engine.execute("ALTER TABLE log_tiles DELETE WHERE Sequence = 1 SETTINGS mutations_sync = 2")
    with pytest.raises(LogUnavailableError):
        log.attended.consistency(1, 3)


def test_a_server_that_is_shutting_down_keeps_nothing_more(log: Log) -> None:
    log.write(1)
    log.give_up.set()
    with pytest.raises(LogUnavailableError, match="shutting down"):
        log.attended.keep_cosignatures(Checkpoint(NAME.origin, 1, bytes(32)).text(), "")
    assert list(read_statements(log.engine)) == []

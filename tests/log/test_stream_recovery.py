"""A stream whose writer ended: what its journal has goes to storage, once, and its logs go on."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from server.errors.ingest import JournalDamagedError
from server.log.journal import Journal
from server.log.journal_entry import decode_entry
from server.log.stored_log import LogUnusableError
from server.log.stream_writer import StreamWriter
from server.notary.batch import Batch
from server.notary.findings import Finding
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from server.verification.scope import Scope
from server.verification.verification import verify
from storage.engine import Engine
from storage.evidence import read_batches_within
from storage.stored_records import read_records
from tests.codec.building import NOW

from .failures import UNKNOWN
from .streams import NAMES, SIGNER, TABLES, A, B, C, Ended, Picky, records, taken
from .writers import Memory, begin_log, stream_writer


def findings(engine: Engine, names: Iterable[LogName] = NAMES) -> list[Finding]:
    keys = TrustedKeys(named=tuple(SIGNER.verifier_key(name.origin) for name in names))
    return [step for step in verify(engine, keys, Scope()) if isinstance(step, Finding)]


class Restarts:
    """A stream's writer that ends and begins again, on a journal and a storage that stay."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self.engine = engine
        self.directory = directory
        with closing(Journal(directory.with_name("statements"), 1 << 20)) as stated:
            for name in NAMES:
                begin_log(engine, stated, name, SIGNER, NOW // 10**9)

    def journal(self) -> Journal:
        return Journal(self.directory, 1 << 20)

    def append(self, *entries: Mapping[LogName, str], store: bool = False) -> list[dict[LogName, Batch]]:
        with closing(self.journal()) as journal:
            writer, _ = stream_writer(self.engine, journal, NAMES, SIGNER)
            batches = [taken(writer.append(records(texts))) for texts in entries]
            if store:
                writer.store_waiting()
            return batches

    def start(self) -> dict[LogName, list[Batch]]:
        """Store what waits, write on in all logs, and return the batches of each."""
        with closing(self.journal()) as journal:
            writer, _ = stream_writer(self.engine, journal, NAMES, SIGNER)
            writer.store_waiting()
            taken(writer.commit(records(dict.fromkeys(NAMES, "z"))))
        batches = {name: read_batches_within(self.engine, name.log_id, 0, 1000) for name in NAMES}
        for name in NAMES:
            stored = list(read_records(self.engine, Stream.AUDIT, name.log_id, 0, 1000))
            assert [record.leaf_index for record in stored] == list(range(batches[name][-1].tree_size))
        assert findings(self.engine) == []
        return batches

    def lose(self, batch: Batch, *some: str) -> None:
        for table in some:
            self.engine.execute(
                f"ALTER TABLE {table} DELETE WHERE BatchId = '{batch.batch_id}' SETTINGS mutations_sync = 2"
            )


@pytest.fixture
def restarts(engine: Engine, tmp_path: Path) -> Restarts:
    return Restarts(engine, tmp_path / "server" / "journal")


def test_batches_of_many_logs_are_stored_and_verify(restarts: Restarts) -> None:
    first, second = restarts.append({A: "ab", B: "c"}, {B: "d", C: "efg"})
    batches = restarts.start()
    assert [batches[name][:-1] for name in (A, B, C)] == [[first[A]], [first[B], second[B]], [second[C]]]


def test_entries_that_storage_has_leave_the_journal(restarts: Restarts) -> None:
    restarts.append({A: "ab", B: "c"}, {B: "d", C: "efg"}, store=True)
    with closing(restarts.journal()) as journal:
        assert len(journal) == 2
        stream_writer(restarts.engine, journal, NAMES, SIGNER)
        assert len(journal) == 0


@pytest.mark.parametrize("lost", [(A,), (C,), (A, B)])
def test_batches_that_storage_has_lost_are_stored_again_and_the_others_are_not(
    restarts: Restarts, lost: tuple[LogName, ...]
) -> None:
    entries = restarts.append({A: "ab", B: "c", C: "def"}, {A: "g", C: "hi"}, store=True)
    for batches in entries:
        for name in lost:
            if name in batches:
                restarts.lose(batches[name], *TABLES)
    stored = restarts.start()
    assert [stored[name][:-1] for name in (A, B, C)] == [
        [batches[name] for batches in entries if name in batches] for name in (A, B, C)
    ]


@pytest.mark.parametrize("kept", [(), TABLES[:1], TABLES[:2], TABLES[1:2]])
def test_what_storage_has_of_a_lost_batch_is_not_stored_again(restarts: Restarts, kept: Sequence[str]) -> None:
    [batches] = restarts.append({A: "ab", B: "c", C: "def"}, store=True)
    restarts.lose(batches[B], *(table for table in TABLES if table not in kept))
    assert restarts.start()[B][0] == batches[B]


def test_rows_that_are_lost_before_their_batches_were_committed_are_stored_again(restarts: Restarts) -> None:
    [batches] = restarts.append({A: "ab", B: "c", C: "def"}, store=True)
    for batch in batches.values():
        restarts.lose(batch, TABLES[2])
    restarts.lose(batches[C], *TABLES[:2])
    restarts.lose(batches[A], TABLES[0])
    stored = restarts.start()
    assert [stored[name][0] for name in (A, B, C)] == [batches[name] for name in (A, B, C)]


def test_another_history_of_one_log_is_refused_and_the_journal_stays(restarts: Restarts, journal: Journal) -> None:
    restarts.append({A: "a", B: "b"})
    elsewhere, _ = stream_writer(restarts.engine, journal, NAMES, SIGNER)
    elsewhere.commit(records({B: "x"}))
    with closing(restarts.journal()) as left:
        with pytest.raises(LogUnusableError, match=f"another history: batch 1 of the log {B.origin}"):
            stream_writer(restarts.engine, left, NAMES, SIGNER)
        assert len(left) == 1


def test_entries_with_a_log_that_is_not_opened_are_not_dropped(restarts: Restarts) -> None:
    restarts.append({A: "a", B: "b"})
    with closing(restarts.journal()) as journal:
        with pytest.raises(LogUnusableError, match="records of another log"):
            stream_writer(restarts.engine, journal, [A], SIGNER)
        assert len(journal) == 1


def test_a_log_that_was_not_added_is_not_committed(restarts: Restarts) -> None:
    restarts.append({A: "a", B: "b"})
    with closing(restarts.journal()) as journal:
        writer = StreamWriter(restarts.engine, Stream.AUDIT, journal, Memory(), threading.Event())
        with pytest.raises(JournalDamagedError, match="which this server does not write"):
            writer.store_waiting()


def test_requests_of_all_logs_are_named(picky: Picky, journal: Journal) -> None:
    writer, _ = stream_writer(picky, journal, NAMES, SIGNER, give_up=Ended())
    picky.failures = [(UNKNOWN, False)]
    writer.commit(records({A: "a", B: "b"}))
    again, _ = stream_writer(picky, journal, NAMES, SIGNER)
    assert again.inherited_requests == [b"a" * 32, b"b" * 32]


def test_a_batch_of_an_entry_that_was_changed_is_refused(restarts: Restarts) -> None:
    restarts.append({A: "a", B: "b"})
    with closing(restarts.journal()) as journal:
        entry = decode_entry(journal.read(journal.waiting[-1]))
        first, second = entry.signed
        journal.append(replace(entry, signed=(first, replace(second, leaf_hashes=bytes(32)))).encode())
        with pytest.raises(JournalDamagedError):
            stream_writer(restarts.engine, journal, NAMES, SIGNER)

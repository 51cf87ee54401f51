"""The writer of a stream that is not signed: acknowledged batches are stored, and batches in the journal only once."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from enum import Enum, auto
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.codec.rows import Rows
from server.errors.ingest import BatchOutcomeUnknownError, EndedWaitError, JournalFullError, StorageRefusedError
from server.log.journal import Journal
from server.log.unsigned_entry import decode_unsigned_entry
from server.log.unsigned_writer import UnsignedWriter
from server.notary.origin import Stream
from storage.engine import Engine, EngineWrapper
from storage.rowbinary import read_rows, text, uint64
from storage.schema import RECORD_TABLES
from tests.codec.building import DAY, NOW, rows
from tests.effort import effort
from tests.log.failures import REFUSED, UNKNOWN

_NUMBERS = itertools.count(1)


class Mood(Enum):
    """Outcome of an INSERT."""

    FINE = auto()
    REFUSED = auto()
    CUT_BEFORE = auto()
    """The connection breaks before the INSERT takes effect."""
    CUT_AFTER = auto()
    """The connection breaks after the INSERT took effect."""
    LOST = auto()
    """The ClickHouse server is killed after it has noted the token, and before the rows are visible."""


class Moody(EngineWrapper):
    """A real storage with scripted outcomes of the next INSERTs."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.moods: list[Mood] = []
        self.tokens: list[str] = []

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        self.tokens.append(token)
        mood = self.moods.pop(0) if self.moods else Mood.FINE
        if mood is Mood.REFUSED:
            raise REFUSED
        if mood is Mood.CUT_BEFORE:
            raise UNKNOWN
        super().insert(table, columns, block, token)
        if mood is Mood.LOST:
            self.execute(
                f"ALTER TABLE {table} DELETE WHERE LeafIndex = {_newest(self, table)} SETTINGS mutations_sync = 2"
            )
        if mood in (Mood.CUT_AFTER, Mood.LOST):
            raise UNKNOWN


def _newest(engine: Engine, table: str) -> int:
    """Return the LeafIndex of the row that was inserted last."""
    (answer,) = read_rows(engine.query(f"SELECT argMax(LeafIndex, IngestedAt) FROM {table}"), (uint64,))
    return int(answer[0])


@contextmanager
def writing(
    engine: Engine, directory: Path, stream: Stream = Stream.OPERATIONAL, give_up: threading.Event | None = None
) -> Iterator[UnsignedWriter]:
    writer = UnsignedWriter(engine, stream, Journal(directory, 1 << 24), give_up or threading.Event())
    with closing(writer):
        yield writer


def new_rows(*bodies: str, stream: Stream = Stream.OPERATIONAL) -> Rows:
    return rows(stream, *bodies, ingested_at=NOW + 1000 * next(_NUMBERS))


def stored(engine: Engine) -> list[str]:
    answer = engine.query("SELECT Body FROM otel_logs ORDER BY Body")
    return [body for (body,) in read_rows(answer, (text,))]


@pytest.mark.parametrize("stream", [Stream.OPERATIONAL, Stream.SPANS])
def test_a_batch_is_one_insert_of_rows_that_name_no_log_and_have_a_number_each(
    engine: Engine, tmp_path: Path, stream: Stream
) -> None:
    moody = Moody(engine)
    with writing(moody, tmp_path, stream) as writer:
        writer.commit([new_rows("a", "b", stream=stream), new_rows("c", stream=stream)])
        assert len(writer.journal) == 0
    assert len(moody.tokens) == 1
    answer = engine.query(f"SELECT toString(LogId), toString(BatchId), LeafIndex FROM {RECORD_TABLES[stream]}")
    found = list(read_rows(answer, (text, text, uint64)))
    assert {(log, batch) for log, batch, _ in found} == {("", "00000000-0000-0000-0000-000000000000")}
    assert len({number for _, _, number in found}) == 3
    for table in ("log_batches", "log_tiles", "log_statements"):
        assert engine.query(f"SELECT count() FROM {table}") == bytes(8)


@pytest.mark.parametrize("mood", [Mood.CUT_BEFORE, Mood.CUT_AFTER, Mood.LOST])
def test_an_insert_of_unknown_outcome_is_repeated_until_its_rows_are_there_once(
    engine: Engine, tmp_path: Path, mood: Mood
) -> None:
    moody = Moody(engine)
    moody.moods = [mood]
    with writing(moody, tmp_path) as writer:
        writer.commit([new_rows("a")])
        assert writer.trouble == ""
    assert stored(engine) == ["a"]


def test_what_storage_refuses_is_refused_and_told_as_trouble_until_a_batch_is_stored(
    engine: Engine, tmp_path: Path
) -> None:
    moody = Moody(engine)
    moody.moods = [Mood.REFUSED]
    with writing(moody, tmp_path) as writer:
        with pytest.raises(StorageRefusedError, match="too many parts"):
            writer.commit([new_rows("a")])
        assert "too many parts" in writer.trouble
        writer.commit([new_rows("b")])
        assert writer.trouble == ""
    assert stored(engine) == ["b"]


def test_a_commit_that_is_given_up_is_of_unknown_outcome_and_nothing_is_taken_afterwards(
    engine: Engine, tmp_path: Path
) -> None:
    moody, give_up = Moody(engine), threading.Event()
    give_up_then = moody.insert

    def insert(*args: object) -> None:
        give_up.set()
        give_up_then(*args)  # type: ignore[arg-type]

    moody.insert = insert  # type: ignore[method-assign]
    moody.moods = [Mood.CUT_AFTER]
    with writing(moody, tmp_path, give_up=give_up) as writer:
        with pytest.raises(BatchOutcomeUnknownError):
            writer.commit([new_rows("a")])
        for take in (writer.commit, writer.append):
            with pytest.raises(EndedWaitError):
                take([new_rows("b")])
    assert stored(engine) == ["a"]


def test_rows_of_two_days_are_not_one_batch(engine: Engine, tmp_path: Path) -> None:
    with writing(engine, tmp_path) as writer, pytest.raises(ValueError, match="several days"):
        writer.append([rows(Stream.OPERATIONAL, "a"), rows(Stream.OPERATIONAL, "b", ingested_at=NOW + DAY)])


def test_a_full_journal_refuses_until_its_batches_are_stored(engine: Engine, tmp_path: Path) -> None:
    writer = UnsignedWriter(engine, Stream.OPERATIONAL, Journal(tmp_path, 4096), threading.Event())
    with closing(writer):
        bodies = (f"{number:04}" for number in itertools.count())
        taken: list[str] = []

        def append_all() -> None:
            for body in bodies:
                writer.append([new_rows(body)])
                taken.append(body)

        with pytest.raises(JournalFullError):
            append_all()
        assert "the journal is full" in writer.journal_trouble
        writer.store_waiting()
        writer.append([new_rows("more")])
        writer.store_waiting()
    assert stored(engine) == [*taken, "more"]


def test_what_was_appended_is_stored_behind_the_senders(engine: Engine, tmp_path: Path) -> None:
    give_up = threading.Event()
    with writing(engine, tmp_path, give_up=give_up) as writer:
        writer.append([new_rows("a")])
        thread = threading.Thread(target=writer.store_appended)
        thread.start()
        writer.append([new_rows("b")])
        writer.store_waiting()  # waits for the thread, or is faster
        give_up.set()
        writer.wake()
        thread.join()
    assert stored(engine) == ["a", "b"]


def test_after_a_restart_nothing_that_is_marked_as_stored_is_looked_up(engine: Engine, tmp_path: Path) -> None:
    with writing(engine, tmp_path) as writer:
        for body in "abc":
            writer.append([new_rows(body)])
        writer.store_waiting()
    engine.execute("TRUNCATE TABLE otel_logs")  # retention has dropped the rows
    with writing(engine, tmp_path) as writer:
        assert len(writer.journal) == 0
        writer.store_waiting()
    assert stored(engine) == []


def test_a_mark_of_another_journal_is_no_mark(engine: Engine, tmp_path: Path) -> None:
    with writing(engine, tmp_path / "one") as writer:
        writer.append([new_rows("a")])
        writer.store_waiting()
    with writing(engine, tmp_path / "two") as writer:
        writer.append([new_rows("b")])
    (tmp_path / "two" / "stored").write_bytes((tmp_path / "one" / "stored").read_bytes())
    with writing(engine, tmp_path / "two") as writer:
        writer.store_waiting()
    assert stored(engine) == ["a", "b"]


def test_the_journal_keeps_all_that_an_insert_needs(engine: Engine, tmp_path: Path) -> None:
    with writing(engine, tmp_path) as writer:
        writer.append([new_rows("a", "b")])
        (number,) = writer.journal.waiting
        batch = decode_unsigned_entry(writer.journal.read(number))
        assert (batch.rows, batch.day, len(batch.token)) == (2, NOW // DAY, 16)
        assert "1 batch waits in the journal of operational" in writer.left()


@settings(max_examples=effort(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["append", "store", "kill", "forget the mark"]), st.sampled_from(Mood))))
def test_whatever_happens_each_batch_in_the_journal_is_stored_once(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Mood]]
) -> None:
    engine.execute("TRUNCATE TABLE otel_logs")
    directory = tmp_path_factory.mktemp("journal")
    expected: list[str] = []
    moody, give_up = Moody(engine), threading.Event()
    writer = UnsignedWriter(moody, Stream.OPERATIONAL, Journal(directory, 1 << 24), give_up)

    def restart() -> None:
        nonlocal writer, give_up
        writer.close()
        give_up = threading.Event()
        writer = UnsignedWriter(moody, Stream.OPERATIONAL, Journal(directory, 1 << 24), give_up)

    for step, mood in steps:
        moody.moods = [mood]
        if step == "append":
            expected.append(f"{len(expected):04}")
            writer.append([new_rows(expected[-1])])
        elif step == "store":
            writer.store_waiting()
        elif step == "kill":  # in the middle of an INSERT, at least if it is cut
            give_up.set()
            with suppress(EndedWaitError):
                writer.store_waiting()
            restart()
        else:
            (directory / "stored").unlink(missing_ok=True)
            restart()
    moody.moods = []
    writer.store_waiting()
    writer.close()
    assert stored(engine) == expected

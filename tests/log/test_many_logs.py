"""Many logs of one stream, whatever fails: each goes on in order, and what was acknowledged is stored once."""

from __future__ import annotations

import itertools
import logging
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors.ingest import BatchOutcomeUnknownError, RefusedError
from server.log.group import GroupLimits
from server.log.journal import Journal
from server.log.open_log import LogRecords, Outcomes
from server.log.stream_writer import StreamWriter
from server.notary.batch import Batch
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.errors import StorageError
from tests.codec.building import rows
from tests.effort import effort

from .failures import Patience
from .moody_store import Mood, MoodyStore
from .stepped import Crash
from .writers import stream_writer

NAMES = [LogName("example.org", Stream.AUDIT, f"node-{number}") for number in range(4)]
SIGNER = Signer.generate()
LIMITS = GroupLimits(rows=12, batches=6)  # so small that several groups wait
PAUSES = 4  # pauses of a process until it ends
MANY = 50  # starts within which everything is done once nothing fails any more

_TEXTS = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3), min_size=1)
_MOODS = st.sampled_from([mood for mood in Mood if mood is not Mood.HANGS])


@dataclass(frozen=True)
class Commit:
    """So many records for each log."""

    counts: Mapping[LogName, int]


@dataclass(frozen=True)
class Append:
    """So many records for each log, which stay in the journal."""

    counts: Mapping[LogName, int]


@dataclass(frozen=True)
class Store:
    """The entries of the journal go to storage."""


@dataclass(frozen=True)
class Inserts:
    """Outcomes of the next inserts, the end of the process after some of them, and queries without an answer."""

    moods: Sequence[Mood]
    crash_after: int | None
    deaf: int


@dataclass(frozen=True)
class Arrive:
    """Inserts that were cut off arrive, or storage forgets tokens."""

    seed: int


@dataclass(frozen=True)
class Restart:
    """The process is killed; meanwhile storage loses the last batches of some logs."""

    lost: Sequence[LogName]


_STEPS = st.lists(
    st.one_of(
        st.builds(Commit, _TEXTS),
        st.builds(Commit, _TEXTS),
        st.builds(Append, _TEXTS),
        st.builds(Append, _TEXTS),
        st.just(Store()),
        st.builds(Inserts, st.lists(_MOODS, max_size=5), st.none() | st.integers(0, 6), st.integers(0, 2)),
        st.builds(Arrive, st.integers(0, 1 << 32)),
        st.builds(Restart, st.lists(st.sampled_from(NAMES), max_size=3)),
    ),
    max_size=25,
)


@dataclass
class World:
    """A process, its journal and a storage.

    Attributes:
        acknowledged: leaf hashes of the records that were acknowledged.
        open: leaf hashes of records that may be stored once.
    """

    directory: Path
    store: MoodyStore = field(init=False)
    journal: Journal | None = None
    writer: StreamWriter | None = None
    crash_in: int | None = None
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    acknowledged: set[bytes] = field(default_factory=set)
    open: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.store = MoodyStore(lambda: Mood.FINE, self.count_down)

    def count_down(self) -> None:
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                raise Crash

    def start(self) -> StreamWriter | None:
        """Return the writer of a running process, None if it cannot start now."""
        if self.writer is None:
            self.crash_in = None
            self.journal = Journal(self.directory, 1 << 20, sync=lambda _: None)
            try:
                give_up = Patience(PAUSES)
                self.writer, _ = stream_writer(self.store, self.journal, NAMES, SIGNER, give_up=give_up, limits=LIMITS)
            except (StorageError, MemoryError):
                self.end()
        return self.writer

    def end(self) -> None:
        if self.journal is not None:
            self.journal.close()
        self.writer = self.journal = None

    def write(self, counts: Mapping[LogName, int], *, wait: bool) -> None:
        writer = self.start()
        if writer is None:
            return
        made = {
            name: rows(Stream.AUDIT, *(f"{next(self.numbers)}" for _ in range(count))) for name, count in counts.items()
        }
        leaves = {
            name: {part.leaf_hashes[at : at + 32] for at in range(0, len(part.leaf_hashes), 32)}
            for name, part in made.items()
        }
        records = {name: LogRecords([part]) for name, part in made.items()}
        try:
            outcomes: Outcomes = writer.commit(records) if wait else writer.append(records)
        except Crash:
            self.open |= set().union(*leaves.values())
            self.end()
            return
        except RefusedError:  # it waited too long for what is in the journal
            self.end()
            return
        assert set(outcomes) == set(counts)
        for name, outcome in outcomes.items():
            if isinstance(outcome, Batch):
                self.acknowledged |= leaves[name]
            elif isinstance(outcome, BatchOutcomeUnknownError):
                self.open |= leaves[name]

    def store_waiting(self) -> bool:
        """Store what waits; return whether all of it is stored."""
        writer = self.start()
        if writer is None:
            return False
        try:
            writer.store_waiting()
        except (Crash, RefusedError):
            self.end()
            return False
        return True

    def step(self, step: Commit | Append | Store | Inserts | Arrive | Restart) -> None:
        match step:
            case Commit(counts):
                self.write(counts, wait=True)
            case Append(counts):
                self.write(counts, wait=False)
            case Store():
                self.store_waiting()
            case Inserts(moods, crash_after, deaf):
                self.store.moods.extend(moods)
                self.crash_in, self.store.deaf = crash_after, deaf
            case Arrive(seed):
                if self.store.late:
                    self.store.arrive(random.Random(seed).randrange(len(self.store.late)))
                else:
                    self.store.forget_tokens()
            case Restart(lost):
                self.end()
                for name in lost:
                    self.store.lose_last(name.origin)

    def recover(self) -> None:
        """Let everything be well again, and check what has come of it."""
        self.store.moods.clear()
        self.store.deaf = 0
        self.crash_in = None
        while self.store.late:
            self.store.arrive(0)
        assert any(self.store_waiting() for _ in range(MANY)), "it does not come to an end"
        self.end()  # it may have lost patience
        self.write(dict.fromkeys(NAMES, 1), wait=True)
        assert self.writer is not None
        self.end()
        self.start()
        assert self.journal is not None
        assert len(self.journal) == 0
        assert not self.store.unfinished
        stored = Counter(self.store.leaves)
        assert set(stored.values()) == {1}, "a record is stored more than once"
        assert self.acknowledged <= set(stored), "a record was acknowledged and is not stored"
        assert set(stored) <= self.acknowledged | self.open, "a record was refused and is stored"
        self.end()


@settings(max_examples=effort(300))
@given(_STEPS)
def test_every_log_is_in_order_and_what_was_acknowledged_is_stored_once(
    steps: list[Commit | Append | Store | Inserts | Arrive | Restart],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory) / "journal" / "audit")
        for step in steps:
            world.step(step)
        world.recover()


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("server.log")
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(logging.NOTSET)

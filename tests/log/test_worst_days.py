"""A writer on its worst days: what it acknowledged is kept, whatever fails and whenever it ends.

A state machine over receive, batch, journal, commit, crash and restart. Journals are files, of which a crash leaves
what was synced; storage and the clock are pretended, and threads go on when they are told to. So any order of things
can be tried, and tried again.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import random
import shutil
import tempfile
import threading
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from server.codec.rows import Rows
from server.errors.ingest import JournalDamagedError, RefusedError
from server.log.journal_entry import decode_entry
from server.notary.batch import Batch
from server.notary.checkpoint import open_checkpoint
from server.notary.merkle import split_hashes
from server.notary.origin import LogName, LogOwner, Stream
from server.notary.signers import Signer
from server.pipeline.batcher import Batcher
from server.pipeline.gatherer import BatchLimits
from server.pipeline.retry_ledger import NotedRequest
from server.settings.values import Acknowledge
from storage.errors import StorageError
from tests.effort import effort

from .disk import Disk
from .misfortunes import CrashSoon, Inserts, Misfortune, Outage, Stumbles, Syncs, misfortunes
from .moody_store import Mood, MoodyStore
from .senders import LAST, REQUESTS, Senders, digest_of, rows_of
from .server_life import GiveUp, Pause, Server, StumblingJournal
from .stepped import Crash, Stage, SteppedLoop, Worker
from .writers import Memory, log_writer, open_log

STEPS = effort(10_000)

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()
KEYS = SIGNER.verifier_keys(NAME.origin)
LIMITS = BatchLimits(rows=4, age=1.0)
MANY = 500  # turns within which everything is done once nothing fails any more


class WorstDays(RuleBasedStateMachine):
    """Senders, a server with its disk, and a storage."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.directory = Path(tempfile.mkdtemp())
        self.disk = Disk(self.directory)
        self.disk.before_sync = self.disk.after_sync = self.count_down
        self.store = MoodyStore(self.hang, self.count_down, self.count_down)
        self.stage = Stage()
        self.loop = SteppedLoop(self.stage, lambda: self.now)
        self.server: Server | None = None
        self.memory = Memory()
        self.senders = Senders()
        self.restarted = False
        self.back_at = self.now  # when storage is reached again
        self.seed = 0
        self.crash_in: int | None = None  # so many more syncs and inserts

    @initialize(acknowledge=st.sampled_from(Acknowledge), size=st.sampled_from([8_000, 1 << 20]))
    def begin(self, acknowledge: Acknowledge, size: int) -> None:
        self.acknowledge = acknowledge
        self.journal_size = size
        self.start()

    # What senders do.

    @precondition(lambda self: self.server and self.server.takes)
    @rule(requests=st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4))
    def send(self, requests: list[int]) -> None:
        for request in requests:
            if self.server is None:  # it has crashed meanwhile
                return
            add = partial(self.server.batcher.add, rows_of(request), digest_of(request))
            with contextlib.suppress(RefusedError):
                self.senders.waiting.append((request, self.loop.inside(add)))
            self.look()

    @precondition(lambda self: self.senders.waiting)
    @rule(number=st.integers(0, 100))
    def give_up_waiting(self, number: int) -> None:
        _, ticket = self.senders.waiting[number % len(self.senders.waiting)]
        ticket.cancel()
        self.loop.spin()
        self.look()

    # What time, storage and the disk do.

    @precondition(lambda self: self.server)
    @rule(seconds=st.sampled_from([0.3, 1.0, 6.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.store.down = self.store.down and self.now < self.back_at
        for worker, what in self.stage.parked:
            if isinstance(what, Pause) and what.until <= self.now:
                worker.resume()
        self.loop.spin()
        self.look()

    @precondition(lambda self: self.hanging)
    @rule(mood=st.sampled_from([mood for mood in Mood if mood is not Mood.HANGS]))
    def answer(self, mood: Mood) -> None:
        for worker in self.hanging:
            worker.resume(mood)
        self.loop.spin()
        self.look()

    @precondition(lambda self: self.server)
    @rule(misfortune=misfortunes())
    def befall(self, misfortune: Misfortune) -> None:
        match misfortune:
            case Inserts(moods):
                self.store.moods.extend(moods)
            case Outage(seconds, deaf, dazed):
                self.store.down, self.store.deaf, self.store.dazed = True, deaf, dazed
                self.back_at = self.now + seconds
            case Stumbles(times):
                assert self.server is not None
                self.server.journal.stumbles = times
            case Syncs(failing):
                self.disk.failing = failing
            case CrashSoon(events, seed):
                self.crash_in, self.seed = events, seed

    @precondition(lambda self: self.store.late)
    @rule(place=st.integers(0, 100))
    def arrive_late(self, place: int) -> None:
        self.store.arrive(place % len(self.store.late))

    @precondition(lambda self: self.store.batches and not self.store.late)
    @rule()
    def forget_tokens(self) -> None:
        self.store.forget_tokens()

    # What the server does.

    @precondition(lambda self: self.server is None)
    @rule(known=st.integers(0, 2), all_is_well=st.booleans())
    def start(self, known: int = 0, *, all_is_well: bool = True) -> None:
        if all_is_well:
            self.store.down, self.store.deaf, self.store.dazed = False, 0, 0
            self.disk.failing = 0
        # What it remembers of the log is not synced, so it may be older.
        remembered = self.memory.checkpoints[: len(self.memory.checkpoints) - known]
        checkpoint = open_checkpoint(remembered[-1])[0] if remembered else None
        try:
            journal = StumblingJournal(self.directory, self.journal_size, sync=self.disk.sync)
        except JournalDamagedError as error:
            if isinstance(error.__cause__, OSError):
                return  # it is started again
            raise
        self.senders.leave_doubtful_open()
        try:
            committed, head, _ = open_log(self.store, NAME, KEYS, checkpoint, journal)
        except (StorageError, MemoryError):
            journal.close()
            return
        give_up = GiveUp(lambda: self.now)
        writer = log_writer(self.store, journal, committed, SIGNER, head=head, memory=self.memory, give_up=give_up)
        in_journal = self.acknowledge is Acknowledge.JOURNAL
        write = writer.append if in_journal else writer.commit

        def commit(parts: list[Rows], requests: list[bytes]) -> dict[LogOwner, Batch | RefusedError]:
            return {LogOwner(): write(parts, requests)}

        batcher = Batcher(LIMITS, commit, clock=lambda: self.now, settle=writer.stream.store_waiting)
        self.server = Server(journal, writer, batcher, give_up)
        self.check_kept()
        if in_journal:
            self.take_requests(self.server, [])
        else:
            self.store_left(self.server)

    def store_left(self, server: Server) -> None:
        left_behind = server.writer.stream.inherited_requests

        def done(worker: Worker) -> None:
            if worker.error is None:
                self.take_requests(server, left_behind)
            elif isinstance(worker.error, MemoryError):  # it cannot start, and is started again
                self.end()
            elif not isinstance(worker.error, Crash | RefusedError):
                raise worker.error

        self.stage.start(server.writer.stream.store_waiting, done)
        self.look()

    def take_requests(self, server: Server, left_behind: list[bytes]) -> None:
        server.takes = True
        self.loop.inside(lambda: server.batcher.restore(NotedRequest(request, 0.0) for request in left_behind))
        self.loop.inside(server.batcher.start)

    @precondition(lambda self: self.server and self.acknowledge is Acknowledge.JOURNAL)
    @rule()
    def store_appended(self) -> None:
        server = self.server
        assert server is not None
        if server.storing is not None and not server.storing.ended:
            return

        def done(worker: Worker) -> None:
            if not isinstance(worker.error, Crash | RefusedError | MemoryError | None):
                raise worker.error

        server.storing = self.stage.start(server.writer.stream.store_waiting, done)
        self.look()

    @precondition(lambda self: self.server)
    @rule()
    def stop(self) -> None:
        server = self.server
        assert server is not None
        server.takes = False
        server.give_up.set()
        closing = self.loop.inside(lambda: self.loop.create_task(server.batcher.close()))
        while self.stage.parked:
            for worker, what in self.stage.parked:
                worker.resume(None if isinstance(what, Pause) else Mood.CUT_BEFORE)
            self.loop.spin()
        self.loop.spin()
        self.look()
        if self.server is not None:  # it has not crashed on the way
            assert closing.done()
            assert not self.senders.waiting
            self.end()

    @precondition(lambda self: self.server)
    @rule(power_fails=st.booleans(), seed=st.integers(0, 1 << 32))
    def crash(self, power_fails: bool, seed: int) -> None:
        self.stage.kill()
        self.loop.abandon()
        self.senders.lose_server()
        self.end()
        self.crash_in = None
        if power_fails:
            chance = random.Random(seed)
            self.disk.crash(lambda most: chance.randint(0, most))

    def end(self) -> None:
        assert self.server is not None
        self.server.journal.close()
        self.server = None
        self.restarted = True

    def count_down(self) -> None:
        """Crash after so many syncs and inserts."""
        if self.crash_in is not None and threading.current_thread() is not threading.main_thread():
            self.crash_in -= 1
            if self.crash_in < 0:
                raise Crash

    @property
    def hanging(self) -> list[Worker]:
        """Workers whose inserts storage has not answered yet."""
        return [worker for worker, what in self.stage.parked if not isinstance(what, Pause)]

    def hang(self) -> Mood:
        mood = Stage.park("an answer")
        assert isinstance(mood, Mood)
        return mood

    # What has to hold.

    def look(self) -> None:
        """See who was answered, and whether the server is still there."""
        if self.senders.look():
            self.check_kept(durable=True)
        if self.crash_in is not None and self.crash_in < 0:
            self.crash(power_fails=True, seed=self.seed)

    def check_kept(self, *, durable: bool = False) -> None:
        """Check that what was acknowledged is in storage, or in the journal: even if power failed now."""
        assert self.server is not None
        kept = Counter(self.store.leaves)
        committed = len(self.store.batches)
        payloads = self.disk.durable_frames() if durable else map(self.server.journal.read, self.server.journal.waiting)
        for payload in payloads:
            entry = decode_entry(payload)
            for signed in entry.signed:
                if signed.batch.sequence > committed:
                    kept.update(split_hashes(signed.leaf_hashes))
        self.senders.check_kept(kept)

    @invariant()
    def only_what_was_sent_together_is_unfinished(self) -> None:
        assert len(self.store.unfinished_groups) <= 1

    def teardown(self) -> None:
        try:
            if hasattr(self, "acknowledge"):
                self.recover()
        finally:
            self.stage.kill()
            self.loop.abandon()
            self.loop.close()
            if self.server is not None:
                self.server.journal.close()
            shutil.rmtree(self.directory)

    def recover(self) -> None:
        """Let everything be well again, and check what has come of it."""
        self.crash_in = None
        self.disk.failing = 0
        self.store.moods.clear()
        self.store.down, self.store.deaf, self.store.dazed = False, 0, 0
        if self.server is not None:
            self.server.journal.stumbles = 0
        self.settle()
        while self.store.late:
            self.store.arrive(0)
        # Senders without an answer send again what they sent.
        unanswered = self.senders.open.copy()
        for request in unanswered.elements():
            before = self.senders.acknowledged[request]
            self.send([request])
            self.settle()
            assert self.senders.acknowledged[request] == before + 1, "a request is refused though all is well"
        restarted = self.restarted
        self.send([LAST])  # what a failing disk may have left in the journal is gone before it is written
        self.settle()
        self.stop()
        self.start()
        assert self.server is not None, "it does not start"
        assert len(self.server.journal) == 0, "something waits"
        assert self.senders.acknowledged[LAST] == 1
        assert not self.store.unfinished, "there are rows without their checkpoint"
        # A restart forgets whose requests were committed while they got no answer.
        self.senders.check_stored(self.store.leaves, unanswered if restarted else Counter())

    def settle(self) -> None:
        """Go on until everything is done."""
        for _ in range(MANY):
            if self.server is None:
                self.start()
            self.answer(Mood.FINE)
            self.wait(6.0)
            if self.server and self.acknowledge is Acknowledge.JOURNAL:
                self.store_appended()
            if (
                self.server
                and self.server.takes
                and not (self.senders.waiting or self.stage.workers or len(self.server.journal))
            ):
                return
        raise AssertionError("it does not come to an end")


@pytest.mark.timeout(900)  # its threads take turns, which takes long where others want the processor too
def test_what_was_acknowledged_is_kept_in_order_and_signed_whatever_fails(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "server.pipeline")
    steps = itertools.count()

    class Counted(WorstDays):
        @invariant()
        def count(self) -> None:
            next(steps)

    while next(steps) < STEPS:
        run_state_machine_as_test(Counted, settings=settings(max_examples=100, stateful_step_count=50))

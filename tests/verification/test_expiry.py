"""Records that may have been dropped: they expire when they are due, whatever a log went through, and not before."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.codec.rows import Rows
from server.errors.ingest import StorageRefusedError
from server.log.committed_log import CommittedLog
from server.log.journal import Journal
from server.notary.batch import Batch, LogState
from server.notary.checkpoint import Checkpoint
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.statement import (
    ReceiptBound,
    Statement,
    StatementKind,
    StatementRow,
    open_statement,
    read_receipt_bound,
)
from server.notary.statement_check import LogStatements, check_statements
from server.notary.trust import TrustedKeys
from server.pipeline.clock import Clock
from server.verification.expiry import Expiry
from storage.errors import NotAppliedError, OutcomeUnknownError
from tests.codec.building import PretendedEngine, rows
from tests.log.streams import Ended
from tests.log.writers import BatchMemory, log_writer, only_batch, statement_writer

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()
KEYS = TrustedKeys(named=(SIGNER.verifier_key(NAME.origin),))
START = 1_790_000_000
SECOND = 10**9
HOUR = 3600
DAY = 86_400
AWAY = NotAppliedError("connection refused")
SILENT = OutcomeUnknownError("connection reset")


def as_stored(note: str) -> StatementRow:
    """The row of a statement without data."""
    said, _ = open_statement(note)
    checkpoint = said.checkpoint
    return StatementRow(NAME.log_id, said.number, said.kind.value, checkpoint.size, said.time, note, b"")


def _no_sync(_: int) -> None:
    """Sync nothing: no power fails here."""


class Server:
    """A server's work on one log, on a storage that is away now and then; ``wall`` is the system's clock."""

    def __init__(self, directory: Path) -> None:
        self.wall = START
        self.away = False
        self.engine = PretendedEngine(before_insert=self._before_insert)
        self.journals = [Journal(directory / name, 1 << 20, sync=_no_sync) for name in ("batches", "statements")]
        self.memory = BatchMemory(self.journals[0])
        self.signed: list[Batch] = []  # those that have not been refused, in order
        self.last: Statement | None = None
        self.in_memory: list[Rows] = []  # received, and not signed
        self._at = CommittedLog(LogState(NAME))
        self.restart()

    def _before_insert(self) -> None:
        if self.away:
            raise AWAY

    def restart(self) -> None:
        """End, with what is in memory, and start again."""
        self.in_memory.clear()
        self.give_up = Ended()  # the process ends where storage does not answer
        batches, statements = self.journals
        head = self._at.state
        for number in batches.waiting:
            head, _ = only_batch(batches.read(number)).extend(head)
        self.clock = Clock(lambda: self.wall * SECOND)
        self.clock.not_before(max([0, *(batch.ingested_at for batch in self.signed)]))
        self.clock.not_before(self.last.time * SECOND if self.last else 0)
        self.writer = log_writer(
            self.engine, batches, self._at, SIGNER, head=head, memory=self.memory, give_up=self.give_up
        )
        self.statements = statement_writer(
            self.engine,
            statements,
            self._at,
            SIGNER,
            last=self.last,
            memory=self.memory,
            give_up=self.give_up,
            clock=self.clock.seconds,
            receipts=self.writer.log.receipts,
        )

    @property
    def committed(self) -> list[Batch]:
        """The batches that were committed."""
        return self.memory.batches

    @property
    def stated(self) -> list[StatementRow]:
        """The statements that were stored, and are known to be."""
        return [as_stored(note) for note in self.memory.statements]

    def receive(self) -> None:
        """Receive a record."""
        self.in_memory.append(rows(Stream.AUDIT, "a record", ingested_at=self.clock.now()))

    def append(self) -> None:
        """Acknowledge what is in memory from the journal."""
        self._sign(self.writer.append)

    def commit(self) -> None:
        """Acknowledge what is in memory from storage."""
        self._sign(self.writer.commit)

    def _sign(self, sign: Callable[[Sequence[Rows]], Batch]) -> None:
        if not self.in_memory:
            return
        parts, self.in_memory = self.in_memory, []
        waiting = len(self.journals[0])
        try:
            self.signed.append(sign(parts))
        except StorageRefusedError:
            if len(self.journals[0]) > waiting:  # it is half stored
                [*_, number] = self.journals[0].waiting
                self.signed.append(only_batch(self.journals[0].read(number)).batch)
        if self.give_up.is_set():
            self.restart()

    def drain(self) -> None:
        """Store what is in the journal, if storage is there; where it does not answer, the process ends."""
        if not self.away:
            with contextlib.suppress(StorageRefusedError):
                self.writer.stream.store_waiting()

    def state(self, kind: StatementKind = StatementKind.HEARTBEAT, *words: str) -> ReceiptBound | None:
        """Make a statement; return its receipt bound if it was stored."""
        try:
            self.last = self.statements.state(kind, *words)
        except StorageRefusedError:
            return None
        return read_receipt_bound(self.last)

    def expiry(self, expired_before: int) -> Expiry:
        """Return what verification makes of the statements when records received before a time may be gone."""
        found = check_statements(self.stated, KEYS)[NAME.log_id]
        assert not found.findings
        return Expiry(found, expired_before + DAY * SECOND)


@contextmanager
def server() -> Iterator[Server]:
    with TemporaryDirectory() as directory:
        running = Server(Path(directory))
        running.state(StatementKind.RETENTION, str(DAY))
        try:
            yield running
        finally:
            for journal in running.journals:
                journal.close()


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "server.log")


def assert_expire_when_due(running: Server) -> None:
    """Each batch may be gone as soon as its records are due, and not before."""
    for batch in running.committed:
        assert running.expiry(batch.ingested_at).covers(batch)
        assert not running.expiry(batch.ingested_at - 1).covers(batch)


def as_if_old(batch: Batch) -> Batch:
    return replace(batch, ingested_at=0)


@pytest.mark.parametrize("hours", [2, 10, 1000])
def test_records_acknowledged_during_an_outage_expire_when_due_however_long_it_was(hours: int) -> None:
    with server() as running:
        running.receive()
        running.append()
        running.drain()
        running.away = True
        running.receive()
        running.append()
        running.wall += hours * HOUR
        running.away = False
        running.state()  # before the first of them is in storage
        running.drain()
        running.state()
        assert_expire_when_due(running)


def test_a_batch_that_came_after_a_heartbeat_cannot_be_passed_off_as_one_from_before() -> None:
    with server() as running:
        running.away = True
        running.receive()
        running.append()
        running.wall += 10 * HOUR
        running.away = False
        bound = running.state()
        assert bound == ReceiptBound(1, running.wall - HOUR)
        running.receive()
        running.append()
        running.drain()
        waited, came_later = running.committed
        assert running.expiry(bound.earliest * SECOND - 1).covers(as_if_old(waited))
        assert not running.expiry(bound.earliest * SECOND - 1).covers(as_if_old(came_later))


def test_a_batch_half_stored_when_a_heartbeat_comes_expires_when_due() -> None:
    with server() as running:
        running.receive()
        running.engine.failures = [None, (SILENT, False), (SILENT, False)]
        running.commit()
        assert len(running.journals[0]) == 1
        running.wall += 10 * HOUR
        running.engine.failures = []
        assert running.state() == ReceiptBound(1, running.wall - HOUR)
        running.drain()
        assert_expire_when_due(running)


def test_what_waited_in_memory_since_before_the_promised_time_is_refused_and_can_be_sent_again() -> None:
    with server() as running:
        running.receive()
        late = list(running.in_memory)
        running.wall += HOUR + 1
        running.state()
        with pytest.raises(StorageRefusedError, match="waited too long") as refusal:
            running.writer.append(late)
        assert refusal.value.retry_after > 0
        assert (len(running.journals[0]), running.writer.signed) == (0, 0)
        running.in_memory.clear()
        running.receive()
        running.append()
        running.drain()
        assert_expire_when_due(running)


def test_a_clock_that_was_set_back_before_a_restart_makes_no_record_older_than_statements_allow() -> None:
    with server() as running:
        running.wall += 30 * HOUR
        running.state()
        running.wall -= 20 * HOUR
        running.restart()
        running.receive()
        running.append()
        running.drain()
        assert_expire_when_due(running)


def test_a_batch_that_is_being_signed_when_a_heartbeat_comes_counts_as_one_from_before() -> None:
    with server() as running:
        bounds = []
        running.receive()
        running.engine.before_insert = lambda: bounds.append(running.writer.log.receipts.promise(0))
        running.commit()
        assert set(bounds) == {1}


_STEPS = ("receive", "append", "commit", "drain", "heartbeat", "outage", "silence", "restart")
_CLOCK = tuple(hours * HOUR for hours in (-6, -2, 1, 2, 48))  # seconds by which the system's clock jumps


@settings(max_examples=300)
@given(st.lists(st.sampled_from([*_STEPS, *_CLOCK]), max_size=40))
def test_whatever_happens_batches_expire_when_due_and_none_can_be_passed_off_as_older(
    steps: list[str | int],
) -> None:
    with server() as running:
        bounds: list[tuple[ReceiptBound, int]] = []
        for step in steps:
            if isinstance(step, int):
                running.wall += step
            elif step == "heartbeat":
                before = len(running.signed)
                bound = running.state()
                if bound is not None:
                    bounds.append((bound, before))
            elif step == "outage":
                running.away = not running.away
            elif step == "silence":
                running.engine.failures = [(SILENT, True)]
            else:
                getattr(running, step)()
                running.engine.failures = []
            if running.give_up.is_set():  # it was silent to a statement
                running.restart()
        running.away = False
        running.engine.failures = []
        running.drain()
        assert_expire_when_due(running)
        for bound, before in bounds:
            for batch in running.signed[before:]:
                if batch.first_leaf >= bound.first:  # all but as many as were just refused
                    assert not running.expiry(bound.earliest * SECOND - 1).covers(as_if_old(batch))


def test_records_that_only_a_drop_explains_name_its_statement() -> None:
    with server() as running:
        running.receive()
        running.commit()
        [batch] = running.committed
    month, begin, first, second = 30 * DAY, 1000 * DAY, 1040 * DAY, 1043 * DAY
    said = [(begin, month), (first, 1), (first, month), (second, 1), (second, month)]
    checkpoints = [Checkpoint(NAME.origin, 10 * number, bytes(32)) for number in range(len(said))]
    statements = {
        number: Statement(checkpoint, number, time, StatementKind.RETENTION, (str(seconds),))
        for number, (checkpoint, (time, seconds)) in enumerate(zip(checkpoints, said, strict=True))
    }
    expiry = Expiry(LogStatements(statements), 1045 * DAY * SECOND)
    for day in (1005, 1020, 1042):
        received = replace(batch, ingested_at=day * DAY * SECOND)
        assert expiry.covers(received)
        expiry.add(received)
    assert not expiry.covers(replace(batch, ingested_at=1044 * DAY * SECOND))
    assert [gone.dropped_at for gone in expiry.expired(NAME.origin)] == [None, first, second]

"""Fencing: no insert is sent after a lease may have run out, unless it was renewed before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from storage.engine import Engine, EngineWrapper
from storage.errors import LeaseLostError, NotAppliedError, OutcomeUnknownError, StorageError
from storage.lease import FRESH, FencedEngine, Lease, boot_clock, claim_lease
from storage.rowbinary import read_one, uint64
from storage.writers import WriterName, claim

A = WriterName("shop", "writer-1", "host-a:/data")
B = WriterName("shop", "writer-1", "host-b:/data")


class Cut(EngineWrapper):
    """An engine whose network can be cut."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.engine = engine
        self.trouble: StorageError | None = None
        self.statements = 0
        self.inserts: list[str] = []
        self.on_query: Callable[[], None] = lambda: None

    def _reach(self) -> None:
        self.statements += 1
        if self.trouble is not None:
            raise self.trouble

    def execute(self, statement: str, /) -> None:
        self._reach()
        super().execute(statement)

    def insert(self, table: str, columns: Sequence[str], block: bytes, token: str, /) -> None:
        self._reach()
        self.inserts.append(token)

    def query(self, select: str, parameters: Mapping[str, Any] | None = None, /, **options: Any) -> bytes:
        self._reach()
        self.on_query()
        return super().query(select, parameters, **options)


class Now:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def cut(engine: Engine) -> Cut:
    return Cut(engine)


@pytest.fixture
def now() -> Now:
    return Now()


def held(cut: Cut, now: Callable[[], float], lost: list[str]) -> Lease:
    return claim_lease(cut, A, lambda error: lost.append(str(error)), now)


def let_run_out(engine: Engine, now: Now) -> None:
    """Let the time of a lease pass, by both clocks."""
    now.seconds += 1000
    engine.execute("ALTER TABLE log_writers DELETE WHERE 1 SETTINGS mutations_sync = 1")


def insert(fenced: FencedEngine, token: str = "token") -> None:  # noqa: S107 - no password
    fenced.insert("log_batches", ["LogId"], b"", token)


def test_an_insert_is_sent_as_it_is_while_the_lease_was_renewed_lately(cut: Cut, now: Now) -> None:
    fenced = FencedEngine(cut, held(cut, now, []))
    now.seconds += FRESH - 0.1
    before = cut.statements
    insert(fenced)
    assert (cut.inserts, cut.statements) == (["token"], before + 1)


def test_an_insert_renews_a_lease_that_may_have_run_out_before_it_is_sent(cut: Cut, now: Now) -> None:
    fenced = FencedEngine(cut, held(cut, now, []))
    rows = read_one(cut.engine.query("SELECT count() FROM log_writers"), uint64)
    now.seconds += FRESH
    for _ in range(2):  # the second finds that it was renewed
        insert(fenced)
    assert cut.inserts == ["token", "token"]
    assert read_one(cut.engine.query("SELECT count() FROM log_writers"), uint64) == rows + 1


@pytest.mark.parametrize("trouble", [NotAppliedError("not reached"), OutcomeUnknownError("no answer")])
def test_an_insert_is_not_sent_while_the_lease_cannot_be_renewed(cut: Cut, now: Now, trouble: StorageError) -> None:
    fenced = FencedEngine(cut, held(cut, now, []))
    now.seconds += FRESH
    cut.trouble = trouble
    with pytest.raises(NotAppliedError, match="the lease on the writer's name cannot be renewed"):
        insert(fenced)
    assert cut.inserts == []
    cut.trouble = None
    insert(fenced)
    assert cut.inserts == ["token"]


def test_a_server_that_was_cut_off_sends_nothing_once_another_has_taken_the_name_over(cut: Cut, now: Now) -> None:
    lost: list[str] = []
    lease = held(cut, now, lost)
    let_run_out(cut.engine, now)
    claim(cut.engine, B)
    fenced = FencedEngine(cut, lease)
    for _ in range(2):
        with pytest.raises(LeaseLostError, match="host-b:/data has taken over"):
            insert(fenced)
    with pytest.raises(LeaseLostError):
        lease.renew()
    assert cut.inserts == []
    assert [lost] == [[str(lease.lost)]]  # told once


def test_a_renewal_that_is_due_finds_that_too_and_then_no_insert_is_sent(cut: Cut, now: Now) -> None:
    lost: list[str] = []
    lease = held(cut, now, lost)
    cut.engine.execute("ALTER TABLE log_writers DELETE WHERE 1 SETTINGS mutations_sync = 1")
    claim(cut.engine, B)
    with pytest.raises(LeaseLostError):
        lease.renew()
    before = cut.statements
    with pytest.raises(LeaseLostError):
        insert(FencedEngine(cut, lease))
    assert (cut.statements, len(lost)) == (before, 1)


def test_a_lease_is_not_lost_while_nobody_has_taken_the_name(cut: Cut, now: Now) -> None:
    lease = held(cut, now, [])
    now.seconds += 1000
    lease.check()
    assert lease.lost is None


def test_an_insert_is_not_sent_after_a_renewal_that_took_longer_than_it_is_valid(cut: Cut, now: Now) -> None:
    fenced = FencedEngine(cut, held(cut, now, []))
    now.seconds += FRESH
    cut.on_query = lambda: now.pass_by(45.0)  # storage answers slowly
    for _ in range(2):
        with pytest.raises(NotAppliedError, match=r"cannot be renewed: storage took \d+ seconds"):
            insert(fenced)
    assert cut.inserts == []
    cut.on_query = lambda: None
    insert(fenced)
    assert cut.inserts == ["token"]


def test_an_insert_is_not_sent_once_rows_no_longer_tell_whether_another_server_held_the_lease(
    cut: Cut, now: Now
) -> None:
    lost: list[str] = []
    lease = held(cut, now, lost)
    let_run_out(cut.engine, now)  # another server may have claimed the name, written, and stopped more than a day ago
    with pytest.raises(LeaseLostError, match="does not show any more whether another server has held it"):
        insert(FencedEngine(cut, lease))
    assert (cut.inserts, len(lost)) == ([], 1)


def test_a_lease_is_released_for_others(cut: Cut, now: Now) -> None:
    lease = held(cut, now, [])
    lease.release()
    claim(cut.engine, B)
    with pytest.raises(LeaseLostError):
        lease.renew()


def test_a_fenced_engine_reads_and_executes_as_the_engine_does(cut: Cut, now: Now) -> None:
    fenced = FencedEngine(cut, held(cut, now, []))
    assert fenced.info == cut.info
    assert read_one(fenced.query("SELECT {n:UInt64}", {"n": 7}), uint64) == 7
    assert b"".join(fenced.query_in_pieces("SELECT toUInt64(7)")).endswith(b"UInt64" + (7).to_bytes(8, "little"))
    fenced.execute("TRUNCATE TABLE log_writers")
    assert read_one(cut.engine.query("SELECT count() FROM log_writers"), uint64) == 0


def test_the_clock_of_a_lease_never_goes_back() -> None:
    times = [boot_clock() for _ in range(100)]
    assert times == sorted(times)

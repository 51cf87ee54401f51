"""Logs attended in the background by real witnesses: that go down, hang, err, and see through rewritten history."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from harness.free_port import free_port
from harness.small_http import Answer, Request, serving
from harness.timestamp_authority import TimestampAuthority as SmallAuthority
from harness.waiting import wait_for
from harness.witness import SmallWitness
from server.notary.checkpoint import Checkpoint
from server.notary.keys import VerifierKey
from server.notary.note import NoteSignature
from server.notary.witnessing import open_cosignatures
from server.witness.scheduler import ServiceState, WitnessScheduler, build_tasks
from server.witness.settings import TimestampAuthority, Witness
from server.witness.timestamps import check_timestamp, load_roots
from tests.witness.growing_log import GrowingLog

FOREVER = 3600.0  # seconds: more than a test may take


@pytest.fixture
def log() -> GrowingLog:
    return GrowingLog()


class Served:
    """A witness and its address; counts what it is asked."""

    def __init__(self, witness: SmallWitness) -> None:
        self.witness = witness
        self.requests: list[Request] = []

    def respond(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.witness.respond(request)

    @contextlib.contextmanager
    def at(self, port: int = 0) -> Iterator[Witness]:
        with serving(self.respond, port) as url:
            yield Witness(url, self.witness.verifier_key)


@pytest.fixture
def served(tmp_path: Path, log: GrowingLog) -> Served:
    return Served(SmallWitness(tmp_path / "state", {log.origin: log.keys}))


@contextlib.asynccontextmanager
async def attended(
    logs: Sequence[GrowingLog],
    witnesses: Sequence[Witness],
    authority: TimestampAuthority | None = None,
    patience: float = FOREVER,
) -> AsyncIterator[WitnessScheduler]:
    tasks = build_tasks(logs, witnesses, authority, witness_interval=0.02, timeout=patience)
    attendance = WitnessScheduler(tasks, first_pause=0.02, longest_pause=0.1)
    async with attendance.running():
        yield attendance


async def until(condition: Callable[[], object]) -> None:
    await asyncio.to_thread(wait_for, condition)


async def looked_again(log: GrowingLog) -> None:
    """Wait until it was looked several times whether the log has grown."""
    looks = log.looks
    await until(lambda: log.looks >= looks + 5)


def state_of(attendance: WitnessScheduler, at: int = 0) -> ServiceState:
    return attendance.states()[at]


class TestCosigning:
    async def test_a_log_is_cosigned_as_it_grows(self, log: GrowingLog, served: Served) -> None:
        log.grow(10)
        with served.at() as witness:
            async with attended([log], [witness]) as attendance:
                await until(lambda: log.kept_sizes() == [10])
                log.grow(300)
                await until(lambda: log.kept_sizes() == [10, 310])
                await until(lambda: state_of(attendance).size == 310)
        for text, lines in log.cosignatures:
            assert [found.key for found in open_cosignatures(lines.encode(), text, [witness.key])] == [witness.key]
        assert served.witness.size(log.origin) == 310

    async def test_a_log_that_is_opened_later_is_cosigned_too(self, log: GrowingLog, tmp_path: Path) -> None:
        logs = [log, GrowingLog("example.org/audit/b"), GrowingLog("example.org/audit/c")]
        witness = SmallWitness(tmp_path / "w", {one.origin: one.keys for one in logs})
        for one in logs:
            one.grow(10)
        with Served(witness).at() as named:
            tasks = [build_tasks([one], [named], None, witness_interval=0.02, timeout=FOREVER) for one in logs]
            attendance = WitnessScheduler(tasks[0], first_pause=0.02, longest_pause=0.1)
            attendance.add(tasks[1])
            async with attendance.running():
                attendance.add(tasks[2])
                await until(lambda: [state.size for state in attendance.states()] == [10, 10, 10])
            assert [state.origin for state in attendance.states()] == [one.origin for one in logs]
            looks = [one.looks for one in logs]
            attendance.add(build_tasks([log], [named], None, witness_interval=0.02, timeout=FOREVER))
        assert [one.looks for one in logs] == looks  # after the end, nothing begins

    async def test_many_logs_take_few_threads_of_a_witness_that_hangs(self, tmp_path: Path) -> None:
        logs = [GrowingLog(f"example.org/audit/{number}") for number in range(30)]
        asked, answer = [], threading.Event()

        def hang(request: Request) -> Answer:
            asked.append(request)
            answer.wait()
            return Answer(500)

        for one in logs:
            one.grow(1)
        with serving(hang) as url:
            witness = Witness(url, SmallWitness(tmp_path / "w", {}).verifier_key)
            async with attended(logs, [witness]):
                await until(lambda: len(asked) == 8)
                assert sum(thread.name == "service-call" for thread in threading.enumerate()) == 8
            answer.set()

    async def test_a_log_that_does_not_grow_is_not_sent_again(self, log: GrowingLog, served: Served) -> None:
        log.grow(10)
        with served.at() as witness:
            async with attended([log], [witness]):
                await until(lambda: log.kept_sizes() == [10])
                await looked_again(log)
        assert len(served.requests) == 1

    async def test_an_empty_log_is_not_sent(self, log: GrowingLog, served: Served) -> None:
        with served.at() as witness:
            async with attended([log], [witness]) as attendance:
                await looked_again(log)
                assert served.requests == []
                assert state_of(attendance) == ServiceState(witness.key.name, log.origin)
                log.grow(1)
                await until(lambda: log.kept_sizes() == [1])

    async def test_after_a_restart_the_witness_tells_where_it_stands(self, log: GrowingLog, served: Served) -> None:
        log.grow(10)
        with served.at() as witness:
            async with attended([log], [witness]):
                await until(lambda: log.kept_sizes() == [10])
            log.grow(5)
            async with attended([log], [witness]):
                await until(lambda: log.kept_sizes() == [10, 15])
        first_lines = [request.body.split(b"\n", 1)[0] for request in served.requests]
        assert first_lines == [b"old 0", b"old 0", b"old 10"]

    async def test_each_witness_s_cosignature_is_kept_by_itself(self, log: GrowingLog, tmp_path: Path) -> None:
        log.grow(7)
        some = [Served(SmallWitness(tmp_path / name, {log.origin: log.keys}, name=name)) for name in ("w1", "w2", "w3")]
        with contextlib.ExitStack() as stack:
            witnesses = [stack.enter_context(served.at()) for served in some]
            async with attended([log], witnesses):
                await until(lambda: len(log.cosignatures) == 3)
        assert {text for text, _ in log.cosignatures} == {log.checkpoint().text}
        assert {lines.split()[1] for _, lines in log.cosignatures} == {"w1", "w2", "w3"}

    async def test_logs_are_attended_each_by_itself(self, log: GrowingLog, tmp_path: Path) -> None:
        other = GrowingLog("example.org/operational/a")
        logs = {each.origin: each.keys for each in (log, other)}
        with Served(SmallWitness(tmp_path / "state", logs)).at() as witness:
            async with attended([log.grow(3), other.grow(4)], [witness]):
                await until(lambda: (log.kept_sizes(), other.kept_sizes()) == ([3], [4]))


class TestTrouble:
    async def test_a_witness_that_was_down_gets_everything_once_it_is_back(
        self, log: GrowingLog, served: Served, caplog: pytest.LogCaptureFixture
    ) -> None:
        port = free_port()
        log.grow(10)
        with served.at(port) as witness:
            async with attended([log], [witness]):
                await until(lambda: log.kept_sizes() == [10])
        async with attended([log.grow(5)], [witness]) as attendance:
            await until(lambda: "did not answer" in state_of(attendance).failure)
            log.grow(5)
            with served.at(port), caplog.at_level(logging.INFO):
                await until(lambda: log.kept_sizes() == [10, 20])
                await until(lambda: not state_of(attendance).failure)
            assert "confirms checkpoints again, at 20 entries" in caplog.text
            assert state_of(attendance).failed_at is not None

    async def test_a_witness_that_hangs_delays_neither_others_nor_the_end(
        self, log: GrowingLog, served: Served
    ) -> None:
        asked, released = threading.Event(), threading.Event()

        def hang(_: Request) -> Answer:
            asked.set()
            released.wait()
            return Answer(500)

        with serving(hang) as url, served.at() as witness:
            hanging = Witness(url, VerifierKey("hanging", witness.key.public_key, witness.key.key_type))
            async with attended([log.grow(1)], [*[hanging] * 40, witness]):  # more than any pool of threads has
                await until(asked.is_set)
                await until(lambda: log.kept_sizes() == [1])
                log.grow(1)
                await until(lambda: log.kept_sizes() == [1, 2])
            released.set()

    async def test_a_witness_that_hangs_is_asked_again(self, log: GrowingLog, served: Served) -> None:
        released = threading.Event()

        def hang_once(request: Request) -> Answer:
            if not served.requests:
                served.requests.append(request)
                released.wait()
                return Answer(500)
            return served.respond(request)

        with serving(hang_once) as url:
            async with attended([log.grow(4)], [Witness(url, served.witness.verifier_key)], patience=0.3):
                await until(lambda: log.kept_sizes() == [4])
            released.set()

    @pytest.mark.parametrize("what", ["wrong signature", "huge", "same size", "other size each time"])
    async def test_nothing_is_kept_of_an_answer_that_does_not_hold(
        self, log: GrowingLog, served: Served, what: str
    ) -> None:
        key = served.witness.verifier_key
        wrong = NoteSignature(key.name, key.key_id, (1).to_bytes(8, "big") + bytes(64)).line().encode()

        def answer(_: Request) -> Answer:
            served.requests.append(_)
            sizes = {"same size": 0, "other size each time": len(served.requests) % 9 + 1}
            if what in sizes:
                return Answer(409, b"%d\n" % sizes[what], "text/x.tlog.size")
            return Answer(200, wrong if what == "wrong signature" else bytes(1 << 20))

        with serving(answer) as url:
            async with attended([log.grow(10)], [Witness(url, key)]) as attendance:
                await until(lambda: len(served.requests) > 7)
                await until(lambda: state_of(attendance).failure)
                assert state_of(attendance).succeeded_at is None
        assert log.cosignatures == []

    async def test_what_could_not_be_stored_is_obtained_again(self, log: GrowingLog, served: Served) -> None:
        keep = log.keep_cosignatures
        failures = iter(range(3))

        def keep_later(text: str, lines: str) -> None:
            log.unavailable = next(failures, None) is not None
            try:
                keep(text, lines)
            finally:
                log.unavailable = False

        log.keep_cosignatures = keep_later  # type: ignore[method-assign]
        with served.at() as witness:
            async with attended([log.grow(6)], [witness]):
                await until(lambda: log.kept_sizes() == [6])
        assert len(served.requests) == 4

    async def test_the_end_waits_for_what_is_being_stored(self, log: GrowingLog, served: Served) -> None:
        keep, storing, go_on = log.keep_cosignatures, threading.Event(), threading.Event()

        def keep_slowly(text: str, lines: str) -> None:
            storing.set()
            go_on.wait()
            keep(text, lines)

        log.keep_cosignatures = keep_slowly  # type: ignore[method-assign]
        with served.at() as witness:
            async with attended([log.grow(6)], [witness]):
                await until(storing.is_set)
                asyncio.get_running_loop().call_later(0.2, go_on.set)
            assert log.kept_sizes() == [6]

    async def test_an_error_nobody_thought_of_is_logged_and_ends_nothing(
        self, log: GrowingLog, served: Served, caplog: pytest.LogCaptureFixture
    ) -> None:
        latest, surprises = log.latest, iter([ZeroDivisionError("surprise")])

        def surprise() -> object:
            for error in surprises:
                raise error
            return latest()

        log.latest = surprise  # type: ignore[method-assign, assignment]
        with served.at() as witness:
            async with attended([log.grow(2)], [witness]):
                await until(lambda: log.kept_sizes() == [2])
        assert "ZeroDivisionError: surprise" in caplog.text


class TestRewrittenHistory:
    @pytest.fixture
    async def cosigned(self, log: GrowingLog, served: Served) -> GrowingLog:
        with served.at() as witness:
            async with attended([log.grow(10)], [witness]):
                await until(lambda: log.kept_sizes() == [10])
        return log

    @pytest.mark.parametrize("entries", [10, 11, 25, 1000])
    async def test_a_server_that_rewrote_history_is_refused(
        self, cosigned: GrowingLog, served: Served, entries: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        rewritten = GrowingLog(cosigned.origin, cosigned.signer, history="another").grow(entries)
        with served.at() as witness:
            async with attended([rewritten], [witness]) as attendance:
                await until(lambda: "is inconsistent with what the witness cosigned" in state_of(attendance).failure)
                assert state_of(attendance).succeeded_at is None
        assert rewritten.cosignatures == []
        assert served.witness.size(cosigned.origin) == 10
        assert {record.levelno for record in caplog.records if cosigned.origin in record.message} == {logging.ERROR}

    @pytest.mark.parametrize("entries", [1, 9])
    async def test_a_server_that_lost_history_is_told_so(
        self, cosigned: GrowingLog, served: Served, entries: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        behind = GrowingLog(cosigned.origin, cosigned.signer).grow(entries)
        with served.at() as witness:
            async with attended([behind], [witness]) as attendance:
                await until(lambda: "storage has lost what was committed" in state_of(attendance).failure)
                assert f"has cosigned 10 entries, and the log has {entries}" in state_of(attendance).failure
                assert behind.cosignatures == []
                assert caplog.records[0].levelno == logging.ERROR
                behind.grow(12 - entries)  # the same history: all is well again
                await until(lambda: behind.kept_sizes() == [12])
                await until(lambda: not state_of(attendance).failure)

    async def test_the_log_may_grow_while_the_witness_is_asked(self, cosigned: GrowingLog, served: Served) -> None:
        # The witness is ahead of what was looked at, but not of the log: somebody else sent it the checkpoint.
        behind = GrowingLog(cosigned.origin, cosigned.signer).grow(9)

        def respond(request: Request) -> Answer:
            behind.grow(2 if not served.requests else 0)
            return served.respond(request)

        with serving(respond) as url:
            served.requests.clear()
            async with attended([behind], [Witness(url, served.witness.verifier_key)]) as attendance:
                await until(lambda: behind.kept_sizes() == [11])
                assert state_of(attendance).failed_at is None


class TestTimestamps:
    async def test_a_log_that_grows_is_timestamped_now_and_then(self, log: GrowingLog, tmp_path: Path) -> None:
        small = SmallAuthority(tmp_path)
        with serving(small.respond) as url:
            authority = TimestampAuthority(url, small.roots, interval=0.02)
            async with attended([log.grow(3)], [], authority) as attendance:
                await until(lambda: len(log.timestamps) == 1)
                await looked_again(log)
                log.grow(2)
                await until(lambda: len(log.timestamps) == 2)
                await until(lambda: state_of(attendance).size == 5)
        roots = load_roots(small.roots)
        assert [Checkpoint.parse(text).size for text, _ in log.timestamps] == [3, 5]
        for text, der in log.timestamps:
            check_timestamp(der, text, roots)

    async def test_an_authority_that_is_down_is_asked_again(self, log: GrowingLog, tmp_path: Path) -> None:
        small, port = SmallAuthority(tmp_path), free_port()
        authority = TimestampAuthority(f"http://127.0.0.1:{port}", small.roots, interval=0.02)
        async with attended([log.grow(3)], [], authority) as attendance:
            await until(lambda: state_of(attendance).failure)
            with serving(small.respond, port):
                await until(lambda: len(log.timestamps) == 1)

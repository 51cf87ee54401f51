"""Logs attended in the background by real witnesses and timestamp authorities."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest

from harness.free_port import free_port
from harness.small_http import Answer, Request, serving
from harness.timestamp_authority import TimestampAuthority as SmallAuthority
from harness.witness import SmallWitness
from server.notary.checkpoint import Checkpoint
from server.notary.witnessing import open_cosignatures
from server.witness.scheduler import ServiceState, WitnessScheduler, build_tasks
from server.witness.settings import TimestampAuthority, Witness
from server.witness.timestamps import check_timestamp, load_roots
from tests.witness.attending import FOREVER, Served, attended, looked_again, state_of, until
from tests.witness.growing_log import GrowingLog


@pytest.fixture
def log() -> GrowingLog:
    return GrowingLog()


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

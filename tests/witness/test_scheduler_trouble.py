"""Witnesses that go down, hang, err, and see through rewritten history."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from harness.free_port import free_port
from harness.small_http import Answer, Request, serving
from server.notary.keys import VerifierKey
from server.notary.note import NoteSignature
from server.witness.settings import Witness
from tests.witness.attending import Served, attended, state_of, until
from tests.witness.growing_log import GrowingLog


@pytest.fixture
def log() -> GrowingLog:
    return GrowingLog()


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

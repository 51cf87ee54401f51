"""The storage probe shows whether storage answers, without waiting for it."""

from __future__ import annotations

import logging
import struct
import time
from collections.abc import Mapping
from typing import Any

import pytest

from server.process.storage_probe import StorageProbe
from storage.clock import check_clock
from storage.deferred import DeferredEngine
from storage.errors import NotAppliedError, StorageError
from tests.codec.building import PretendedEngine


class Clockwork(PretendedEngine):
    """Storage that tells the time, some seconds off, or fails."""

    ahead = 0.0
    error: StorageError | None = None

    def query(
        self,
        select: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> bytes:
        assert "now64" in select
        if self.error is not None:
            raise self.error
        return struct.pack("<q", time.time_ns() + round(self.ahead * 1e9))


def test_storage_that_answers_can_be_used_and_its_clock_is_known() -> None:
    engine = Clockwork()
    engine.ahead = -1000.0
    probe = StorageProbe(engine)
    probe.look()
    assert probe.not_ready() == ""
    assert 999 < probe.clock_offset < 1001


def test_storage_that_fails_cannot_be_used_until_it_answers_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    engine = Clockwork()
    probe = StorageProbe(engine)
    for error, reason in (
        ("storage cannot be reached: connection refused", "storage cannot be reached: connection refused"),
        ("Code: 241. Memory limit", "storage cannot be used: Code: 241. Memory limit"),
    ):
        engine.error = NotAppliedError(error)
        for _ in range(3):
            probe.look()
        assert probe.not_ready() == reason
    engine.error = None
    probe.look()
    assert probe.not_ready() == ""
    assert [message.partition(": ")[0].partition(" after ")[0] for message in caplog.messages] == [
        "storage is away",
        "storage is away",
        "storage is back",
    ]


def test_storage_without_room_cannot_be_used_though_it_answers() -> None:
    full = ["the disk is full"]
    probe = StorageProbe(Clockwork(), room=lambda: full[0])
    probe.look()
    assert probe.not_ready() == "the disk is full"
    full[0] = ""
    probe.look()
    assert probe.not_ready() == ""


def test_storage_that_was_not_asked_yet_is_not_ready() -> None:
    assert StorageProbe(Clockwork()).not_ready() == "storage has not been asked yet"


def test_storage_that_says_nothing_for_long_cannot_be_used() -> None:
    now = [0.0]
    probe = StorageProbe(Clockwork(), lambda: now[0])
    probe.look()
    now[0] = 9.0
    assert probe.not_ready() == ""
    now[0] = 31.0
    assert probe.not_ready() == "storage has not answered for 31 s"


@pytest.mark.parametrize("ahead", [-10 * 86_400, 0, 3600])
def test_a_clock_that_is_ahead_or_a_little_behind_is_good_enough(ahead: float) -> None:
    engine = Clockwork()
    engine.ahead = ahead
    check_clock(engine)


def test_a_clock_that_is_days_behind_is_refused() -> None:
    engine = Clockwork()
    engine.ahead = 3 * 86_400
    with pytest.raises(NotAppliedError, match=r"3\.0 days behind"):
        check_clock(engine)


def test_an_engine_that_is_not_there_yet_says_so_and_passes_on_later() -> None:
    late, engine = DeferredEngine(), Clockwork()
    for ask in (
        lambda: late.info,
        lambda: late.execute("SELECT 1"),
        lambda: late.insert("t", ["x"], b"", "token"),
        lambda: late.query("SELECT 1"),
        lambda: late.query_in_pieces("SELECT 1"),
    ):
        with pytest.raises(NotAppliedError, match="not been reached yet"):
            ask()
    late.arrive(engine)
    assert late.info == engine.info
    late.insert("t", ["x"], b"", "token")
    assert engine.attempts == [("t", "token")]


def test_storage_that_lets_a_look_wait_is_silent_until_it_answers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = [0.0]

    class Hung(Clockwork):
        def query(self, select: str, *_: Any, **__: Any) -> bytes:
            now[0] += 9.0
            probe.note_silence()
            assert probe.silence() == "storage has not answered for 9 s"
            assert probe.outage.is_set
            return super().query(select)

    probe = StorageProbe(Hung(), lambda: now[0])
    assert probe.silence() == ""
    probe.look()
    assert probe.silence() == ""
    assert not probe.outage.is_set
    assert caplog.messages[0] == "storage is away: storage has not answered for 9 s"
    assert caplog.messages[1].startswith("storage is back")


@pytest.mark.parametrize(("seconds", "silent"), [(0.0, False), (60.0, True)])
def test_storage_that_fails_is_silent_if_whoever_asks_waits_for_the_error(seconds: float, *, silent: bool) -> None:
    now = [0.0]

    class Failing(Clockwork):
        def query(self, *_: Any, **__: Any) -> bytes:
            now[0] += seconds
            raise NotAppliedError("storage cannot be reached")

    probe = StorageProbe(Failing(), lambda: now[0])
    now[0] = 100.0
    probe.look()
    assert bool(probe.silence()) is silent

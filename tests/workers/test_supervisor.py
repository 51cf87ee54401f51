"""Supervision, with short programs in place of workers."""

from __future__ import annotations

import asyncio
import sys
from itertools import islice
from pathlib import Path

import pytest

from server.settings.settings import load_settings
from server.workers.messages import Order
from server.workers.supervisor import Supervisor, WorkerFailedError, pauses

READY = """print('{"not_ready": ""}', flush=True)\n"""
WAIT_FOR_THE_END = "sys.stdin.read()\n"


@pytest.fixture
def orders() -> list[Order]:
    settings = load_settings({"storage": "http://host/logs", "workers": "2"}, {})
    return [Order(number, f"vm-{number}", settings) for number in (1, 2)]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.workers.supervisor._FIRST_PAUSE", 0.01)


def command(script: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", f"import sys\nfrom pathlib import Path\n{script}"]


def files_in(directory: Path) -> int:
    return len(list(directory.iterdir()))


async def test_workers_are_told_what_to_do_and_wait_until_they_are_stopped(orders: list[Order], tmp_path: Path) -> None:
    script = f"line = sys.stdin.readline()\n{READY}{WAIT_FOR_THE_END}Path({str(tmp_path)!r}, str(hash(line))).touch()"
    workers = Supervisor(orders, command(script))
    assert workers.not_ready() == "worker 1 is not running"
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
        assert workers.not_ready() == ""
        assert files_in(tmp_path) == 0
    assert files_in(tmp_path) == len(orders)
    assert workers.not_ready() == "worker 1 is not running"


async def test_what_a_worker_says_it_waits_for_is_told(orders: list[Order]) -> None:
    script = f"""print('not a report')\nprint('{{"not_ready": "it waits"}}', flush=True)\n{WAIT_FOR_THE_END}"""
    workers = Supervisor(orders, command(script))
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
        assert workers.not_ready() == "worker 1: it waits"


async def test_a_worker_that_says_nothing_for_long_is_not_ready(
    orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.workers.supervisor._SILENCE", -1.0)
    workers = Supervisor(orders, command(READY + WAIT_FOR_THE_END))
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
        assert workers.not_ready() == "worker 1 does not answer"


async def test_a_worker_that_ends_is_started_again(orders: list[Order], tmp_path: Path) -> None:
    script = (
        f"lives = len(list(Path({str(tmp_path)!r}).iterdir()))\nPath({str(tmp_path)!r}, str(lives)).touch()\n"
        f"if lives < 3:\n    sys.exit(lives % 2)\n{READY}{WAIT_FOR_THE_END}"
    )
    workers = Supervisor(orders[:1], command(script))
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
        assert workers.not_ready() == ""
    assert files_in(tmp_path) == 4


async def test_a_program_that_is_not_there_is_tried_again_until_all_is_stopped(orders: list[Order]) -> None:
    workers = Supervisor(orders, ["/nowhere/lognotary"])
    stop = asyncio.Event()
    async with workers.running():
        asyncio.get_running_loop().call_later(0.05, stop.set)
        await workers.wait_until_ready(stop)
        await workers.run_until(stop)


async def run(workers: Supervisor) -> None:
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
        await workers.run_until(asyncio.Event())


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("""print('{"failure": "the log is another"}', flush=True)\n""", "worker 1: the log is another"),
        ("", "worker 1: it cannot start; its log says why"),
    ],
)
@pytest.mark.parametrize("at", ["start", "later"])
async def test_a_worker_that_can_never_start_ends_all(
    orders: list[Order], tmp_path: Path, said: str, message: str, at: str
) -> None:
    first = "" if at == "start" else READY
    # The other one leaves a file when it was stopped in order.
    script = (
        f"if {orders[0].encode().decode()!r} != sys.stdin.readline():\n"
        f"    {READY}    {WAIT_FOR_THE_END}    Path({str(tmp_path)!r}, 'stopped').touch()\n    sys.exit()\n"
        f"{first}{said}sys.exit(2)"
    )
    workers = Supervisor(orders, command(script))
    with pytest.raises(WorkerFailedError, match=message):
        await run(workers)
    assert (tmp_path / "stopped").exists()


async def test_a_worker_that_does_not_stop_is_killed(orders: list[Order], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.workers.supervisor._STOP_GRACE", 0.05)
    workers = Supervisor(orders, command(f"import time\n{READY}{WAIT_FOR_THE_END}time.sleep(1000)"))
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
    assert workers.not_ready() == "worker 1 is not running"


def test_pauses_become_longer_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert list(islice(pauses(), 7)) == [1, 2, 4, 8, 16, 30, 30]

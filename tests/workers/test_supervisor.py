"""Supervision, with short programs in place of workers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from harness.waiting import PATIENCE, until, wait_for
from server.admission.tenant_limits import Usage
from server.settings.settings import load_settings
from server.workers.messages import Order
from server.workers.supervisor import SupervisionTimes, Supervisor, WorkerFailedError

READY = """print('{"not_ready": ""}', flush=True)\n"""
WAIT_FOR_THE_END = "sys.stdin.read()\n"
QUICK = SupervisionTimes(first_pause=0.01)


@pytest.fixture
def orders() -> list[Order]:
    settings = load_settings({"storage": "http://host/logs", "workers": "2"}, {})
    return [Order(number, f"vm-{number}", settings, "token") for number in (1, 2)]


def supervisor(orders: list[Order], script: str, times: SupervisionTimes = QUICK) -> Supervisor:
    return Supervisor(orders, command(script), times)


def command(script: str) -> list[str]:
    return [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys\nfrom hashlib import sha256\nfrom pathlib import Path\n{script}",
    ]


def files_in(directory: Path) -> int:
    return len(list(directory.iterdir()))


async def test_workers_are_told_what_to_do_and_wait_until_they_are_stopped(orders: list[Order], tmp_path: Path) -> None:
    script = f"line = sys.stdin.readline()\n{READY}{WAIT_FOR_THE_END}Path({str(tmp_path)!r}, str(hash(line))).touch()"
    workers = supervisor(orders, script)
    assert workers.not_ready() == "the server is starting: waiting for storage"
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
        assert workers.not_ready() == ""
        assert files_in(tmp_path) == 0
    assert files_in(tmp_path) == len(orders)
    assert workers.not_ready() == "the server is shutting down"


async def test_what_a_worker_says_it_waits_for_is_told(orders: list[Order]) -> None:
    script = f"""print('not a report')\nprint('{{"not_ready": "it waits"}}', flush=True)\n{WAIT_FOR_THE_END}"""
    workers = supervisor(orders, script)
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
        assert workers.not_ready() == "worker 1: it waits"


async def test_a_worker_that_could_not_reload_its_audit_rules_is_noticed(orders: list[Order]) -> None:
    workers = supervisor(orders, f"""print('{{"rules_problem": "rule r"}}', flush=True)\n{WAIT_FOR_THE_END}""")
    assert workers.rules_problem() == ""
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
        assert (workers.rules_problem(), workers.not_ready()) == ("rule r", "")


async def test_reloads_are_counted_for_each_worker_and_a_new_start_is_one(orders: list[Order], tmp_path: Path) -> None:
    # The first process of a worker reports two reloads, and ends; the next one has read everything at its start.
    script = (
        f"line = sys.stdin.readline()\nfile = Path({str(tmp_path)!r}, sha256(line.encode()).hexdigest())\n"
        "again = file.exists()\nfile.touch()\n"
        """print('{"reloads": %d}' % (1 if again else 2), flush=True)\nif again:\n    """
        f"{WAIT_FOR_THE_END}"
    )
    workers = supervisor(orders, script)
    assert workers.reloads() == (0, 0)
    async with workers.running():
        await until(lambda: workers.reloads() == (3, 3))


async def test_what_tenants_sent_to_workers_is_added_up_also_after_their_end(orders: list[Order]) -> None:
    # Each process says what it has, and ends.
    report = """{"not_ready": "", "usage": "{\\\\"acme\\\\": [10, 2, 1]}"}"""
    wrong = """{"usage": "[]"}"""
    script = f"print('{report}', flush=True)\nprint('{wrong}', flush=True)\nprint('{{}}', flush=True)\n"
    workers = supervisor(orders, script)
    assert workers.usage() == {}
    async with workers.running():
        await until(lambda: workers.usage().get("acme", Usage()).records >= 2 * len(orders) + 2)
        used = workers.usage()["acme"]
        assert (workers.has_sent("acme"), workers.has_sent("ghost")) == (True, False)
    assert (used.size, used.refused) == (5 * used.records, used.records // 2)


async def test_a_worker_that_says_nothing_for_long_is_not_ready(orders: list[Order]) -> None:
    workers = supervisor(orders, READY + WAIT_FOR_THE_END, SupervisionTimes(silence=-1.0))
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
        assert workers.not_ready() == "worker 1 has stopped reporting"


async def test_a_worker_that_ends_is_started_again(orders: list[Order], tmp_path: Path) -> None:
    script = (
        f"lives = len(list(Path({str(tmp_path)!r}).iterdir()))\nPath({str(tmp_path)!r}, str(lives)).touch()\n"
        f"if lives < 3:\n    sys.exit(lives % 2)\n{READY}{WAIT_FOR_THE_END}"
    )
    workers = supervisor(orders[:1], script)
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
        assert workers.not_ready() == ""
    assert files_in(tmp_path) == 4


async def test_a_worker_that_is_told_to_read_its_keys_while_it_imports_does_so_once_it_can(
    orders: list[Order], tmp_path: Path
) -> None:
    pipe, seen = tmp_path / "pipe", tmp_path / "seen"
    os.mkfifo(pipe)
    seen.mkdir()
    # Neither end waits for the other one to be opened, so that a worker that is gone fails the test at once.
    script = f"""
import os, select, signal
told = os.open({str(pipe)!r}, os.O_RDONLY | os.O_NONBLOCK)
here = Path({str(seen)!r})
(here / f"started-{{len(list(here.iterdir()))}}").touch()
if not select.select([told], [], [], {PATIENCE})[0]:
    sys.exit("nothing came through the pipe")
signal.signal(signal.SIGHUP, lambda *_: (here / "reread").touch())
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
{READY}{WAIT_FOR_THE_END}"""
    workers = supervisor(orders[:1], script)
    async with workers.running():
        await until(lambda: files_in(seen) == 1)
        workers.reload_keys()
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))  # the worker's end is ready for reading then
        await workers.wait_until_ready(asyncio.Event())
        await until((seen / "reread").exists)
        assert {file.name for file in seen.iterdir()} == {"started-0", "reread"}
    assert signal.SIGHUP not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


async def test_keys_may_be_reloaded_at_the_moment_at_which_a_worker_ends(orders: list[Order], tmp_path: Path) -> None:
    script = f"import os\nPath({str(tmp_path)!r}, str(os.getpid())).touch()\nsys.stdin.readline()"
    workers = supervisor(orders[:1], script)
    async with workers.running():
        for lives in range(1, 4):
            await until(partial(more_files_than, lives - 1, tmp_path))
            wait_for(partial(has_ended, newest_file_in(tmp_path).name))  # the event loop does not see it meanwhile
            workers.reload_keys()
        await until(partial(more_files_than, 4, tmp_path))


def more_files_than(number: int, directory: Path) -> bool:
    return files_in(directory) > number


def newest_file_in(directory: Path) -> Path:
    return max(directory.iterdir(), key=lambda file: file.stat().st_mtime_ns)


def has_ended(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_a_program_that_is_not_there_is_tried_again_until_it_is_there(
    orders: list[Order], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "worker"
    workers = Supervisor(orders[:1], [str(program)], QUICK)
    async with workers.running():
        await until(lambda: len(caplog.records) >= 3)
        assert all("worker 1 cannot be started: " in record.getMessage() for record in caplog.records)
        finished = tmp_path / "finished"
        finished.write_text(f"#!{sys.executable} -I\nimport sys\n{READY}{WAIT_FOR_THE_END}")
        finished.chmod(0o700)
        finished.rename(program)
        await workers.wait_until_ready(asyncio.Event())
        assert workers.not_ready() == ""


async def test_a_program_that_is_not_there_is_not_tried_any_more_once_all_is_stopped(
    orders: list[Order], caplog: pytest.LogCaptureFixture
) -> None:
    workers = Supervisor(orders[:1], ["/nowhere/lognotary"], QUICK)
    before = asyncio.all_tasks()
    stop = asyncio.Event()
    async with workers.running():
        waiting = asyncio.create_task(workers.wait_until_ready(stop))
        await until(lambda: len(caplog.records) >= 3)
        stop.set()
        await waiting
        await workers.run_until(stop)
    assert asyncio.all_tasks() == before  # nothing goes on
    assert workers.not_ready() == "the server is shutting down"


@pytest.mark.parametrize("size", [70_000, 1 << 20])
async def test_a_report_of_any_size_is_taken(orders: list[Order], size: int) -> None:
    script = f"""import json\nprint(json.dumps({{"metrics": "m" * {size}}}), flush=True)\n{WAIT_FOR_THE_END}"""
    workers = supervisor(orders[:1], script)
    async with workers.running():
        await asyncio.wait_for(workers.wait_until_ready(asyncio.Event()), 60)
        assert workers.metrics() == [("1", "m" * size)]


async def test_what_a_worker_was_writing_when_it_was_killed_is_left_out(
    orders: list[Order], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mark = tmp_path / "killed"
    script = (
        f"import os, signal\nmark = Path({str(mark)!r})\n"
        f"if not mark.exists():\n    mark.touch()\n    {READY}"
        """    print('{"not_ready": "half', end='', flush=True)\n"""
        f"    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"""print('{{"not_ready": "started again"}}', flush=True)\n{WAIT_FOR_THE_END}"""
    )
    workers = supervisor(orders[:1], script)
    async with workers.running():
        await until(lambda: workers.not_ready() == "worker 1: started again")
    assert not any("invalid report" in record.getMessage() for record in caplog.records)


async def test_a_failure_is_told_whatever_was_reported_before(orders: list[Order]) -> None:
    script = (
        "sys.path[:0] = [" + repr(str(Path(__file__).parents[2])) + "]\nimport json, os\n"
        "from server.workers.report_pipe import ReportPipe\n"
        "reports = ReportPipe(1)\n"
        "for n in range(5):\n    reports.send(json.dumps({'metrics': str(n) * (1 << 20)}).encode() + b'\\n')\n"
        "reports.send_last(json.dumps({'failure': 'the log is another'}).encode() + b'\\n')\nos._exit(2)"
    )
    workers = supervisor(orders[:1], script)
    async with workers.running():
        with pytest.raises(WorkerFailedError, match="worker 1: the log is another"):
            await workers.run_until(asyncio.Event())


async def run(workers: Supervisor) -> None:
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
        await workers.run_until(asyncio.Event())


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("""print('{"failure": "the log is another"}', flush=True)\n""", "worker 1: the log is another"),
        ("", "worker 1: the worker cannot start; see its log"),
    ],
)
@pytest.mark.parametrize("at", ["start", "later"])
async def test_a_worker_that_can_never_start_ends_all(
    orders: list[Order], tmp_path: Path, said: str, message: str, at: str
) -> None:
    first = "" if at == "start" else READY
    # The other one leaves a file when it was stopped in order. An order may be too long for a command line.
    script = (
        f"if {sha256(orders[0].encode()).hexdigest()!r} != sha256(sys.stdin.buffer.readline()).hexdigest():\n"
        f"    {READY}    {WAIT_FOR_THE_END}    Path({str(tmp_path)!r}, 'stopped').touch()\n    sys.exit()\n"
        f"{first}{said}sys.exit(2)"
    )
    workers = supervisor(orders, script)
    with pytest.raises(WorkerFailedError, match=message):
        await run(workers)
    assert (tmp_path / "stopped").exists()


async def test_a_worker_that_does_not_stop_is_killed(orders: list[Order]) -> None:
    script = f"import signal\n{READY}{WAIT_FOR_THE_END}signal.pause()"
    workers = supervisor(orders, script, SupervisionTimes(stop_grace=0.05))
    async with workers.running():
        await workers.wait_until_ready(asyncio.Event())
    assert workers.not_ready() == "the server is shutting down"

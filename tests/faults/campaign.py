"""Many schedules, several at a time; the logs of failed schedules are kept."""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from harness.clickhouse_node import ClickHouseNode
from tests.faults.plan import Needs, Plan
from tests.faults.schedule import Result, run_schedule
from tests.faults.syscalls import can_trace
from tests.faults.volume import Volume, can_mount

__all__ = ["Bench", "able", "bench", "run_all"]

_CLICKHOUSE_BYTES = 1 << 30


class Bench:
    """A ClickHouse server on a volume, for one schedule after another."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.volume = Volume(directory / "clickhouse", _CLICKHOUSE_BYTES)
        self.volume.mount()
        self.node = ClickHouseNode(self.volume.directory / "node")

    def run(self, plan: Plan, directory: Path) -> Result:
        """Run a schedule, and leave its logs in ``directory``."""
        if not self.node.running:
            self.node.start()
        return run_schedule(plan, self.node, self.volume, directory)


@contextmanager
def bench() -> Iterator[Bench]:
    """Yield a bench with a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="lognotary-faults-") as name:
        made = Bench(Path(name))
        try:
            yield made
        finally:
            made.node.kill()
            made.volume.unmount()


def able() -> frozenset[Needs]:
    """Return the requirements that this machine meets."""
    with tempfile.TemporaryDirectory() as name:
        mounts = can_mount(Path(name))
    return frozenset(need for need, there in ((Needs.TMPFS, mounts), (Needs.STRACE, can_trace())) if there)


def run_all(
    plans: Sequence[Plan], jobs: int, keep: Path, done: Callable[[int, Result, Path], None]
) -> tuple[list[Result], list[str]]:
    """Run schedules.

    Args:
        plans: the schedules.
        jobs: number of schedules that run at a time.
        keep: directory for the logs of failed schedules, which get a directory each.
        done: function that is called after each schedule with its number, its result and the directory of its logs; one
            call at a time.

    Returns:
        The results, and the errors of the harness itself.
    """
    waiting: queue.SimpleQueue[tuple[int, Plan]] = queue.SimpleQueue()
    for item in enumerate(plans, 1):
        waiting.put(item)
    results: list[Result] = []
    broken: list[str] = []
    lock = threading.Lock()

    def work() -> None:
        with bench() as at:
            while True:
                try:
                    number, plan = waiting.get_nowait()
                except queue.Empty:
                    return
                directory = at.directory / f"{plan.seed}-{plan.kind}"
                kept = keep / directory.name
                try:
                    result = at.run(plan, directory)
                except Exception:
                    with lock:
                        broken.append(f"seed {plan.seed}, {plan.kind}: {traceback.format_exc()}")
                    _move(directory, kept)
                    continue
                if result.verdict.good:
                    shutil.rmtree(directory, ignore_errors=True)
                else:
                    wrong = "\n".join(result.verdict.lines(most=1000))
                    (directory / "verdict.txt").write_text(wrong + "\n")
                    _move(directory, kept)
                with lock:
                    results.append(result)
                    done(number, result, kept)

    with ThreadPoolExecutor(jobs, thread_name_prefix="schedule") as pool:
        for job in [pool.submit(work) for _ in range(jobs)]:
            job.result()
    return results, broken


def _move(directory: Path, kept: Path) -> None:
    if directory.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.move(directory, kept)

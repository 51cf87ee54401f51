"""Runs many schedules, several at a time, and keeps the logs of those that fail."""

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
    """A ClickHouse on a volume, for one schedule after the other."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.volume = Volume(directory / "clickhouse", _CLICKHOUSE_BYTES)
        self.volume.mount()
        self.node = ClickHouseNode(self.volume.directory / "node")

    def run(self, plan: Plan, directory: Path) -> Result:
        """Run a schedule; its logs are in ``directory`` then."""
        if not self.node.running:
            self.node.start()
        return run_schedule(plan, self.node, self.volume, directory)


@contextmanager
def bench() -> Iterator[Bench]:
    """A bench on a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="lognotary-faults-") as name:
        made = Bench(Path(name))
        try:
            yield made
        finally:
            made.node.kill()
            made.volume.unmount()


def able() -> frozenset[Needs]:
    """Capabilities of this machine."""
    with tempfile.TemporaryDirectory() as name:
        mounts = can_mount(Path(name))
    return frozenset(need for need, there in ((Needs.TMPFS, mounts), (Needs.STRACE, can_trace())) if there)


def run_all(
    plans: Sequence[Plan], jobs: int, keep: Path, done: Callable[[int, Result, Path], None]
) -> tuple[list[Result], list[str]]:
    """Run schedules.

    Args:
        plans: what to run.
        jobs: how many at a time.
        keep: where the logs of those that fail are kept, each in a directory of its own.
        done: called after each with its number, its result and the directory of its logs, one call at a time.

    Returns:
        The results, and what went wrong in the harness itself.
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

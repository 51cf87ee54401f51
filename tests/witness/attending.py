"""Logs that are attended in the background."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from harness.small_http import Answer, Request, serving
from harness.waiting import wait_for
from harness.witness import SmallWitness
from server.witness.scheduler import ServiceState, WitnessScheduler, build_tasks
from server.witness.settings import TimestampAuthority, Witness
from tests.witness.growing_log import GrowingLog

FOREVER = 3600.0  # seconds: more than a test may take


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

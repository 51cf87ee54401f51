"""The campaign: a server, its neighbours, and case after case, until the time or the cases are used up."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import read_stored
from harness.waiting import wait_for
from tests.fuzz.front_door.crowd import crowd
from tests.fuzz.front_door.delivery import Addresses, deliver
from tests.fuzz.front_door.found import FOUND
from tests.fuzz.front_door.grpc_cases import grpc_script
from tests.fuzz.front_door.http_cases import http_script
from tests.fuzz.front_door.neighbours import NeighbourError, Neighbours
from tests.fuzz.front_door.report import Finding, Plan, Report
from tests.fuzz.front_door.script import AnswerError, Door, Script, case_random
from tests.fuzz.front_door.vitals import Vitals, log_lines, read_memory, read_processor_seconds, read_vitals, unexpected

__all__ = ["Campaign", "make_script", "replay"]

_LEAK = 96 << 20
"""Bytes of memory that the server may have more at the end than after the warm-up.

The embedded ClickHouse keeps caches that grow with what is stored, some tens of MiB. A leak of 100 bytes a case
would be as much again in a million cases.
"""

_MEMORY_LIMIT = 1200 << 20  # bytes
_MOST_MEMORY = 4 << 30  # bytes at which the server is killed, for the sake of the machine
_BETWEEN_LOOKS = 0.2  # seconds between looks at the vitals
_SETTLING = 3.0  # seconds after the warm-up until the vitals are read
_QUIET = 60.0  # seconds that the server has to give back what connections took
_EARLY = 1000  # scripts
_REMEMBERED = 400  # scripts that are saved when it is not known which of them was it


def make_script(seed: int, number: int, bomb_every: int = 1000) -> Script:
    """Make the script of that number, always the same."""
    chance = case_random(seed, number)
    bombs = chance.randrange(bomb_every // 20 if number < _EARLY else bomb_every) == 0
    make = http_script if chance.random() < 0.6 else grpc_script
    return replace(make(chance, bombs=bombs), number=number)


class ServerGoneError(Exception):
    """The server is no longer there."""


class Campaign:
    """One server and all that is done to it."""

    def __init__(
        self,
        plan: Plan,
        directory: Path,
        say: Callable[[str], None] = lambda _: None,
        keep: Callable[[Finding], None] = lambda _: None,
    ) -> None:
        self._plan = plan
        self._say = say
        self._keep = keep
        self._files = directory / "chdb"
        self._storage = f"chdb://{self._files}"
        # Batches of half a second leave the embedded engine time for other things than many small parts.
        self._server = LognotaryServer(self._storage, directory / "data", batch_age=0.5, memory_limit=_MEMORY_LIMIT)
        self._recent: deque[Script] = deque(maxlen=_REMEMBERED)
        self.report = Report(next=plan.first)

    def run(self) -> Report:
        """Carry it out."""
        begun = time.monotonic()
        report = self.report
        acknowledged: list[str] = []
        self._server.start()
        try:
            with Neighbours(self._server) as neighbours:
                asyncio.run(self._rounds(neighbours))
            acknowledged = neighbours.acknowledged
            report.refusals.update(refusal[:120] for refusal in neighbours.refusals)
            if neighbours.turned_away:
                self._found(f"a neighbour is told not to send again\n{neighbours.turned_away[0]}")
            report.processor_seconds = read_processor_seconds(self._server.pid)
            self._look_at_the_end()
        except ServerGoneError as error:
            self._found(f"the server is gone\n{error}\n{self._server.log_tail()}", *self._recent)
        finally:
            status = self._server.stop()
        if status:
            self._found(f"the server ends with status {status}\n{self._server.log_tail()}", *self._recent)
        report.lines = log_lines(self._server.log_text())
        if wrong := unexpected(self._server.log_text()):
            self._found(f"the log has what it should not have\n{wrong}", *self._recent)
        if acknowledged:
            self._look_at_storage(acknowledged)
        report.acknowledged = len(acknowledged)
        report.seconds = time.monotonic() - begun
        return report

    def _found(self, why: str, *scripts: Script) -> None:
        finding = Finding(why, scripts)
        if self.report.add(finding):
            self._keep(finding)

    async def _rounds(self, neighbours: Neighbours) -> None:
        plan, report = self._plan, self.report
        end = time.monotonic() + plan.seconds
        addresses = _addresses(self._server)
        watchdog = asyncio.create_task(self._watch())
        try:
            for number in itertools.count():
                wanted = plan.warm_up if number == 0 else plan.round_cases
                goal = min(wanted, plan.cases - report.cases.total())
                if goal <= 0 and any(report.accepted(door) < plan.accepted for door in Door):
                    goal = plan.round_cases
                if goal <= 0 or (time.monotonic() >= end and number > 1):
                    break
                if number % 5 == 0:
                    async with crowd(addresses, plan.crowd) as closed:
                        await self._round(addresses, goal, end, neighbours)
                    report.crowds.append(f"{closed[0]} of {2 * plan.crowd}")
                else:
                    await self._round(addresses, goal, end, neighbours)
                await self._served(neighbours)
                if number == 0:
                    await asyncio.sleep(_SETTLING)
                    report.vitals["after the warm-up"] = await asyncio.to_thread(self._vitals)
                    self._say(f"after the warm-up: {report.vitals['after the warm-up']}")
        finally:
            watchdog.cancel()

    async def _round(self, addresses: Addresses, cases: float, end: float, neighbours: Neighbours) -> None:
        report = self.report
        goal = report.cases.total() + cases
        numbers = itertools.count(report.next)

        def scripts() -> Iterator[Script]:
            if report.next == self._plan.first:
                yield from FOUND
            while report.cases.total() < goal and time.monotonic() < end:
                report.next = next(numbers) + 1
                yield make_script(self._plan.seed, report.next - 1, self._plan.bomb_every)

        shared = scripts()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._plan.at_once):
                group.create_task(self._worker(shared, addresses))
            group.create_task(self._served(neighbours))
        self._say(
            f"{report.cases.total()} cases, neighbours served within {report.waits[-1]:.1f} s, "
            f"{len(report.found)} findings, {self._vitals()}"
        )

    async def _worker(self, scripts: Iterator[Script], addresses: Addresses) -> None:
        for script in scripts:
            self._recent.append(script)
            try:
                written = await deliver(script, addresses, self.report.outcomes[script.door])
            except AnswerError as error:
                self._found(str(error), script)
                written = sum(1 for _ in script.kinds)
            except OSError as error:
                if not self._server.running:
                    raise ServerGoneError(str(error)) from error
                self.report.outcomes[script.door][f"{type(error).__name__} on connecting"] += 1
                written = 0
            except Exception:
                raise RuntimeError(f"script {script.number}:\n{traceback.format_exc()}") from None
            self.report.connections[script.door] += 1
            self.report.cases.update(f"{script.door} {kind}" for kind in itertools.islice(script.kinds, written))

    async def _served(self, neighbours: Neighbours) -> None:
        try:
            self.report.waits.append(await asyncio.to_thread(neighbours.check))
        except NeighbourError as error:
            self.report.waits.append(float("inf"))
            self._found(str(error), *self._recent)

    async def _watch(self) -> None:
        while self._server.running:
            with contextlib.suppress(FileNotFoundError):
                self._kill_if_too_large()
            await asyncio.sleep(_BETWEEN_LOOKS)

    def _kill_if_too_large(self) -> None:
        if read_memory(self._server.pid) > _MOST_MEMORY:
            self._found(f"the server takes more than {_MOST_MEMORY >> 20} MiB, and was killed", *self._recent)
            self._server.kill()

    def _when_quiet(self, before: Vitals) -> Vitals:
        """Return the vitals once they are no more than they were before, or after a while."""
        now = before

        def is_quiet() -> bool:
            nonlocal now
            now = self._vitals()
            return not _grown(before, now)

        with contextlib.suppress(TimeoutError):
            wait_for(is_quiet, _QUIET, every=_BETWEEN_LOOKS)
        return now

    def _vitals(self) -> Vitals:
        return read_vitals(self._server.pid, self._files)

    def _look_at_the_end(self) -> None:
        report = self.report
        if not self._server.running:
            raise ServerGoneError("it ended")
        before = report.vitals.get("after the warm-up")
        if before is None:
            return
        now = report.vitals["at the end"] = self._when_quiet(before)
        if now.peak > _MEMORY_LIMIT:
            self._found(f"more memory than --memory-limit\n{now}")
        for grown in _grown(before, now):
            self._found(f"{grown} not given back\n{before}\n{now}")
        findings, summary = self._server.verify()
        report.stored = summary.records
        if findings:
            self._found(f"lognotary verify finds something\n{findings[:5]}")

    def _look_at_storage(self, acknowledged: list[str]) -> None:
        try:
            read_stored(self._storage).check(acknowledged)
        except AssertionError as error:
            self._found(f"what was acknowledged is not stored once\n{error}")


def _grown(before: Vitals, now: Vitals) -> list[str]:
    """Return what there is more of. Neighbours have gone at the end, so fewer sockets are to be expected.

    Pools of threads may not have been used to their full extent before.
    """
    return [
        name
        for name, more in (
            ("memory", now.memory - before.memory > _LEAK),
            ("sockets are", now.sockets > before.sockets),
            ("files are", now.files > before.files + 8),
            ("threads are", now.threads > before.threads + 8),
        )
        if more
    ]


def _addresses(server: LognotaryServer) -> Addresses:
    places = {Door.GRPC: server.otlp_grpc, Door.HTTP: server.otlp_http.removeprefix("http://")}
    return {door: (place.rpartition(":")[0], int(place.rpartition(":")[2])) for door, place in places.items()}


def replay(scripts: list[Script], directory: Path) -> str:
    """Carry out scripts one after another; return what is wrong, empty if nothing is."""
    server = LognotaryServer(f"chdb://{directory}/chdb", directory / "data")
    outcomes: Counter[str] = Counter()
    with server:
        for script in scripts:
            try:
                asyncio.run(deliver(script, _addresses(server), outcomes))
            except AnswerError as error:
                return f"{error}\n{server.log_tail()}"
            except OSError as error:
                return f"{error}: the server is {'running' if server.running else 'gone'}\n{server.log_tail()}"
        return unexpected(server.log_text())

"""The real processes under test: ClickHouse, the proxy, the server; and the faults that are made."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from harness.clickhouse_http import QueryError
from harness.clickhouse_node import ClickHouseNode
from harness.free_port import free_port
from harness.lognotary_server import LognotaryServer
from tests.faults.plan import Deed, Plan, Step
from tests.faults.proxy import Proxy
from tests.faults.syscalls import Injection, Tracer, processes_of
from tests.faults.volume import Volume

__all__ = ["Fault", "Site"]

_RESTART_PAUSE = 0.3  # seconds after which a server that ended by itself is started again, as a service manager does
_SERVER_BYTES = 256 << 20
_CLICKHOUSE_LEFT = 900 << 10

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was made.

    Attributes:
        undo: function that ends the fault.
        has_hit: function that returns whether the fault has hit a request or a system call; other faults hit at once.
    """

    undo: Undo
    has_hit: Callable[[], bool] = lambda: True


class Site:
    """The processes of one schedule, with a database of its own in a ClickHouse server that outlives it."""

    def __init__(self, plan: Plan, node: ClickHouseNode, node_volume: Volume, directory: Path) -> None:
        self.plan = plan
        self.node = node
        self.directory = directory
        self.database = f"faults_{plan.seed}_{os.urandom(3).hex()}"
        self._node_volume = node_volume
        self._volume = Volume(directory / "server", _SERVER_BYTES)
        self._choose = plan.random("site")
        self._proxy = Proxy(node.url, plan.seed)
        self._server: LognotaryServer | None = None
        self._done = 0  # faults other than the proxy's
        self._down = 0  # deeds during which the server must not run
        self._ended_at: float | None = None
        self._http = ""
        self.notes: list[str] = []
        """Timeline of events, in seconds since the senders began."""
        self._began = time.monotonic()

    @property
    def server(self) -> LognotaryServer:
        assert self._server is not None
        return self._server

    @property
    def otlp_grpc(self) -> str:
        return self._otlp_grpc

    @property
    def otlp_http(self) -> str:
        return self._otlp_http

    @property
    def storage_url(self) -> str:
        """URL of the storage, without the proxy."""
        return f"{self.node.url}/{self.database}"

    @property
    def hits(self) -> int:
        """Number of faults that hit a request, a process, a disk, a table or a system call."""
        return self._proxy.hits.total() + self._done

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True)
        self._volume.mount()
        self._proxy.__enter__()
        self._otlp_grpc, self._otlp_http = (f"127.0.0.1:{free_port()}" for _ in range(2))
        http = f"127.0.0.1:{free_port()}"
        self._http = f"http://{http}"
        flags: dict[str, Any] = self.plan.flags
        self._server = LognotaryServer(
            f"{self._proxy.url}/{self.database}",
            self._volume.directory / "data",
            otlp_grpc=self._otlp_grpc,
            otlp_http=self._otlp_http,
            http=http,
            **flags,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.kill()
        self._proxy.__exit__(kind, error, traceback)

    def dismantle(self) -> None:
        """Drop the database, and unmount the server's volume."""
        with contextlib.suppress(OSError, QueryError):
            self.node.query(f"DROP DATABASE IF EXISTS {self.database} SYNC")
        self._volume.unmount()

    def begin(self) -> None:
        """Start the server, and wait until it is ready, unless ClickHouse is started later."""
        if self.plan.down_at_start:
            self.node.kill()
            self.server.launch()
            self._began = time.monotonic()
            return
        self.server.start()
        self._began = time.monotonic()

    def supervise(self) -> None:
        """Start the server again if it has ended by itself."""
        if self._down or self.server.running:
            self._ended_at = None
            return
        now = time.monotonic()
        if self._ended_at is None:
            self._ended_at = now
            tail = self.server.log_tail().splitlines()
            self.note(f"the server ended by itself: {tail[-1] if tail else ''}")
        elif now - self._ended_at > _RESTART_PAUSE:
            self._ended_at = None
            self.server.launch()

    def ready(self) -> bool:
        """True if the server reports that it can commit."""
        try:
            return httpx.get(f"{self._http}/readyz", timeout=2.0).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def not_ready(self) -> str:
        """Return why the server is not ready, in its own words or by the end of its log."""
        try:
            return httpx.get(f"{self._http}/readyz", timeout=2.0).text.strip()
        except httpx.HTTPError as error:
            return f"{error!r}; its log ends: {self.server.log_tail()[-500:]}"

    def note(self, text: str) -> None:
        self.notes.append(f"{time.monotonic() - self._began:6.2f} s {text}")

    def do(self, step: Step) -> Fault | None:
        """Make a fault and return it; return None if it is not possible now."""
        fault = self._make(step)
        if fault is not None:
            self.note(f"begins: {step.deed.value}")
            self._done += step.deed not in (Deed.TROUBLE, Deed.INJECT)
        return fault

    def _make(self, step: Step) -> Fault | None:
        match step.deed:
            case Deed.TROUBLE:
                return self._trouble(step)
            case Deed.KILL_SERVER | Deed.STOP_SERVER:
                return Fault(self._end_server(orderly=step.deed is Deed.STOP_SERVER))
            case Deed.KILL_WORKER:
                return Fault(self._kill_worker())
            case Deed.PAUSE_SERVER:
                return Fault(self._pause_server())
            case Deed.KILL_CLICKHOUSE | Deed.STOP_CLICKHOUSE:
                (self.node.kill if step.deed is Deed.KILL_CLICKHOUSE else self.node.stop)()
                return Fault(self.start_clickhouse)
            case Deed.PAUSE_CLICKHOUSE:
                if not self.node.running:
                    return None
                self.node.pause()
                return Fault(self.node.resume)
            case Deed.HIDE_TABLE:
                return self._alter(
                    f"RENAME TABLE {step.table} TO {step.table}_away",
                    f"RENAME TABLE {step.table}_away TO {step.table}",
                )
            case Deed.TOO_MANY_PARTS:
                return self._alter(
                    f"ALTER TABLE {step.table} MODIFY SETTING parts_to_delay_insert = 1, parts_to_throw_insert = 1",
                    f"ALTER TABLE {step.table} RESET SETTING parts_to_delay_insert, parts_to_throw_insert",
                )
            case Deed.FILL_CLICKHOUSE:
                return self._fill_clickhouse()
            case Deed.FILL_SERVER:
                self._volume.fill()
                return Fault(self._volume.free)
            case Deed.INJECT:
                return self._inject(step)

    def _trouble(self, step: Step) -> Fault:
        assert step.trouble is not None
        way = step.trouble.way
        before = self._proxy.hits[way]
        number = self._proxy.begin(step.trouble)
        return Fault(lambda: self._proxy.end(number), lambda: self._proxy.hits[way] > before)

    def start_clickhouse(self) -> None:
        """Start ClickHouse if it does not run."""
        if not self.node.running:
            self.node.start()

    def _end_server(self, *, orderly: bool) -> Undo:
        self._down += 1
        if orderly:
            status = self.server.stop()
            self.note(f"the server stopped with status {status}")
        else:
            self.server.kill()

        def start() -> None:
            self._down -= 1
            if not self._down and not self.server.running:
                self.server.launch()

        return start

    def _kill_worker(self) -> Undo:
        workers = processes_of(self.server.pid)[1:] if self.server.running else []
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._choose.choice(workers), signal.SIGKILL)
        return lambda: None

    def _pause_server(self) -> Undo:
        paused = processes_of(self.server.pid) if self.server.running else []
        _signal(paused, signal.SIGSTOP)
        return lambda: _signal(paused, signal.SIGCONT)

    def _alter(self, change: str, back: str) -> Fault | None:
        try:
            self.node.query(change, database=self.database)
        except (OSError, QueryError) as error:
            self.note(f"the fault was not made: {error}")
            return None

        def undo() -> None:
            self.node.query(back, database=self.database)

        return Fault(undo)

    def _fill_clickhouse(self) -> Fault | None:
        # A merge or an insert that reaches the very end of the disk leaves a part that cannot be read, and answers OK
        # (seen with 26.7.2): no client can prevent that. So no merge runs, and there is enough space for a running
        # insert, but not the 1 MiB that ClickHouse reserves for the next one.
        try:
            self.node.query("SYSTEM STOP MERGES")
        except (OSError, QueryError) as error:
            self.note(f"the fault was not made: {error}")
            return None
        self._node_volume.fill(leave=_CLICKHOUSE_LEFT)

        def free() -> None:
            self._node_volume.free()
            with contextlib.suppress(OSError, QueryError):  # ClickHouse may be down, and merges after a start
                self.node.query("SYSTEM START MERGES")

        return Fault(free)

    def _inject(self, step: Step) -> Fault | None:
        if not self.server.running:
            return None
        # Other files that are written are pipes, sockets and the log, which gRPC cannot do without.
        only_in = self.server.data_dir if step.call == "write" else None
        tracer = Tracer(
            processes_of(self.server.pid),
            Injection(step.call, step.when, step.error, only_in),
            self.directory / "strace.log",
        )

        def detach() -> None:
            injected = tracer.detach()
            self.note(f"{injected} of {step.call} had {step.error or 'SIGKILL'}")
            self._done += injected

        return Fault(detach, lambda: tracer.injected() > 0)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

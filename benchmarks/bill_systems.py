"""The systems of the bill: each runs on a directory, takes OTLP requests, and says what its records take on disk."""

from __future__ import annotations

import argparse
import shlex
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.collector import collector_configuration
from benchmarks.collector_binary import clickhouse_collector
from benchmarks.disk import Disk, directory_bytes, disk_of, embedded_disk
from benchmarks.processes import clickhouse, count_rows, count_signed, lognotary
from harness.bound_process import BoundProcess
from harness.clickhouse_node import ClickHouseNode
from harness.collector import Collector
from harness.free_port import free_port

__all__ = ["BUILT_IN", "DATABASE", "Peer", "RunningSystem", "System", "parse_peer"]

DATABASE = "bill"

_COLLECTOR = argparse.Namespace(batch_rows=8192, consumers=2, compress="lz4", async_insert=False)


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """A system that takes requests.

    Attributes:
        address: where, as the loader wants it.
        own: its own process.
        node: its ClickHouse server, None if it has none.
        stored: returns how many records are in its tables, None if it cannot tell from outside.
    """

    address: str
    own: int
    node: ClickHouseNode | None = None
    stored: Callable[[], int] | None = None


System = Callable[[Path], AbstractContextManager[tuple[RunningSystem, Callable[[], Disk | int]]]]
"""Function that runs a system in a directory; the second value tells what is on disk, after the system's end."""


def _on_server(**settings: str) -> System:
    @contextmanager
    def run(directory: Path) -> Iterator[tuple[RunningSystem, Callable[[], Disk | int]]]:
        with (
            clickhouse(directory) as node,
            lognotary(f"{node.url}/{DATABASE}", directory, **settings) as server,
        ):
            running = RunningSystem(server.otlp_grpc, server.pid, node, lambda: count_signed(node, DATABASE))
            yield running, lambda: disk_of(node.query, DATABASE)

    return run


def _embedded(**settings: str) -> System:
    @contextmanager
    def run(directory: Path) -> Iterator[tuple[RunningSystem, Callable[[], Disk | int]]]:
        path = directory / "embedded"

        def disk() -> Disk:
            server.stop()
            return embedded_disk(path, "lognotary")

        with lognotary(f"chdb://{path}", directory, **settings) as server:
            yield RunningSystem(server.otlp_grpc, server.pid), disk

    return run


@contextmanager
def _collector(directory: Path) -> Iterator[tuple[RunningSystem, Callable[[], Disk | int]]]:
    port = free_port()
    with clickhouse(directory) as node:
        configuration = collector_configuration(_COLLECTOR, node, port, database=DATABASE)
        with Collector(configuration, directory / "collector", binary=clickhouse_collector()) as process:
            running = RunningSystem(
                f"127.0.0.1:{port}", process.pid, node, lambda: count_rows(node, DATABASE, "otel_logs")
            )
            yield running, lambda: disk_of(node.query, DATABASE)


BUILT_IN: dict[str, System] = {
    "lognotary": _on_server(),
    "lognotary, ack journal": _on_server(ack="journal"),
    "embedded": _embedded(),
    "embedded, ack journal": _embedded(ack="journal"),
    "collector": _collector,
}
"""Name -> a system that needs nothing but this repository (and Go for the Collector)."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A system given as a command.

    Attributes:
        name: its name.
        url: URL of OTLP/HTTP, with the path.
        command: command that starts it; ``{directory}`` in it stands for an empty directory of its own.
    """

    name: str
    url: str
    command: str

    @contextmanager
    def run(self, directory: Path) -> Iterator[tuple[RunningSystem, Callable[[], Disk | int]]]:
        """Start the command, and wait until its port answers."""
        home = directory / "peer"
        home.mkdir()
        command = shlex.split(self.command.replace("{directory}", str(home)))
        process = BoundProcess(command, log=directory / "peer.log", cwd=home)
        process.start()
        try:
            process.wait_until(lambda: _answers(self.url), self.name, "ready", RuntimeError)
            yield RunningSystem(self.url, process.pid), lambda: _after_the_end(process, home)
        finally:
            process.stop()


def parse_peer(text: str) -> Peer:
    """Read ``NAME=URL COMMAND …``; raises ValueError."""
    name, _, rest = text.partition("=")
    url, _, command = rest.partition(" ")
    if not (name and command and "://" in url):
        raise ValueError(f"{text!r} is not NAME=URL COMMAND, such as 'mine=http://127.0.0.1:9428/v1/logs ./mine'")
    return Peer(name, url, command)


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 80), timeout=5.0).close()
    except OSError:
        return False
    return True


def _after_the_end(process: BoundProcess, directory: Path) -> int:
    process.stop()
    return directory_bytes(directory)

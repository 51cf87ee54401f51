"""The measured processes, and their resource usage according to the kernel."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer, read_verification
from harness.process_stats import cpu_seconds
from server.notary.origin import Stream
from storage.clickhouse import connect
from storage.engine import Engine
from storage.migrate import migrate
from storage.schema import RECORD_TABLES
from storage.url import parse_storage_url

__all__ = [
    "Meter",
    "add_server_flags",
    "batch_sizes",
    "clickhouse",
    "count_records",
    "count_rows",
    "count_signed",
    "findings",
    "fresh_engine",
    "lognotary",
    "read_metric",
    "scratch",
    "server_flags",
    "settle_merges",
    "stop_merges",
]

_QUIET_SECONDS = 120.0


def findings(server: LognotaryServer) -> int:
    """Verify the whole storage, and return the number of findings."""
    command = [sys.executable, "-m", "server", "verify", "--json", "--api", server.api_grpc]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return len(read_verification(done.stdout)[0])


def read_metric(server: LognotaryServer, name: str) -> float:
    """Return the sum of a metric's values over all of its labels."""
    text = httpx.get(f"{server.http}/metrics", timeout=60.0).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    )


@dataclass(slots=True)
class Meter:
    """CPU and wall time since its creation."""

    pids: tuple[int, ...]
    _cpu: tuple[float, ...] = ()
    _wall: float = 0.0

    @classmethod
    def of(cls, *pids: int) -> Meter:
        """Start measuring processes."""
        return cls(pids, tuple(map(cpu_seconds, pids)), time.perf_counter())

    def read(self) -> tuple[float, ...]:
        """Return the CPU seconds of each process since the start."""
        return tuple(now - before for now, before in zip(map(cpu_seconds, self.pids), self._cpu, strict=True))

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._wall


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a directory that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="lognotary-bench-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@contextmanager
def clickhouse(directory: Path) -> Iterator[ClickHouseNode]:
    """Run a ClickHouse server for the benchmark."""
    with ClickHouseNode(directory / "clickhouse") as node:
        yield node


def add_server_flags(parser: argparse.ArgumentParser) -> None:
    """Add flags that are passed on to ``lognotary serve``."""
    group = parser.add_argument_group("the server")
    group.add_argument("--codec", default="", choices=["native", "reference"], help="(default: its own choice)")
    group.add_argument("--workers", default="", metavar="N", help="processes (default: its own)")


def server_flags(options: argparse.Namespace) -> dict[str, str]:
    """Return the server flags that were given."""
    return {name: value for name in ("codec", "workers") if (value := getattr(options, name))}


@contextmanager
def lognotary(
    storage_url: str, directory: Path, name: str = "lognotary", **flags: str | float
) -> Iterator[LognotaryServer]:
    """Run ``lognotary serve``; ``flags`` are its settings; empty ones are omitted."""
    given = {flag: value for flag, value in flags.items() if value != ""}
    with LognotaryServer(storage_url, directory / name, env=None, json_output=True, within=(), **given) as server:
        yield server


@contextmanager
def fresh_engine(node: ClickHouseNode, database: str) -> Iterator[Engine]:
    """Yield a connection to a new database with Lognotary's tables."""
    with ExitStack() as stack:
        engine = connect(parse_storage_url(f"{node.url}/{database}"))
        stack.callback(engine.close)
        migrate(engine)
        yield engine


def count_rows(node: ClickHouseNode, database: str, table: str) -> int:
    """Return the number of rows in a table."""
    return int(node.query(f"SELECT count() FROM {table}", database=database))  # noqa: S608 - names of our own


def count_signed(node: ClickHouseNode, database: str) -> int:
    """Return the number of records in committed batches; more may be stored while batches are on their way."""
    return int(node.query("SELECT sum(RecordCount) FROM log_batches", database=database))


def count_records(node: ClickHouseNode, database: str) -> int:
    """Return the number of stored records, after checking that each is in a signed batch.

    Raises:
        RuntimeError: there are records outside batches.
    """
    stored = sum(count_rows(node, database, table) for table in RECORD_TABLES.values())
    signed = count_signed(node, database)
    if stored != signed:
        raise RuntimeError(f"{stored} records are stored and {signed} signed")
    return stored


def batch_sizes(node: ClickHouseNode, database: str, stream: Stream) -> list[float]:
    """Return the number of records of each batch of a stream."""
    sizes = node.query(
        f"SELECT RecordCount FROM log_batches WHERE Origin LIKE '%/{stream.value}/%'",  # noqa: S608 - a constant
        database=database,
    )
    return [float(size) for size in sizes.split()] or [0.0]


def settle_merges(node: ClickHouseNode) -> None:
    """Wait until no merge has run for a second."""
    deadline, quiet = time.monotonic() + _QUIET_SECONDS, 0
    while quiet < 10 and time.monotonic() < deadline:
        quiet = 0 if node.query("SELECT count() FROM system.merges") != "0" else quiet + 1
        time.sleep(0.1)


def stop_merges(node: ClickHouseNode) -> None:
    """Stop background merges, which would disturb measurements."""
    node.query("SYSTEM STOP MERGES")

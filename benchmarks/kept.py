"""Realistic records of thirty days, which a directory keeps from one run of a benchmark to the next."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.load import load
from benchmarks.processes import count_signed, scratch, settle_merges
from benchmarks.realistic import RealisticShape
from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer

__all__ = ["Content", "build", "kept_directory"]

_DAYS = 30
_BUILT = "built.json"


@dataclass(frozen=True, slots=True)
class Content:
    """Content of a data set; the same content need not be built again."""

    records: int
    audit: float
    seed: int


@contextmanager
def kept_directory(name: str) -> Iterator[Path]:
    """Make a directory, or use it again; without a name, one that is removed afterwards."""
    if not name:
        with scratch() as directory:
            yield directory
        return
    Path(name).mkdir(parents=True, exist_ok=True)
    yield Path(name)


def build(directory: Path, node: ClickHouseNode, database: str, server: LognotaryServer, content: Content) -> None:
    """Send the records, if the directory does not have them yet."""
    built = directory / _BUILT
    if built.exists():
        if json.loads(built.read_text(encoding="ascii")) != asdict(content):
            raise RuntimeError(f"{directory} has other content: give another directory, or remove it")
        return
    span = _DAYS * 86_400 * 10**9
    start = time.time_ns() - span
    shape = RealisticShape(audit=content.audit, seed=content.seed, start=start, step=span // content.records)
    requests = content.records // shape.records + 1
    load(server.otlp_grpc, shape, requests=requests, clients=8)
    while (stored := count_signed(node, database)) < requests * shape.records:
        print(f"{stored:,} records are stored")  # noqa: T201 - a benchmark tells how far it is
        time.sleep(1.0)
    settle_merges(node)
    built.write_text(json.dumps(asdict(content)), encoding="ascii")

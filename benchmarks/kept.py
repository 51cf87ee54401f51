"""Realistic records and spans of thirty days, kept in a directory from one run of a benchmark to the next."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.load import load
from benchmarks.processes import count_signed, scratch, settle_merges
from benchmarks.realistic import RealisticShape
from benchmarks.realistic_spans import SpansOfRecords
from harness.clickhouse_node import ClickHouseNode
from harness.lognotary_server import LognotaryServer

__all__ = ["Content", "DataSet", "add_data_flags", "build", "kept_directory"]

_DAYS = 30
_BUILT = "built.json"


@dataclass(frozen=True, slots=True)
class Content:
    """Content of a data set; the same content need not be built again.

    Attributes:
        records: number of log records, including audit records.
        audit: share of audit records.
        seed: seed of the generator.
        spans: number of spans in the traces of the records.
    """

    records: int
    audit: float
    seed: int
    spans: int = 0


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set that has been built.

    Attributes:
        content: content of the data set.
        end: the time of its last record, in nanoseconds since the epoch.
    """

    content: Content
    end: int


def add_data_flags(parser: argparse.ArgumentParser, total: int) -> None:
    """Add the number of records with this default, their seed, and the directory that keeps them."""
    shown = f"{total // 1_000_000} million"
    parser.add_argument("--total", type=int, default=total, metavar="N", help=f"records (default: {shown})")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the records")
    parser.add_argument("--data", default="", metavar="DIR", help="directory for the records, which is reused")


@contextmanager
def kept_directory(name: str) -> Iterator[Path]:
    """Make or reuse a directory; without a name, a directory that is removed afterwards."""
    if not name:
        with scratch() as directory:
            yield directory
        return
    Path(name).mkdir(parents=True, exist_ok=True)
    yield Path(name)


def build(directory: Path, node: ClickHouseNode, database: str, server: LognotaryServer, content: Content) -> DataSet:
    """Send the records and spans, if the directory does not have them yet.

    Raises:
        RuntimeError: the directory has other content.
    """
    file = directory / _BUILT
    if file.exists():
        built = json.loads(file.read_text(encoding="ascii"))
        end = built.pop("end")
        if built != asdict(content):
            raise RuntimeError(f"{directory} has other content: give another directory, or remove it")
        return DataSet(content, end)
    lasting = _DAYS * 86_400 * 10**9
    end = time.time_ns()
    shape = RealisticShape(audit=content.audit, seed=content.seed, start=end - lasting, step=lasting // content.records)
    requests = content.records // shape.records
    load(server.otlp_grpc, shape, requests=requests, clients=8)
    expected = requests * shape.records
    if content.spans:
        spans = SpansOfRecords(shape, max(4, content.spans // requests // 4 * 4))
        load(server.otlp_grpc, spans, requests=requests, clients=8)
        expected += requests * spans.spans
    while (stored := count_signed(node, database)) < expected:
        print(f"{stored:,} of {expected:,} are stored")  # noqa: T201 - a benchmark shows its progress
        time.sleep(1.0)
    settle_merges(node)
    file.write_text(json.dumps({**asdict(content), "end": end}), encoding="ascii")
    return DataSet(content, end)

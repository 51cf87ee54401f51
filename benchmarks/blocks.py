"""Native blocks sent to a ClickHouse server over loopback: uncompressed, as LZ4 and as ZSTD.

The same blocks go into the same tables in turn. Compression costs the sender, decompression the server, and
loopback has plenty of bandwidth: over a real network the balance differs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import clickhouse_connect
import lz4.frame  # type: ignore[import-untyped]
from clickhouse_connect.driver.client import Client

from benchmarks.codecs import ReadyBlock, ready_blocks
from benchmarks.processes import Meter, clickhouse, fresh_engine, scratch, stop_merges
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, build_requests, shape_of
from harness.clickhouse_node import ClickHouseNode
from harness.zstd import zstd
from storage.schema import RECORD_TABLES, record_columns

_DATABASE = "blocks"
_REQUESTS = 12  # of the usual shape, these make two full blocks and a small one

# How the server inserts too: one block is one part.
_SETTINGS = {
    "async_insert": 0,
    "insert_deduplicate": 0,  # the same block again and again
    "min_insert_block_size_rows": 0,
    "min_insert_block_size_bytes": 0,
    "wait_end_of_query": 1,
}


@dataclass(slots=True)
class _Rounds:
    wall: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    size: list[float] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    report = Report.of("blocks", "Native blocks over loopback, uncompressed and compressed", options)
    blocks = ready_blocks(build_requests(shape_of(options)), options.rows, most_requests=_REQUESTS)
    compressors: dict[str, Callable[[bytes], bytes]] = {
        "uncompressed": lambda data: data,
        "lz4": lz4.frame.compress,
        "zstd": partial(zstd.compress, level=options.zstd_level),
    }
    rounds = {name: _Rounds() for name in compressors}
    with scratch() as directory, clickhouse(directory) as node, fresh_engine(node, _DATABASE):
        report.versions["clickhouse"] = node.query("SELECT version()")
        stop_merges(node)
        with _client(node) as client:
            _send(client, blocks[:1], "uncompressed", compressors["uncompressed"])
            for _ in range(options.rounds):
                for name, compress in compressors.items():
                    _measure(client, node, blocks, name, compress, rounds[name])
    for name, values in rounds.items():
        report.figure(f"{name}: size", "bytes/row", values.size)
        report.figure(f"{name}: wall time", "µs/row", values.wall)
        report.figure(f"{name}: CPU of the client", "µs/row", values.client)
        report.figure(f"{name}: CPU of ClickHouse", "µs/row", values.server)
    plain = rounds["uncompressed"]
    both = {name: _sums(values.client, values.server) for name, values in rounds.items()}
    for name, values in rounds.items():
        if values is not plain:
            report.ratio(f"{name} / uncompressed: wall time", values.wall, plain.wall)
            report.ratio(f"{name} / uncompressed: CPU of both", both[name], both["uncompressed"])
    report.notes.append(f"{len(blocks)} blocks, of {blocks[0].rows} to {blocks[-1].rows} rows; merging was stopped")
    report.publish(options)


def _measure(
    client: Client,
    node: ClickHouseNode,
    blocks: Sequence[ReadyBlock],
    name: str,
    compress: Callable[[bytes], bytes],
    rounds: _Rounds,
) -> None:
    rows = sum(block.rows for block in blocks)
    meter, cpu = Meter.of(node.pid), time.process_time()
    sent = _send(client, blocks, name, compress)
    rounds.client.append((time.process_time() - cpu) / rows * 1e6)
    rounds.wall.append(meter.seconds / rows * 1e6)
    rounds.server.append(meter.read()[0] / rows * 1e6)
    rounds.size.append(sent / rows)


def _send(client: Client, blocks: Sequence[ReadyBlock], name: str, compress: Callable[[bytes], bytes]) -> int:
    """Compress and insert blocks; return how many bytes went out."""
    sent = 0
    for block in blocks:
        data = compress(block.data)
        sent += len(data)
        client.raw_insert(
            RECORD_TABLES[block.stream],
            [column.name for column in record_columns(block.stream)],
            (part for part in (data,)),  # from a generator, as the server does: bytes would be copied
            settings=_SETTINGS,
            fmt="Native",
            compression=None if name == "uncompressed" else name,
        )
    return sent


def _sums(some: Sequence[float], others: Sequence[float]) -> list[float]:
    return [one + other for one, other in zip(some, others, strict=True)]


@contextmanager
def _client(node: ClickHouseNode) -> Iterator[Client]:
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=node.http_port, database=_DATABASE, compress=False, autogenerate_session_id=False
    )
    try:
        yield client
    finally:
        client.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.blocks", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000, metavar="N", help="most rows of a block (default: 50000)")
    parser.add_argument("--zstd-level", type=int, default=1, metavar="N", help="(default: 1)")
    add_report_flags(parser, rounds=3)
    add_shape_flags(parser)
    return parser


if __name__ == "__main__":
    main()

"""Latency of proofs from a log of ten million entries.

The log's tree and batches are written as the server writes them; its records are not, because proofs do not need them.
Then a server answers calls for random leaves and sizes, first after ClickHouse has dropped its
caches, and then the same calls again.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import TypeVar

import grpc
import numpy as np

from benchmarks.processes import (
    add_server_flags,
    clickhouse,
    fresh_engine,
    lognotary,
    scratch,
    server_flags,
    settle_merges,
)
from benchmarks.report import Report, add_report_flags
from harness.clickhouse_node import ClickHouseNode
from lognotary.v1.evidence_pb2 import GetConsistencyProofRequest, GetInclusionProofRequest
from lognotary.v1.evidence_pb2_grpc import EvidenceServiceStub
from server.notary.batch import LogState, notarize
from server.notary.merkle import HASH_SIZE
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.commit import insert_batches, insert_tiles
from storage.engine import Engine

_DATABASE = "proofs"
_LOG = LogName("benchmark", Stream.OPERATIONAL, "writer")
_CACHES = ("MARK", "UNCOMPRESSED", "INDEX MARK", "INDEX UNCOMPRESSED", "QUERY CONDITION")
_TARGET = 20.0  # ms
_Request = TypeVar("_Request")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    report = Report.of("proofs", f"proofs from a log of {options.entries:,} entries", options)
    with scratch() as directory, clickhouse(directory) as node:
        report.versions["clickhouse"] = node.query("SELECT version()")
        key = directory / "public-key.pem"
        with fresh_engine(node, _DATABASE) as engine:
            key.write_text(_fill(engine, options.entries, options.batch), encoding="ascii")
        settle_merges(node)
        with _stub(f"{node.url}/{_DATABASE}", directory, key, options) as stub:
            _measure(stub, node, report, options)
    report.publish(options)


def _fill(engine: Engine, entries: int, size: int) -> str:
    """Write a log's batches and tiles; returns the key that signed them, as PEM."""
    signer = Signer.generate()
    state = LogState(_LOG)
    rng = np.random.default_rng(0)
    while state.range.size < entries:
        hashes = rng.bytes(HASH_SIZE * min(size, entries - state.range.size))
        now = time.time_ns()
        step = notarize(
            state,
            hashes,
            signer,
            min_timestamp=now,
            max_timestamp=now,
            ingested_at=now,
        )
        insert_tiles(engine, [step.batch], [step.fragments])
        insert_batches(engine, [step.batch])
        state = step.state
    return signer.public_pem().decode()


@contextmanager
def _stub(storage: str, directory: Path, key: Path, options: argparse.Namespace) -> Iterator[EvidenceServiceStub]:
    flags = server_flags(options)
    with (
        lognotary(storage, directory, public_keys=str(key), **flags) as server,
        grpc.insecure_channel(server.api_grpc) as channel,
    ):
        yield EvidenceServiceStub(channel)


def _measure(stub: EvidenceServiceStub, node: ClickHouseNode, report: Report, options: argparse.Namespace) -> None:
    rng = random.Random(0)  # noqa: S311 - which leaves are asked for is no secret
    entries, count, log = options.entries, options.calls, _LOG.origin
    sizes = range(options.batch, entries, options.batch) or [entries]

    def inclusion() -> Callable[[], list[float]]:
        leaves = [GetInclusionProofRequest(log=log, leaf_index=rng.randrange(entries)) for _ in range(count)]
        return lambda: _timed(stub.GetInclusionProof, leaves)

    def earlier_inclusion() -> Callable[[], list[float]]:
        leaves = [
            GetInclusionProofRequest(log=log, leaf_index=rng.randrange(size), tree_size=size)
            for size in rng.choices(sizes, k=count)
        ]
        return lambda: _timed(stub.GetInclusionProof, leaves)

    def consistency() -> Callable[[], list[float]]:
        growths = [GetConsistencyProofRequest(log=log, first=size) for size in rng.choices(sizes, k=count)]
        return lambda: _timed(stub.GetConsistencyProof, growths)

    for name, draw in {
        "inclusion": inclusion,
        "inclusion in an earlier checkpoint": earlier_inclusion,
        "consistency": consistency,
    }.items():
        rounds: dict[str, list[list[float]]] = {"first": [], "again": []}
        for _ in range(options.rounds):
            call = draw()
            for cache in _CACHES:
                node.query(f"SYSTEM DROP {cache} CACHE")
            for results in rounds.values():
                results.append(call())
        for when, results in rounds.items():
            cuts = [quantiles(result, n=100, method="inclusive") for result in results]
            report.figure(f"{name}, {when}: p50", "ms", [cut[49] for cut in cuts])
            report.figure(f"{name}, {when}: p99", "ms", [cut[98] for cut in cuts])
            report.ratio(f"{name}, {when}: p99 / {_TARGET:.0f} ms", [cut[98] for cut in cuts], [_TARGET] * len(cuts))
    report.notes.append(f"one caller; {count} calls a round, for other leaves or sizes in each, and the same again")


def _timed(call: Callable[[_Request], object], requests: Sequence[_Request]) -> list[float]:
    """Make one call for each request, sequentially; returns the latencies in milliseconds."""
    taken = []
    for request in requests:
        start = time.perf_counter()
        call(request)
        taken.append((time.perf_counter() - start) * 1000)
    return taken


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proofs", description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=10_000_000, metavar="N", help="entries (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=10_000, metavar="N", help="entries a batch (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=500, metavar="N", help="calls a round (default: %(default)s)")
    add_server_flags(parser)
    add_report_flags(parser, rounds=3)
    return parser


if __name__ == "__main__":
    main()

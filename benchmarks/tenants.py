"""Ingestion of many small tenants, each with logs of its own, against one tenant that sends the sum.

The same requests go through the whole ingestion of one process (everything but the receivers) into a ClickHouse server:
once as the records of one tenant, once of many. Each tenant sends requests of a few records at a rate; and, with
``--saturate``, the next request as soon as the last one is acknowledged.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import Meter, clickhouse, fresh_engine, scratch, stop_merges
from benchmarks.realistic import RealisticRequests, RealisticShape
from benchmarks.report import Report, add_report_flags
from harness.clickhouse_node import ClickHouseNode
from server.codec.provenance import Provenance
from server.data_dir.directory import DataDirectory
from server.errors.ingest import RefusedError
from server.keys.keyring import Keyring
from server.keys.store import KeyStore
from server.process.lifecycle import Signals
from server.process.pools import open_pools
from server.process.storage_probe import StorageProbe
from server.process.storage_wait import StorageWait
from server.settings.settings import load_settings
from server.writer.ingestion import Ingestion
from server.writer.owned_logs import state_changes
from storage.engine import Engine
from storage.writers import WriterName


@dataclass(slots=True)
class _Costs:
    """Costs of a number of tenants, one value for each round."""

    throughput: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    storage: list[float] = field(default_factory=list)
    parts: list[float] = field(default_factory=list)
    longest: list[float] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    report = Report.of("tenants", "many small tenants, against one that sends the sum", options)
    requests = _requests(options)
    costs: dict[int, _Costs] = {1: _Costs(), options.tenants: _Costs()}
    for number in range(options.rounds):
        for tenants in sorted(costs, reverse=number % 2 == 1):
            with scratch() as directory, clickhouse(directory) as node, fresh_engine(node, "tenants") as engine:
                stop_merges(node)
                asyncio.run(_measure(options, directory, node, engine, requests, tenants, costs[tenants]))
    for tenants, found in costs.items():
        name = "1 tenant" if tenants == 1 else f"{tenants} tenants"
        report.figure(f"{name}: acknowledged", "records/s", found.throughput)
        report.figure(f"{name}: Lognotary's CPU", "µs/record", found.own)
        report.figure(f"{name}: ClickHouse's CPU without merges", "µs/record", found.storage)
        report.figure(f"{name}: parts without merges, for 100,000 records", "", found.parts)
        report.figure(f"{name}: slowest acknowledgement", "ms", found.longest)
    one, many = costs.values()
    report.ratio("throughput, many tenants / one", many.throughput, one.throughput)
    report.ratio("parts, many tenants / one", many.parts, one.parts)
    report.ratio("Lognotary's CPU, many tenants / one", many.own, one.own)
    report.publish(options)


def _requests(options: argparse.Namespace) -> list[bytes]:
    made = RealisticRequests(RealisticShape(records=options.records, pods=1, seed=options.seed))
    return [made[number] for number in range(options.tenants)]


@contextlib.asynccontextmanager
async def _ingesting(directory: Path, engine: Engine) -> AsyncIterator[Ingestion]:
    async with AsyncExitStack() as stack:
        settings = load_settings({"data_dir": str(directory / "data"), "deployment": "benchmark"}, {})
        pools = stack.enter_context(open_pools())
        ingestion = Ingestion(settings, pools, StorageWait(settings.storage))
        data = stack.enter_context(DataDirectory(settings.data_dir))
        keys, signals = Keyring(KeyStore(settings.data_dir / "keys")), Signals()
        name = WriterName("benchmark", "vm", data.place)
        opened = ingestion.writing(name, data, keys, engine, StorageProbe(engine), signals)
        writing = await stack.enter_async_context(opened)
        await pools.housekeeping.run(lambda: state_changes(settings, writing.streams.all_logs))
        await stack.enter_async_context(ingestion.taking_requests(writing, engine, signals.stop))
        yield ingestion
        await ingestion.finish(writing)


async def _measure(
    options: argparse.Namespace,
    directory: Path,
    node: ClickHouseNode,
    engine: Engine,
    requests: Sequence[bytes],
    tenants: int,
    costs: _Costs,
) -> None:
    names = [Provenance(f"tenant-{number % tenants}" if tenants > 1 else "only") for number in range(options.tenants)]
    longest = 0.0

    async def send(place: int) -> None:
        nonlocal longest
        began = time.perf_counter()
        while True:
            try:
                with ingestion.pipeline.admit(names[place].tenant, len(requests[place])) as ticket:
                    await ingestion.pipeline.submit(requests[place], ticket, provenance=names[place])
                    break
            except RefusedError as error:
                await asyncio.sleep(min(error.retry_after, 1.0))
        longest = max(longest, time.perf_counter() - began)

    async def sender(place: int, rounds: int) -> None:
        period = options.records / options.rate
        due = time.perf_counter() + period * place / options.tenants
        for _ in range(rounds):
            if not options.saturate:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                due += period
            await send(place)

    async with _ingesting(directory, engine) as ingestion:
        # The logs of tenants are opened before: that happens once.
        await asyncio.gather(*(send(place) for place in range(options.tenants)))
        longest, parts = 0.0, _parts(node)
        rounds = max(1, round(options.seconds * options.rate / options.records))
        meter, cpu = Meter.of(node.pid), time.process_time()
        await asyncio.gather(*(sender(place, rounds) for place in range(options.tenants)))
        seconds, own = meter.seconds, time.process_time() - cpu
        (storage,) = meter.read()
        made = _parts(node) - parts
    records = rounds * options.tenants * options.records
    costs.throughput.append(records / seconds)
    costs.own.append(own / records * 1e6)
    costs.storage.append(storage / records * 1e6)
    costs.parts.append(made / records * 1e5)
    costs.longest.append(longest * 1000)


def _parts(node: ClickHouseNode) -> int:
    return int(node.query("SELECT count() FROM system.parts WHERE database = 'tenants'"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tenants", description=__doc__)
    usual = "(default: %(default)s)"
    parser.add_argument("--tenants", type=int, default=1000, metavar="N", help=f"tenants {usual}")
    parser.add_argument("--records", type=int, default=10, metavar="N", help=f"records in a request {usual}")
    parser.add_argument("--rate", type=float, default=10.0, metavar="N", help=f"records/s of each tenant {usual}")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help=f"load in each round {usual}")
    parser.add_argument("--saturate", action="store_true", help="send as fast as requests are acknowledged")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help=f"seed of the records {usual}")
    add_report_flags(parser, rounds=3)
    return parser


if __name__ == "__main__":
    main()

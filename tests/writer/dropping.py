"""Orders to drop a tenant's data, carried out by a writer over a real storage."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

from harness.waiting import wait_for
from server.codec.rows import Rows
from server.data_dir.drop_orders import DropAnswer, DropOrders
from server.notary.batch import Batch
from server.notary.origin import LogName, Stream
from server.process.pools import Pool
from server.writer.signed_stream import SignedStream
from server.writer.tenant_drops import TenantDrops
from storage.engine import Engine
from tests.codec.building import rows

from .log_server import Logs

__all__ = ["ACME", "UMBRELLA", "carrying_out", "commit", "dropped", "some"]

ACME, UMBRELLA = (LogName("shop", Stream.AUDIT, "vm", tenant) for tenant in ("acme", "umbrella"))


def some(tenant: str, *bodies: str, stream: Stream = Stream.AUDIT) -> Rows:
    """Return records of a tenant that are received now."""
    return rows(stream, *bodies, ingested_at=time.time_ns(), tenant=tenant)


def commit(stream: SignedStream, *parts: Rows) -> None:
    """Commit records."""
    outcomes = stream.commit(parts, [hashlib.sha256(repr(part).encode()).digest() for part in parts])
    assert all(isinstance(outcome, Batch) for outcome in outcomes.values())


@contextlib.asynccontextmanager
async def carrying_out(orders: DropOrders, logs: Logs, engine: Engine, writer: str = "vm") -> AsyncIterator[None]:
    """Carry out orders until the block ends."""
    journals = [stream.stream for stream in logs.values()]
    with closing(Pool("housekeeping", 2)) as pool:
        drops = TenantDrops(orders, writer, list(logs.values()), lambda: journals, engine, time.time_ns)
        work = asyncio.create_task(drops.run(pool))
        yield
        work.cancel()


async def dropped(directory: Path, logs: Logs, engine: Engine, tenant: str) -> DropAnswer:
    """Give an order and return its answer."""
    orders = DropOrders(directory)
    order = orders.give(tenant)
    async with carrying_out(orders, logs, engine):
        await asyncio.to_thread(wait_for, lambda: "vm" in orders.answers(order))
    answer = orders.answers(order)["vm"]
    orders.end(order)
    return answer

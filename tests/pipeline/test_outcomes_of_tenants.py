"""A batcher of several tenants: one commit, and an outcome for each tenant."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from server.codec.rows import Rows
from server.errors.ingest import BatchOutcomeUnknownError, RefusedError, StorageRefusedError
from server.notary.batch import Batch, LogState, notarize
from server.notary.origin import LogName, LogOwner, Stream
from server.notary.signers import Signer
from server.pipeline.batcher import Batcher
from server.pipeline.gatherer import BatchLimits, Place
from server.pipeline.measures import BatchMeasure

from .batching import some_rows

LIMITS = BatchLimits(rows=100, age=0.01)
SIGNER = Signer.generate()
REFUSED = StorageRefusedError("storage refuses this tenant")


def batch_of(tenant: str, parts: list[Rows], first: int = 0) -> Batch:
    name = LogName("shop", Stream.AUDIT, "vm", tenant)
    hashes = bytes(32 * sum(part.count for part in parts))
    made = notarize(LogState(name), hashes, SIGNER, min_timestamp=0, max_timestamp=0, ingested_at=1)
    return replace(made.batch, first_leaf=first)


class Tenants:
    """A committer with a log for each tenant; its outcomes can be set."""

    def __init__(self, **outcomes: RefusedError) -> None:
        self.outcomes = outcomes
        self.commits = 0
        self.settled = threading.Event()

    def __call__(self, rows: list[Rows], _requests: list[bytes]) -> dict[LogOwner, Batch | RefusedError]:
        self.commits += 1
        by_tenant: dict[str, list[Rows]] = {}
        for some in rows:
            by_tenant.setdefault(some.owner.tenant, []).append(some)
        return {
            LogOwner(tenant): self.outcomes.get(tenant) or batch_of(tenant, parts, first=10)
            for tenant, parts in by_tenant.items()
        }

    def settle(self) -> None:
        assert self.settled.wait(60)


async def test_each_tenants_senders_get_its_own_outcome() -> None:
    measures: list[BatchMeasure] = []
    tenants = Tenants(umbrella=REFUSED)
    batcher = Batcher(LIMITS, tenants, measures.append)
    batcher.start()
    waits = [
        batcher.add(some_rows(count, tenant=tenant), tenant.encode())
        for tenant, count in (("acme", 1), ("umbrella", 2), ("", 4))
    ]
    outcomes = await asyncio.gather(*waits, return_exceptions=True)
    assert outcomes == [None, REFUSED, None]
    assert tenants.commits == 1
    assert [(measure.records, measure.kept) for measure in measures] == [(5, True), (2, False)]
    await batcher.close()


async def test_places_are_those_in_the_log_of_the_tenant() -> None:
    places: dict[str, Place] = {}
    batcher = Batcher(LIMITS, Tenants())
    batcher.start()

    def told(at: str) -> Callable[[Place], None]:
        return lambda place: places.update({at: place})

    waits = [
        batcher.add(some_rows(3, tenant=tenant), f"{number}".encode(), told(f"{tenant}{number}"))
        for number, tenant in enumerate(("acme", "umbrella", "acme"))
    ]
    await asyncio.gather(*waits)
    assert places == {
        "acme0": ("shop/acme/audit/vm", 10),
        "umbrella1": ("shop/umbrella/audit/vm", 10),
        "acme2": ("shop/acme/audit/vm", 13),
    }
    await batcher.close()


async def test_a_retry_waits_for_the_unknown_outcome_of_its_own_tenant_only() -> None:
    tenants = Tenants(umbrella=BatchOutcomeUnknownError("no answer"))
    batcher = Batcher(LIMITS, tenants, settle=tenants.settle)
    batcher.start()
    first = [batcher.add(some_rows(tenant=tenant), tenant.encode()) for tenant in ("acme", "umbrella")]
    await first[0]
    with pytest.raises(BatchOutcomeUnknownError):
        await first[1]
    tenants.outcomes.clear()
    retry = batcher.add(some_rows(tenant="umbrella"), b"umbrella")
    assert not retry.done()
    tenants.settled.set()
    await retry
    assert tenants.commits == 1  # what was stored is not stored again
    await batcher.close()

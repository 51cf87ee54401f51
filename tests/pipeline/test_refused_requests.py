"""Requests that are refused: nothing of them is stored, and what they held is given back."""

from __future__ import annotations

import asyncio

import pytest

from server.admission.admission import Admission, AdmissionLimits
from server.admission.tenant_limits import TenantLimits, TenantMeters, Usage
from server.codec.annotations import Annotations
from server.codec.signals import Signal
from server.errors.ingest import (
    ForbiddenStreamError,
    MalformedRequestError,
    OverloadedError,
    OversizedError,
    StorageRefusedError,
)
from server.notary.origin import Stream
from server.pipeline.pipeline import Part
from tests.pipeline.letters import Store, submit


@pytest.mark.parametrize(
    ("request_bytes", "signal", "streams", "refused"),
    [
        (b"ao", Signal.LOGS, {Stream.OPERATIONAL}, "audit"),
        (b"ao", Signal.LOGS, {Stream.AUDIT}, "operational"),
        (b"s", Signal.TRACES, {Stream.AUDIT, Stream.OPERATIONAL}, "spans"),
        (b"oo", Signal.LOGS, {Stream.OPERATIONAL}, ""),
        (b"ao", Signal.LOGS, {Stream.AUDIT, Stream.OPERATIONAL}, ""),
        (b"s", Signal.TRACES, {Stream.SPANS}, ""),
        (b"", Signal.LOGS, set(), ""),
    ],
)
async def test_a_request_with_a_record_of_a_forbidden_stream_is_refused_as_a_whole(
    request_bytes: bytes, signal: Signal, streams: set[Stream], refused: str
) -> None:
    store = Store()
    pipeline = store.pipeline()
    with pipeline.admit("sender") as ticket:
        sending = pipeline.submit(request_bytes, ticket, signal, streams=frozenset(streams))
        if refused:
            with pytest.raises(ForbiddenStreamError, match=f"not for records of the stream {refused}$"):
                await sending
        else:
            await sending
    await pipeline.close()
    assert sum(store.counts.values()) == (0 if refused else len(request_bytes))


async def test_a_part_of_a_forbidden_stream_keeps_the_other_parts_from_being_stored() -> None:
    store = Store()
    pipeline = store.pipeline()
    only = frozenset({Stream.AUDIT})
    with pipeline.admit("sender") as ticket, pytest.raises(ForbiddenStreamError):
        await pipeline.submit_parts([Part(b"a", streams=only), Part(b"o", streams=only)], ticket)
    await pipeline.close()
    assert sum(store.counts.values()) == 0


async def test_a_request_that_the_examination_refuses_is_not_stored() -> None:
    def refuse(request: bytes, received: int) -> Annotations:
        raise MalformedRequestError(f"not signed: {request!r} at {received}")

    store = Store()
    pipeline = store.pipeline(examine=refuse)
    with pytest.raises(MalformedRequestError, match="not signed"):
        await submit(pipeline, b"ao")
    assert not any(store.counts.values())
    await pipeline.close()


async def test_what_was_refused_counts_for_no_limit_and_no_usage_of_its_tenant() -> None:
    store, tenants = Store(), TenantMeters(TenantLimits(records=1))
    store.failures[Stream.AUDIT] = StorageRefusedError("no room")
    pipeline = store.pipeline(tenants=tenants)
    for _ in range(10):  # of which half would use up the limit
        with pytest.raises(StorageRefusedError, match="no room"):
            await submit(pipeline, b"a")
    assert tenants.usage() == {}
    del store.failures[Stream.AUDIT]
    await submit(pipeline, b"aa")
    assert tenants.usage() == {"": Usage(size=2, records=2)}
    await pipeline.close()


async def test_a_malformed_request_is_refused_for_good_and_holds_nothing() -> None:
    pipeline = Store().pipeline(limits=AdmissionLimits(requests=1, size=1 << 20, largest=1 << 20))
    for _ in range(3):
        with pytest.raises(MalformedRequestError):
            await submit(pipeline, b"!" * 4)
    await submit(pipeline, b"aaaa")
    await pipeline.close()


async def test_what_there_is_no_room_for_is_refused_until_there_is() -> None:
    store = Store()
    store.open[Stream.AUDIT].clear()
    pipeline = store.pipeline(limits=AdmissionLimits(requests=1, size=1 << 20, largest=1 << 20))
    first = asyncio.create_task(submit(pipeline, b"aaaaaa"))
    await store.begun[Stream.AUDIT].wait()
    with pytest.raises(OverloadedError):
        await submit(pipeline, b"ooooo")
    store.open[Stream.AUDIT].set()
    await first
    await submit(pipeline, b"ooooo")
    assert store.counts == {Stream.AUDIT: 6, Stream.OPERATIONAL: 5, Stream.SPANS: 0}
    await pipeline.close()


async def test_a_request_whose_rows_are_too_large_for_memory_is_refused_for_good() -> None:
    store = Store()
    pipeline = store.pipeline(limits=AdmissionLimits(requests=10, size=1 << 20, largest=10_000))
    with pytest.raises(OversizedError):
        await submit(pipeline, b"a" * 1000)  # a row has more than ten bytes
    await submit(pipeline, b"a")
    await pipeline.close()
    assert store.counts[Stream.AUDIT] == 1


async def test_a_commit_that_takes_too_long_is_refused_and_to_be_retried() -> None:
    store = Store()
    store.open[Stream.AUDIT].clear()
    pipeline = store.pipeline(ack_timeout=0.01)
    with pytest.raises(StorageRefusedError, match="in time") as refusal:
        await submit(pipeline, b"a")
    assert refusal.value.retry_after > 0
    await submit(pipeline, b"o")  # the other stream is not concerned
    store.open[Stream.AUDIT].set()
    await pipeline.close()


async def test_the_time_that_a_part_has_waited_before_counts_for_its_commit() -> None:
    store = Store()
    store.open[Stream.AUDIT].clear()
    pipeline = store.pipeline(ack_timeout=60.0)
    with pipeline.admit("someone", 1) as ticket, pytest.raises(StorageRefusedError, match="in time"):
        await pipeline.submit_parts([Part(b"a", waited=60.0)], ticket)
    store.open[Stream.AUDIT].set()
    await pipeline.close()


async def test_a_storage_that_does_not_answer_gets_fewer_requests_to_wait_for() -> None:
    store = Store()
    store.open[Stream.AUDIT].clear()
    admission = Admission(AdmissionLimits(requests=1000, size=1 << 30, largest=1 << 30))
    pipeline = store.pipeline(ack_timeout=0.01, admission=admission)
    before = admission.window
    with pytest.raises(StorageRefusedError):
        await submit(pipeline, b"a")
    assert admission.window < before
    store.open[Stream.AUDIT].set()
    await pipeline.close()


async def test_a_sender_that_goes_away_does_not_disturb_others_and_gives_back_its_room() -> None:
    store = Store()
    store.open[Stream.AUDIT].clear()
    pipeline = store.pipeline(limits=AdmissionLimits(requests=2, size=1 << 20, largest=1 << 20))
    gone = asyncio.create_task(submit(pipeline, b"aaaa"))
    await store.begun[Stream.AUDIT].wait()
    stays = asyncio.create_task(submit(pipeline, b"aaa"))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await submit(pipeline, b"oooooo")
    store.open[Stream.AUDIT].set()
    await stays
    assert store.counts == {Stream.AUDIT: 7, Stream.OPERATIONAL: 6, Stream.SPANS: 0}
    await pipeline.close()

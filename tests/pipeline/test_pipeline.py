"""The way of a request: OK only once all its records are committed."""

from __future__ import annotations

import asyncio

import pytest

from server.admission.admission import Admission
from server.codec.annotations import Annotation
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.signals import Signal
from server.errors.ingest import ShuttingDownError, StorageRefusedError
from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.pipeline.clock import Clock
from server.pipeline.gatherer import BatchLimits
from server.pipeline.pipeline import Components, Part, Pipeline
from tests.pipeline.letters import WIDE, Letters, Store, submit

_OF_LOGS = (Stream.AUDIT, Stream.OPERATIONAL)


async def test_a_request_is_answered_when_all_its_records_are_committed() -> None:
    store = Store()
    pipeline = store.pipeline()
    await submit(pipeline, b"aoo")
    assert store.counts == {Stream.AUDIT: 1, Stream.OPERATIONAL: 2, Stream.SPANS: 0}
    await pipeline.close()


async def test_annotations_of_a_receiver_and_of_the_examination_are_stored_with_the_records() -> None:
    codec = Letters()
    pipeline = Store().pipeline(
        codec=codec, examine=lambda request, received: [Annotation(len(request), b"%d" % min(received, 1))]
    )
    await submit(pipeline, b"ao", annotations=[Annotation(0, b"given")])
    assert codec.annotations == [Annotation(0, b"given"), Annotation(2, b"1")]
    await submit(pipeline, b"s", Signal.TRACES)  # spans are not examined
    assert len(codec.annotations) == 2
    await pipeline.close()


async def test_a_traces_request_is_answered_when_all_its_spans_are_committed() -> None:
    store = Store()
    store.open[Stream.SPANS].clear()
    pipeline = store.pipeline()
    sender = asyncio.create_task(submit(pipeline, b"sss", Signal.TRACES))
    await store.begun[Stream.SPANS].wait()
    await submit(pipeline, b"ao")  # the other streams do not wait for it
    assert not sender.done()
    store.open[Stream.SPANS].set()
    await sender
    assert store.counts == {Stream.AUDIT: 1, Stream.OPERATIONAL: 1, Stream.SPANS: 3}
    await pipeline.close()


async def test_a_request_without_records_is_answered_at_once() -> None:
    store = Store()
    for event in store.open.values():
        event.clear()
    pipeline = store.pipeline()
    await submit(pipeline, b"")
    assert not any(event.is_set() for event in store.begun.values())
    await pipeline.close()


@pytest.mark.parametrize("slow", _OF_LOGS)
async def test_records_in_both_streams_wait_for_both(slow: Stream) -> None:
    (quick,) = set(_OF_LOGS) - {slow}
    store = Store()
    store.open[slow].clear()
    pipeline = store.pipeline()
    sender = asyncio.create_task(submit(pipeline, b"ao"))
    await store.begun[slow].wait()
    await submit(pipeline, {Stream.AUDIT: b"a", Stream.OPERATIONAL: b"o"}[quick])  # the quick stream has committed
    assert store.counts[quick] == 2
    assert not sender.done()
    store.open[slow].set()
    await sender
    assert store.counts[slow] == 1
    await pipeline.close()


@pytest.mark.parametrize("failing", _OF_LOGS)
async def test_a_request_is_refused_if_one_of_its_streams_is(failing: Stream) -> None:
    store = Store()
    store.failures[failing] = StorageRefusedError("no room")
    pipeline = store.pipeline()
    with pytest.raises(StorageRefusedError, match="no room"):
        await submit(pipeline, b"ao")
    await pipeline.close()
    assert sum(store.counts.values()) == 1


async def test_closing_commits_what_was_taken_and_refuses_what_comes_later() -> None:
    store = Store()
    store.open[Stream.AUDIT].clear()
    pipeline = store.pipeline()
    taken = asyncio.create_task(submit(pipeline, b"aa"))
    await store.begun[Stream.AUDIT].wait()
    closing = asyncio.create_task(pipeline.close())
    await asyncio.sleep(0)
    with pytest.raises(ShuttingDownError):
        await submit(pipeline, b"a")
    assert not closing.done()
    store.open[Stream.AUDIT].set()
    await closing
    await taken
    assert store.counts[Stream.AUDIT] == 2


async def test_until_it_is_started_requests_are_refused_and_to_be_sent_again() -> None:
    pipeline = Pipeline(Clock(), ack_timeout=60.0)
    with pytest.raises(StorageRefusedError, match="waiting for storage") as refusal:
        pipeline.admit("someone")
    assert refusal.value.retry_after > 0
    store = Store()
    batchers = {stream: Batcher(BatchLimits(age=0.001), store.commit(stream)) for stream in Stream}
    pipeline.start(Components(Letters(), batchers, Admission(WIDE)))
    await submit(pipeline, b"a")
    assert store.counts[Stream.AUDIT] == 1
    await pipeline.close()


async def test_the_time_of_receipt_is_handed_to_the_codec() -> None:
    codec = Letters()
    pipeline = Store().pipeline(codec=codec)
    for _ in range(3):
        await submit(pipeline, b"a")
    assert codec.times == sorted(codec.times)
    assert codec.times[0] > 1_700_000_000 * 10**9
    await pipeline.close()


async def test_tenant_and_sender_are_handed_to_the_codec() -> None:
    codec = Letters()
    pipeline = Store().pipeline(codec=codec)
    shop = Provenance("acme", "token:shop")
    for signal, request in ((Signal.LOGS, b"a"), (Signal.TRACES, b"s")):
        with pipeline.admit("sender", len(request)) as ticket:
            await pipeline.submit(request, ticket, signal, provenance=shop)
    assert codec.provenances == [shop, shop]
    await pipeline.close()


def test_equal_bytes_of_different_tenants_or_senders_are_no_retry_of_each_other() -> None:
    provenances = (NO_PROVENANCE, Provenance("a"), Provenance("", "a"), Provenance("a", "b"), Provenance("b", "a"))
    assert len({Part(b"a", provenance=one).identity for one in provenances}) == len(provenances)

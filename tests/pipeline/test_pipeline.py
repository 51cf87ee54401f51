"""The way of a request: OK only once all its records are committed, a refusal for everything else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from server.admission.admission import Admission, AdmissionLimits
from server.admission.tenant_limits import TenantLimits, TenantMeters, Usage
from server.codec.annotations import Annotation, Annotations
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.rows import Rows
from server.codec.signals import Signal
from server.errors.ingest import (
    ForbiddenStreamError,
    MalformedRequestError,
    OverloadedError,
    OversizedError,
    ShuttingDownError,
    StorageRefusedError,
)
from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.pipeline.clock import Clock
from server.pipeline.gatherer import BatchLimits
from server.pipeline.pipeline import Components, Examine, Part, Pipeline
from tests.codec.building import rows

_OF_LOGS = (Stream.AUDIT, Stream.OPERATIONAL)
WIDE = AdmissionLimits(requests=100, size=1 << 20, largest=1 << 20)


async def submit(
    pipeline: Pipeline, request: bytes, signal: Signal = Signal.LOGS, annotations: Annotations = ()
) -> None:
    """Send a request as a receiver does."""
    with pipeline.admit("sender", len(request)) as ticket:
        await pipeline.submit(request, ticket, signal, annotations=annotations)


class Letters:
    """A codec: an ``a`` stands for an audit record, an ``o`` for an operational one, an ``s`` for a span."""

    name = "letters"

    def __init__(self) -> None:
        self.times: list[int] = []
        self.annotations: list[Annotation] = []
        self.provenances: list[Provenance] = []

    def encode(
        self, request: bytes, ingested_at: int, annotations: Annotations = (), provenance: Provenance = NO_PROVENANCE
    ) -> list[Rows]:
        self.annotations += annotations
        self.provenances.append(provenance)
        self.times.append(ingested_at)
        if b"!" in request:
            raise MalformedRequestError("an exclamation mark")
        made = []
        if count := request.count(b"a"):
            made.append(rows(Stream.AUDIT, *count * ["body"], ingested_at=ingested_at))
        if count := request.count(b"o"):
            made.append(rows(Stream.OPERATIONAL, *count * ["body"], ingested_at=ingested_at))
        return made

    def encode_spans(self, request: bytes, ingested_at: int, provenance: Provenance = NO_PROVENANCE) -> list[Rows]:
        self.provenances.append(provenance)
        self.times.append(ingested_at)
        count = request.count(b"s")
        return [rows(Stream.SPANS, *count * ["span"], ingested_at=ingested_at)] if count else []


class Store:
    """Log writer that the batchers of a pipeline commit to."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Stream, 0)
        self.failures: dict[Stream, Exception] = {}
        self.begun = {stream: asyncio.Event() for stream in Stream}
        self.open = {stream: threading.Event() for stream in Stream}
        for event in self.open.values():
            event.set()
        self._loop = asyncio.get_running_loop()

    def commit(self, stream: Stream) -> Callable[[list[Rows], list[bytes]], None]:
        def commit(parts: list[Rows], _: list[bytes]) -> None:
            self._loop.call_soon_threadsafe(self.begun[stream].set)
            assert self.open[stream].wait(60)
            if stream in self.failures:
                raise self.failures[stream]
            self.counts[stream] += sum(part.count for part in parts)

        return commit

    def pipeline(
        self,
        *,
        ack_timeout: float = 60.0,
        age: float = 0.001,
        codec: Letters | None = None,
        limits: AdmissionLimits = WIDE,
        admission: Admission | None = None,
        examine: Examine | None = None,
        tenants: TenantMeters | None = None,
    ) -> Pipeline:
        batchers = {stream: Batcher(BatchLimits(age=age), self.commit(stream)) for stream in Stream}
        pipeline = Pipeline(Clock(), ack_timeout=ack_timeout)
        admitting = admission or Admission(limits)
        pipeline.start(Components(codec or Letters(), batchers, admitting, examine=examine, tenants=tenants))
        return pipeline


async def test_a_request_is_answered_when_all_its_records_are_committed() -> None:
    store = Store()
    pipeline = store.pipeline()
    await submit(pipeline, b"aoo")
    assert store.counts == {Stream.AUDIT: 1, Stream.OPERATIONAL: 2, Stream.SPANS: 0}
    await pipeline.close()


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


async def test_a_request_that_the_examination_refuses_is_not_stored() -> None:
    def refuse(request: bytes, received: int) -> Annotations:
        raise MalformedRequestError(f"not signed: {request!r} at {received}")

    store = Store()
    pipeline = store.pipeline(examine=refuse)
    with pytest.raises(MalformedRequestError, match="not signed"):
        await submit(pipeline, b"ao")
    assert not any(store.counts.values())
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


async def test_what_was_refused_counts_for_no_limit_and_no_usage_of_its_tenant() -> None:
    store, tenants = Store(), TenantMeters(TenantLimits(records=1))
    store.failures[Stream.AUDIT] = StorageRefusedError("no room")
    pipeline = store.pipeline(tenants=tenants)
    for _ in range(10):  # of which half would use up the limit
        with pytest.raises(StorageRefusedError, match="no room"):
            await submit(pipeline, b"a")
    assert tenants.usage() == {"": Usage()}
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


def test_the_clock_never_goes_back() -> None:
    times = iter([100, 300, 200, 400])
    clock = Clock(lambda: next(times))
    assert [clock.now() for _ in range(4)] == [100, 300, 300, 400]


def test_the_clock_does_not_go_back_behind_what_is_stored() -> None:
    times = iter([100, 300])
    clock = Clock(lambda: next(times))
    clock.not_before(200)
    clock.not_before(150)
    assert [clock.now() for _ in range(2)] == [200, 300]


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

"""Requests are encoded at the same time, and their records are in the log in the order of their receipt."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.admission.admission import Admission, AdmissionLimits
from server.codec.annotations import Annotations
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.rows import Rows
from server.errors.ingest import MalformedRequestError, PipelineError
from server.notary.origin import Stream
from server.pipeline.batcher import Batcher
from server.pipeline.clock import Clock
from server.pipeline.gatherer import BatchLimits
from server.pipeline.pipeline import Components, Pipeline
from tests.codec.building import DAY, NOW, rows
from tests.log.stepped import Stage, SteppedLoop

MIDNIGHT = (NOW // DAY + 1) * DAY
LIMITS = BatchLimits(rows=4, age=1.0)


class SlowCodec:
    """Takes as long for a request as a test likes; the request's letters are the streams that its records are of."""

    name = "slow"

    def encode(
        self, request: bytes, ingested_at: int, annotations: Annotations = (), provenance: Provenance = NO_PROVENANCE
    ) -> list[Rows]:
        assert not annotations
        assert provenance == NO_PROVENANCE
        Stage.park("encoding")
        if b"!" in request:
            raise MalformedRequestError("an exclamation mark")
        streams = [stream for letter, stream in ((b"a", Stream.AUDIT), (b"o", Stream.OPERATIONAL)) if letter in request]
        return [rows(stream, "body", ingested_at=ingested_at) for stream in streams]

    def encode_spans(self, request: bytes, ingested_at: int, provenance: Provenance = NO_PROVENANCE) -> list[Rows]:
        raise AssertionError(f"not expected: {request!r} of {provenance}")


class Receiving:
    """A pipeline on a loop, a clock and threads that go on when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.received = MIDNIGHT - 10
        self.stage = Stage()
        self.loop = SteppedLoop(self.stage, lambda: self.now)
        self.batches: dict[Stream, list[list[Rows]]] = {stream: [] for stream in Stream}
        self.sent: list[asyncio.Task[None]] = []
        self.pipeline = self.loop.inside(self._start)

    def _start(self) -> Pipeline:
        batchers = {stream: Batcher(LIMITS, self._commit, clock=self.loop.time) for stream in Stream}
        pipeline = Pipeline(Clock(lambda: self.received), ack_timeout=1e9)
        wide = AdmissionLimits(requests=1000, size=1 << 30, largest=1 << 30)
        pipeline.start(Components(SlowCodec(), batchers, Admission(wide)))
        return pipeline

    def _commit(self, parts: list[Rows], _: list[bytes]) -> None:
        self.batches[parts[0].stream].append(parts)

    def send(self, request: bytes, after: int) -> None:
        self.received += after

        async def submit() -> None:
            with self.pipeline.admit("sender", len(request)) as ticket:
                await self.pipeline.submit(request, ticket)

        self.sent.append(self.loop.inside(lambda: self.loop.create_task(submit())))

    def go_away(self, number: int) -> None:
        self.sent[number % len(self.sent)].cancel()
        self.loop.spin()

    def encode_one(self, number: int) -> None:
        if self.stage.parked:
            worker, _ = self.stage.parked[number % len(self.stage.parked)]
            worker.resume()
            self.loop.spin()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.loop.spin()

    def end(self) -> None:
        while self.stage.parked:
            self.encode_one(0)
        for _ in range(100):
            self.wait(2.0)
        assert all(task.done() for task in self.sent)
        for task in self.sent:
            if not task.cancelled() and (error := task.exception()) is not None:
                assert isinstance(error, PipelineError)


_steps = st.one_of(
    st.tuples(st.just("send"), st.sampled_from([b"a", b"o", b"ao", b"!"]), st.integers(0, 5)),
    st.tuples(st.just("encode"), st.integers(0, 9)),
    st.tuples(st.just("go away"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 1.0])),
)


@given(st.lists(_steps, max_size=60))
def test_the_time_of_receipt_never_goes_back_in_a_log_and_midnight_closes_one_batch(
    steps: list[tuple[Any, ...]],
) -> None:
    receiving = Receiving()
    try:
        for step, *arguments in steps:
            match step:
                case "send":
                    receiving.send(*arguments)
                case "encode":
                    receiving.encode_one(*arguments)
                case "go away" if receiving.sent:
                    receiving.go_away(*arguments)
                case "wait":
                    receiving.wait(*arguments)
        receiving.end()
        for batches in receiving.batches.values():
            times = [part.ingested_at for parts in batches for part in parts]
            assert times == sorted(times)
            days = [parts[0].day for parts in batches]
            assert sum(before != after for before, after in itertools.pairwise(days)) <= 1
    finally:
        receiving.stage.kill()
        receiving.loop.abandon()
        receiving.loop.close()
